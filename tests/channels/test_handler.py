"""Django's views behind http.request: requests in, responses out."""

import json
import logging

import pytest
from django.core import signals

from channels.exceptions import ClientGone
from channels.handler import AsgiHandler, AsgiRequest, ViewConsumer
from channels.message import pending_message_store
from tests.channels import views
from tests.channels.http_messages import REPLY, join, make_request


@pytest.fixture(autouse=True)
def site(settings):
    settings.ROOT_URLCONF = "tests.channels.views"
    views.events.clear()


@pytest.fixture
def handler():
    return AsgiHandler()


def get(handler, layer, path, **content):
    return join(handler(make_request(layer, path, **content)))


def describe(handler, layer, path="/describe/", **content):
    return json.loads(get(handler, layer, path, **content)[2])


# -- requests -----------------------------------------------------------------------------------


def test_a_view_answers_in_one_message(handler, layer):
    (reply,) = handler(make_request(layer))
    assert reply["status"] == 200
    assert reply["content"] == b"Hello, world"
    assert reply["more_content"] is False
    assert [b"Content-Type", b"text/html; charset=utf-8"] in reply["headers"]
    assert [b"Content-Length", b"12"] in reply["headers"]


def test_an_async_view_answers_too(handler, layer):
    assert get(handler, layer, "/async/")[2] == b"Hello, loop"


def test_the_request_is_what_the_message_says(handler, layer):
    found = describe(
        handler,
        layer,
        query_string=b"q=%C3%BC&q=2",
        scheme="https",
        headers=[(b"x-token", b"one"), (b"x-token", b"two"), (b"x_token", b"forged")],
    )
    assert found["url"] == "https://example.com/describe/?q=%C3%BC&q=2"
    assert found["get"] == {"q": "2"}
    assert found["reply_channel"] == REPLY
    meta = found["meta"]
    assert meta["HTTP_X_TOKEN"] == "one,two"
    assert (meta["REMOTE_ADDR"], meta["REMOTE_PORT"]) == ("192.0.2.7", 4711)
    assert (meta["SERVER_NAME"], meta["SERVER_PORT"]) == ("198.51.100.1", "80")


def test_cookies_that_come_in_parts_are_joined(handler, layer):
    headers = [(b"cookie", b"a=1"), (b"cookie", b"b=2; c=3")]
    assert describe(handler, layer, headers=headers)["cookies"] == {"a": "1", "b": "2", "c": "3"}


def test_a_request_needs_no_client_and_no_server(handler, layer):
    meta = describe(handler, layer, client=None, server=["/run/site.sock", None])["meta"]
    assert "REMOTE_ADDR" not in meta
    assert (meta["SERVER_NAME"], meta["SERVER_PORT"]) == ("unknown", "0")


@pytest.mark.parametrize("query_string", ["q=1", b"q=1"])
def test_the_query_string_may_be_text_or_bytes(handler, layer, query_string):
    assert describe(handler, layer, query_string=query_string)["get"] == {"q": "1"}


def test_headers_as_old_tests_write_them_are_read(layer):
    message = make_request(layer)
    message["headers"] = {"host": b"example.com", "Content-Type": b"text/plain; charset=latin1"}
    request = AsgiRequest(message)
    assert request.get_host() == "example.com"
    assert (request.content_type, request.encoding) == ("text/plain", "latin1")


@pytest.mark.parametrize(
    ("path", "root_path", "expected"),
    [
        ("/describe/", "", ("/describe/", "/describe/", "/describe/")),
        ("/app/describe/", "/app", ("/app/describe/", "/describe/", "/app/describe/")),
        ("/app/describe/", "/app/", ("/app/describe/", "/describe/", "/app/describe/")),
        ("/describe/", "/app", ("/app/describe/", "/describe/", "/app/describe/")),
    ],
)
def test_root_path_is_what_urls_begin_with(handler, layer, path, root_path, expected):
    found = describe(handler, layer, path, root_path=root_path)
    assert (found["path"], found["path_info"], found["reversed"]) == expected


def test_a_root_path_ends_at_a_slash(layer):
    request = AsgiRequest(make_request(layer, "/application/", root_path="/app"))
    assert (request.path, request.path_info) == ("/app/application/", "/application/")
    request = AsgiRequest(make_request(layer, "/app", root_path="/app"))
    assert (request.path, request.path_info) == ("/app/", "/")


def test_force_script_name_wins(handler, layer, settings):
    settings.FORCE_SCRIPT_NAME = "/forced"
    assert describe(handler, layer)["reversed"] == "/forced/describe/"


def test_a_websocket_handshake_can_be_read_as_a_request(layer):
    message = make_request(layer, "/chat/", query_string=b"a=1", scheme="ws")
    del message.content["method"]
    request = AsgiRequest(message)
    assert (request.method, request.path, request.GET["a"]) == ("GET", "/chat/", "1")
    assert request.scope["type"] == "http"


