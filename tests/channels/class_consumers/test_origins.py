"""Which pages may open a WebSocket to a class consumer."""

import pytest
from django.test import override_settings

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.security.websocket import AllowedHostsOriginValidator, OriginValidator
from tests.channels.class_consumers.conversations import conversation, run


class Accepting(AsyncWebsocketConsumer):
    pass


def is_let_in(application, origin):
    async def main():
        headers = [] if origin is None else [(b"origin", origin)]
        async with conversation(application, {"headers": headers}) as talk:
            await talk.say("websocket.connect")
            answer = (await talk.hears())["type"]
            return {"websocket.accept": True, "websocket.close": False}[answer]

    return run(main())


@pytest.mark.parametrize(
    ("allowed", "origin", "may"),
    [
        (["good.com"], b"http://good.com", True),
        (["good.com"], b"https://good.com:8000", True),
        (["good.com"], b"http://bad.com", False),
        (["good.com"], b"http://sub.good.com", False),
        ([".good.com"], b"http://sub.good.com", True),
        (["http://good.com"], b"http://good.com:80", True),
        (["http://.good.com:80"], b"http://sub.good.com", True),
        (["https://good.com"], b"http://good.com", False),
        (["https://good.com:8443"], b"https://good.com", False),
        (["good.com"], None, False),
        (["*"], None, True),
        (["*"], b"http://bad.com", True),
        (["good.com"], b"not a url", False),
        (["good.com"], b"http://good.com:nine", False),
        (["good.com"], b"null", False),
        (["good.com"], b"http://evil@good.com", False),
        (["http://good.com"], b"http://evil:x@good.com", False),
        (["good.com"], b"http://good.com/evil", False),
        (["[::1]"], b"http://[::1]:8000", True),
    ],
)
def test_pages_of_allowed_origins_are_let_in(allowed, origin, may):
    assert is_let_in(OriginValidator(Accepting, allowed), origin) is may


@override_settings(ALLOWED_HOSTS=["good.com"])
def test_pages_of_allowed_hosts_are_let_in():
    application = AllowedHostsOriginValidator(Accepting.as_asgi())
    assert is_let_in(application, b"http://good.com")
    assert not is_let_in(application, b"http://localhost")


@override_settings(ALLOWED_HOSTS=[], DEBUG=True)
def test_pages_of_this_machine_are_let_in_under_debug():
    application = AllowedHostsOriginValidator(Accepting.as_asgi())
    assert is_let_in(application, b"http://localhost:8000")


def test_it_stands_before_websockets_only():
    async def main():
        with pytest.raises(ValueError, match="non-WebSocket"):
            await OriginValidator(Accepting, ["*"])({"type": "http"}, None, None)

    run(main())
