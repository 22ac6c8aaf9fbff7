"""Which pages may open a WebSocket."""

import asyncio

import pytest

from channels.consuming.decorators import is_async_consumer
from channels.exceptions import DenyConnection
from channels.message import Message
from channels.security.websockets import (
    AllowedHostsOnlyOriginValidator,
    BaseOriginValidator,
    allowed_hosts_only,
    check_origin,
)


def make_connect(layer, *origins, channel="websocket.connect"):
    headers = [[b"host", b"example.com"], *([b"origin", origin] for origin in origins)]
    content = {"reply_channel": "websocket.send.S!a", "path": "/chat/", "headers": headers}
    return Message(content, channel, layer)


@allowed_hosts_only
def consumer(message, **kwargs):
    return kwargs or "ran"


@pytest.mark.parametrize(
    "origin",
    [
        b"http://example.com",
        b"https://example.com",
        b"https://EXAMPLE.com:8443",
        b"https://www.example.org",
        b"http://[2001:db8::1]:8000",
    ],
)
def test_pages_of_allowed_hosts_may_connect(layer, settings, origin):
    settings.ALLOWED_HOSTS = ["example.com", ".example.org", "[2001:db8::1]"]
    assert consumer(make_connect(layer, origin)) == "ran"
    check_origin(make_connect(layer, origin))


@pytest.mark.parametrize(
    "origin",
    [
        b"http://evil.test",
        b"http://example.com.evil.test",
        b"http://evilexample.com",
        b"null",
        b"",
        b"example.com",
        b"file://",
        b"http://[oops",
        b"http://\xe9xample.com",
        b"http://evil@example.com",
        b"http://evil:x@example.com:80",
        b"http://evil.test\\@example.com",
        b"http://example.com/evil",
        b"http://example.com?evil",
        b"http://example.com#evil.test",
        b"http://example.com:99999",
        b"http://example.com:80:80",
        b"http://example.com http://evil.test",
        b"//example.com",
    ],
)
def test_other_pages_may_not(layer, origin):
    with pytest.raises(DenyConnection):
        consumer(make_connect(layer, origin))
    with pytest.raises(DenyConnection):
        check_origin(make_connect(layer, origin))


def test_allowed_hosts_only_refuses_clients_without_an_origin(layer):
    with pytest.raises(DenyConnection, match="no Origin"):
        consumer(make_connect(layer))


def test_a_refusal_is_logged_with_its_origin(layer, caplog):
    with pytest.raises(DenyConnection):
        consumer(make_connect(layer, b"http://evil.test"))
    assert "/chat/" in caplog.text and "http://evil.test" in caplog.text


@pytest.mark.parametrize("host", [b"localhost", b"app.localhost", b"127.0.0.1", b"[::1]"])
def test_under_debug_with_no_allowed_hosts_local_pages_may_connect(layer, settings, host):
    settings.DEBUG, settings.ALLOWED_HOSTS = True, []
    assert consumer(make_connect(layer, b"http://" + host + b":8000")) == "ran"
    with pytest.raises(DenyConnection):
        consumer(make_connect(layer, b"http://example.com"))


@pytest.mark.parametrize(
    ("origin", "may_connect"),
    [
        (b"https://app.example.net", True),
        (b"https://a.b.example.net", True),
        (b"http://app.example.net", False),
        (b"https://other.test:8443", True),
        (b"https://other.test", False),
    ],
)
def test_the_default_check_lets_trusted_origins_in(layer, settings, origin, may_connect):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.net", "https://other.test:8443"]
    if may_connect:
        check_origin(make_connect(layer, origin))
    else:
        with pytest.raises(DenyConnection):
            check_origin(make_connect(layer, origin))


def test_the_default_check_is_for_handshakes_only(layer):
    check_origin(make_connect(layer, b"http://evil.test", channel="http.request"))
    check_origin(make_connect(layer))


def test_a_validator_of_ones_own_says_who_may_connect(layer):
    class OnlyFridays(BaseOriginValidator):
        def validate_origin(self, message, origin):
            return origin.endswith("friday.test")

    friday = OnlyFridays(lambda message: "ran")
    assert friday(make_connect(layer, b"https://friday.test")) == "ran"
    with pytest.raises(DenyConnection):
        friday(make_connect(layer, b"https://example.com"))
    with pytest.raises(NotImplementedError, match="BaseOriginValidator"):
        BaseOriginValidator(lambda message: "ran")(make_connect(layer, b"https://a.test"))


def test_it_works_on_methods_and_passes_arguments_on(layer):
    class Consumers:
        answer = "ran"

        @allowed_hosts_only
        def connect(self, message, room):
            return self.answer, room

    consumers = Consumers()
    message = make_connect(layer, b"http://example.com")
    assert consumers.connect(message, room="lobby") == ("ran", "lobby")
    with pytest.raises(DenyConnection):
        consumers.connect(make_connect(layer, b"http://evil.test"), room="lobby")


def test_it_works_on_async_consumers(layer):
    @allowed_hosts_only
    async def connect(message):
        return "ran"

    assert is_async_consumer(connect)
    assert asyncio.run(connect(make_connect(layer, b"http://example.com"))) == "ran"
    with pytest.raises(DenyConnection):
        asyncio.run(connect(make_connect(layer, b"http://evil.test")))


def test_it_looks_like_the_consumer_and_leaves_its_mark():
    assert consumer.__name__ == "consumer"
    assert consumer.consumer_marks == {"AllowedHostsOnlyOriginValidator"}
    assert isinstance(consumer, AllowedHostsOnlyOriginValidator)


def test_header_values_are_found_by_name(layer):
    message = make_connect(layer, b"http://a.test", b"http://b.test")
    assert consumer.get_header(message, b"origin") == [b"http://a.test", b"http://b.test"]
    with pytest.raises(KeyError, match="cookie"):
        consumer.get_header(message, b"cookie")