# -- bad requests, errors -----------------------------------------------------------------------


def test_a_host_that_is_not_allowed_gets_400(handler, layer):
    message = make_request(layer)
    message["headers"] = [[b"host", b"evil.test"]]
    assert join(handler(message))[0] == 400


def test_a_query_string_that_is_not_utf_8_gets_400(handler, layer):
    assert get(handler, layer, "/", query_string=b"\xff")[0] == 400


def test_an_unknown_path_gets_404(handler, layer):
    assert get(handler, layer, "/nowhere/")[0] == 404


def test_a_view_that_fails_gets_djangos_500(handler, layer, settings):
    status, _, content = get(handler, layer, "/fail/")
    assert status == 500 and b"the view is broken" not in content
    settings.DEBUG = True
    assert b"the view is broken" in get(handler, layer, "/fail/")[2]


def test_if_even_the_error_page_fails_the_client_gets_500_and_the_log_the_cause(
    handler, layer, monkeypatch
):
    monkeypatch.setattr(views, "handler500", views.broken_500, raising=False)
    replies = handler(make_request(layer, "/fail/"))
    reply = next(replies)
    assert (reply["status"], reply["content"]) == (500, b"Internal Server Error")
    with pytest.raises(RuntimeError, match="even the error page"):
        next(replies)


def test_no_header_can_be_smuggled_into_a_response(handler, layer):
    status, headers, _ = get(handler, layer, "/inject/", query_string=b"name=a%0d%0aset-cookie:x")
    assert status == 500 and b"Set-Cookie" not in headers
    assert get(handler, layer, "/inject/", query_string=b"name=a")[1][b"X-Name"] == b"a"


# -- responses ----------------------------------------------------------------------------------


def test_header_names_go_out_as_the_view_has_them_and_cookies_one_by_one(handler, layer):
    (reply,) = handler(make_request(layer, "/cookies/"))
    assert all(type(part) is bytes for header in reply["headers"] for part in header)
    cookies = [value for name, value in reply["headers"] if name == b"Set-Cookie"]
    assert cookies == [b"a=1; Path=/", b'b="two words"; Path=/']
    assert [b"X-Word", b"gr\xfcn"] in reply["headers"]


