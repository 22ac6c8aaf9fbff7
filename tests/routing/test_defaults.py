import sys
import types

import pytest

from channels.routing import InvalidRoute, Router, connect_consumer, null_consumer, route
from routing.defaults import UnroutedConnect
from tests.routing.consumers import ws_connect
from tests.routing.messages import make_message


class ViewConsumer:
    """Stands in for the consumer that runs Django's views."""

    made = 0

    def __init__(self):
        type(self).made += 1

    def __call__(self, message):
        """Answer the request."""


@pytest.fixture(autouse=True)
def handler_module(monkeypatch):
    module = types.ModuleType("channels.handler")
    module.ViewConsumer = ViewConsumer
    monkeypatch.setitem(sys.modules, "channels.handler", module)
    monkeypatch.setattr(ViewConsumer, "made", 0)
    return module


def consumer_of(router, channel, **content):
    found = router.match(make_message(channel, **content))
    return found and found[0]


def test_without_check_default_only_the_projects_own_channels_are_taken():
    router = Router([route("x", ws_connect)])
    assert router.channels == {"x"}


def test_the_defaults_take_what_the_project_does_not():
    router = Router([])
    router.check_default()
    assert isinstance(consumer_of(router, "http.request"), ViewConsumer)
    assert isinstance(consumer_of(router, "websocket.connect"), UnroutedConnect)
    for channel in ("websocket.receive", "websocket.disconnect", "http.disconnect"):
        assert consumer_of(router, channel) is null_consumer
    assert len(router.channels) == 5


def test_the_default_of_websocket_connect_accepts():
    sent = []
    message = make_message("websocket.connect")
    message.reply_channel = types.SimpleNamespace(send=sent.append)
    connect_consumer(message)
    assert sent == [{"accept": True}]


def test_the_default_of_the_rest_does_nothing():
    assert null_consumer(make_message("websocket.receive"), room="any") is None


def test_a_project_route_with_a_filter_leaves_the_rest_to_the_default():
    router = Router([route("http.request", ws_connect, path="^/poll$")])
    router.check_default()
    assert consumer_of(router, "http.request", path="/poll") is ws_connect
    assert isinstance(consumer_of(router, "http.request", path="/"), ViewConsumer)


def test_views_are_not_made_ready_for_a_project_that_takes_every_request():
    router = Router([route("http.request", ws_connect)])
    router.check_default()
    assert consumer_of(router, "http.request") is ws_connect
    assert ViewConsumer.made == 0


def test_an_http_consumer_may_be_named_instead_of_the_views():
    router = Router([])
    router.check_default(http_consumer=ws_connect)
    assert consumer_of(router, "http.request") is ws_connect
    assert ViewConsumer.made == 0


def test_a_second_check_default_replaces_the_first_one():
    router = Router([])
    router.check_default()
    router.check_default(http_consumer=ws_connect)
    assert consumer_of(router, "http.request") is ws_connect


def test_views_that_can_not_be_loaded_are_reported(handler_module):
    del handler_module.ViewConsumer
    with pytest.raises(InvalidRoute, match="the default route of http.request: .*ViewConsumer"):
        Router([]).check_default()


def test_a_socket_without_a_route_is_accepted_and_told_once_for_each_kind_of_path(caplog):
    router = Router([route("websocket.connect", ws_connect, path="^/chat/")])
    router.check_default()
    sent = []
    with caplog.at_level("INFO", "django.channels"):
        for path in ("/lobby/12/", "/lobby/13/", "/lobby/a1b2/", "/elsewhere/"):
            message = make_message("websocket.connect", path=path)
            message.reply_channel = types.SimpleNamespace(send=sent.append)
            router.match(message)[0](message)
    assert sent == [{"accept": True}] * 4
    assert [record.args[0] for record in caplog.records] == ["/lobby/…/", "/elsewhere/"]
    assert "path='^/chat/'" in caplog.messages[0]
    assert {record.levelname for record in caplog.records} == {"INFO"}