@pytest.mark.parametrize("size", [0, 1, 2**18, 2**18 + 1, 2**19])
def test_a_large_response_goes_out_in_pieces(handler, layer, size):
    replies = list(handler(make_request(layer, "/large/", query_string=f"size={size}")))
    assert join(replies)[2] == b"x" * size
    assert all(len(reply["content"]) <= 2**18 for reply in replies)
    assert len(replies) == max(1, -(-size // 2**18))


def test_a_stream_goes_out_while_it_is_made(handler, layer):
    replies = handler(make_request(layer, "/stream/"))
    assert next(replies)["content"] == b"part 0;"
    assert views.events == ["made 0"]
    assert b"".join(reply["content"] for reply in replies) == b"part 1;part 2;"
    assert views.events[-1] == "closed"


def test_an_async_stream_goes_out_while_it_is_made(handler, layer):
    replies = handler(make_request(layer, "/stream-async/"))
    assert next(replies)["status"] == 200
    assert next(replies)["content"] == b"part 0;"
    assert "made 2" not in views.events
    rest = list(replies)
    assert b"".join(reply["content"] for reply in rest) == b"part 1;part 2;"
    assert rest[-1]["more_content"] is False
    assert views.events[-1] == "closed"


@pytest.mark.parametrize("path", ["/stream/", "/stream-async/"])
def test_a_stream_that_nobody_reads_on_is_closed(handler, layer, path):
    replies = handler(make_request(layer, path))
    next(replies)
    next(replies)
    replies.close()
    assert views.events[-1] == "closed"
    assert "made 2" not in views.events


def test_a_file_goes_out_in_large_pieces_and_is_closed(handler, layer):
    replies = list(handler(make_request(layer, "/file/")))
    status, headers, content = join(replies)
    assert content == b"y" * 600_000
    assert headers[b"Content-Length"] == b"600000"
    assert len(replies) == 4
    assert views.events == ["file closed"]


@pytest.mark.parametrize("path", ["/", "/file/", "/stream/", "/stream-async/"])
def test_the_answer_to_head_has_no_content(handler, layer, path):
    (reply,) = handler(make_request(layer, path, method="HEAD"))
    assert (reply["status"], reply["content"], reply["more_content"]) == (200, b"", False)
    assert "made 0" not in views.events
    if path == "/":
        assert [b"Content-Length", b"12"] in reply["headers"]


def test_a_view_may_leave_the_response_to_somebody_else(handler, layer):
    finished = []
    signals.request_finished.connect(finish := lambda **kwargs: finished.append(kwargs))
    try:
        assert list(handler(make_request(layer, "/later/"))) == []
    finally:
        signals.request_finished.disconnect(finish)
    assert views.events == ["view"]
    assert len(finished) == 1


def test_the_signals_of_a_request_are_sent(handler, layer):
    seen = []

    def started(sender, scope, message, **kwargs):
        seen.append(("started", sender, scope["path"], message.reply_channel.name))

    def finished(sender, **kwargs):
        seen.append(("finished", sender, views.events[-1]))

    signals.request_started.connect(started)
    signals.request_finished.connect(finished)
    try:
        join(handler(make_request(layer, "/stream/")))
    finally:
        signals.request_started.disconnect(started)
        signals.request_finished.disconnect(finished)
    expected = [("started", AsgiHandler, "/stream/", REPLY), ("finished", AsgiHandler, "closed")]
    assert seen == expected


def test_a_response_can_be_encoded_in_a_consumer_of_ones_own(layer):
    from django.http import HttpResponse

    (reply,) = AsgiHandler.encode_response(HttpResponse("Hello", status=201))
    assert (reply["status"], reply["content"], reply["more_content"]) == (201, b"Hello", False)


# -- ViewConsumer -------------------------------------------------------------------------------


@pytest.fixture
def consumer():
    return ViewConsumer()


def received(layer):
    while True:
        channel, reply = layer.receive(["http.response.Server!"])
        if channel is None:
            return
        assert channel == REPLY
        yield reply


class Refusing:
    """Stands in for a layer: refuses sends with the given errors first, then takes them."""

    def __init__(self, layer, *errors):
        self.layer = layer
        self.errors = list(errors)

    def __getattr__(self, name):
        return getattr(self.layer, name)

    def apply(self, operations):
        error = self.errors.pop(0) if self.errors else None
        return [error] if error is not None else self.layer.apply(operations)


def make_full():
    from channels.exceptions import ChannelFull

    return ChannelFull(REPLY, 100, 100)


def test_a_short_response_goes_out_with_the_rest_of_the_consumer(consumer, layer):
    pending_message_store.prepare()
    consumer(make_request(layer))
    ((_, operation),) = pending_message_store.take()
    assert operation.channel == REPLY
    assert list(received(layer)) == []


def test_the_parts_of_a_long_response_go_out_at_once_and_in_order(consumer, layer):
    pending_message_store.prepare()
    consumer(make_request(layer, "/stream/"))
    assert pending_message_store.take() == []
    assert join(received(layer))[2] == b"part 0;part 1;part 2;"


def test_a_response_waits_while_its_channel_is_full(consumer, layer):
    consumer.retry_pauses_s = (0.0001, 0.001)
    errors = [None, make_full(), make_full(), None, make_full()]
    consumer(make_request(Refusing(layer, *errors), "/stream/"))
    assert join(received(layer))[2] == b"part 0;part 1;part 2;"


def test_a_response_ends_when_its_client_has_gone(consumer, layer):
    consumer(make_request(Refusing(layer, None, ClientGone(REPLY)), "/stream/"))
    assert [reply["content"] for reply in received(layer)] == [b"part 0;"]
    assert views.events == ["made 0", "made 1", "closed"]


def test_a_response_ends_when_its_client_takes_nothing_of_it(consumer, layer, caplog):
    consumer.stall_timeout_s = 0.01
    errors = [None] + [make_full() for _ in range(1000)]
    with caplog.at_level(logging.WARNING):
        consumer(make_request(Refusing(layer, *errors), "/stream/"))
    assert "/stream/ has taken nothing for 0.01 s" in caplog.text
    assert views.events[-1] == "closed" and "made 2" not in views.events


def test_a_response_ends_when_the_server_that_has_its_client_is_gone(consumer, layer, monkeypatch):
    consumer.life_check_s = 0.001
    monkeypatch.setattr(layer, "is_read", lambda name: name != REPLY, raising=False)
    errors = [None] + [make_full() for _ in range(1000)]
    consumer(make_request(Refusing(layer, *errors), "/stream/"))
    assert views.events[-1] == "closed" and "made 2" not in views.events


def test_a_stream_that_fails_half_way_is_cut_off(consumer, layer):
    with pytest.raises(RuntimeError, match="the stream is broken"):
        consumer(make_request(layer, "/stream-failing/"))
    replies = list(received(layer))
    assert replies[0]["content"] == b"some"
    assert replies[-1] == {"content": b"", "more_content": False, "closed": True}


def test_the_end_of_a_stream_that_fails_waits_while_its_channel_is_full(consumer, layer):
    consumer.retry_pauses_s = (0.0001, 0.001)
    errors = [None, make_full(), make_full()]
    with pytest.raises(RuntimeError, match="the stream is broken"):
        consumer(make_request(Refusing(layer, *errors), "/stream-failing/"))
    assert [reply.get("closed") for reply in received(layer)] == [None, True]


def test_a_response_that_comes_later_sends_nothing_now(consumer, layer):
    consumer(make_request(layer, "/later/"))
    assert list(received(layer)) == []
