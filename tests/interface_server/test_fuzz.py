"""Generated input at the borders: scopes and frames from clients, replies from workers."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interface_server.http_response import read_content, read_start
from interface_server.proxy import ProxyHeaders
from interface_server.replies import BadReply, read_code, read_reply
from tests.interface_server.fakes import Site, VirtualTimeLoop, http_scope

fuzz = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
addresses = st.none() | st.tuples(st.text(), st.integers(0, 65535) | st.none())
names = st.binary() | st.sampled_from([b"content-length", b"host", b"x_y", b"x-forwarded-for"])
headers = st.lists(st.tuples(names, st.binary() | st.just(b"10")), max_size=5)
scopes = st.fixed_dictionaries(
    {
        "path": st.text(),
        "query_string": st.binary(),
        "headers": headers,
        "client": addresses,
        "server": addresses,
        "root_path": st.text(),
    }
)
http_replies = st.fixed_dictionaries(
    {},
    optional={
        "status": st.integers(190, 610) | anything,
        "headers": st.lists(st.tuples(st.binary() | st.text(), st.binary() | st.text() | anything))
        | anything,
        "content": st.binary() | anything,
        "more_content": st.booleans() | anything,
    },
)
socket_replies = st.fixed_dictionaries(
    {},
    optional={
        "accept": st.booleans() | anything,
        "text": st.text() | anything,
        "bytes": st.binary() | anything,
        "close": st.booleans() | st.integers(900, 5100) | anything,
        "subprotocol": st.text() | anything,
    },
)
socket_events = st.lists(
    st.builds(lambda text: {"type": "websocket.receive", "text": text}, st.text())
    | st.builds(lambda data: {"type": "websocket.receive", "bytes": data}, st.binary()),
    max_size=5,
)


def play(story):
    loop = VirtualTimeLoop()
    try:
        loop.run_until_complete(asyncio.wait_for(story(), 100_000))
    finally:
        loop.close()


@fuzz
@given(scope=scopes, method=st.text(), reply=http_replies)
def test_every_request_and_every_reply_give_exactly_one_whole_response(scope, method, reply):
    async def story():
        site = await Site(proxy_headers=True, trusted_proxies=("*",)).start()
        client = site.request(method=method, **scope)
        await asyncio.sleep(0)
        for message in site.link.messages("http.request"):
            site.link.reply(message, reply, {"content": b"", "more_content": False})
        await client.finish()
        starts = [e for e in client.sent if e["type"] == "http.response.start"]
        assert len(starts) == 1
        assert 200 <= starts[0]["status"] <= 599

    play(story)


@fuzz
@given(reply=http_replies)
def test_a_reply_is_either_a_mistake_or_safe_to_write(reply):
    try:
        start = read_start(reply)
        content, more = read_content(reply)
    except BadReply:
        return
    assert 200 <= start.status <= 599
    assert type(content) is bytes
    assert type(more) is bool
    for name, value in start.headers:
        assert type(name) is type(value) is bytes
        assert not set(b"\r\n\0: ") & set(name)
        assert not set(b"\r\n\0") & set(value)


@fuzz
@given(reply=socket_replies)
def test_a_socket_reply_is_either_a_mistake_or_can_be_sent(reply):
    try:
        read = read_reply(reply)
    except BadReply:
        return
    assert read.accept in (True, False, None)
    if read.event is not None and "text" in read.event:
        read.event["text"].encode("utf-8")
    elif read.event is not None:
        assert type(read.event["bytes"]) is bytes
    assert read.close is None or 1000 <= read.close <= 4999


@fuzz
@given(value=anything)
def test_every_close_code_that_goes_out_is_one_that_may(value):
    code = read_code(value)
    assert code in {1000, 1001, 1002, 1003, *range(1007, 1015)} or 3000 <= code <= 4999


@fuzz
@given(
    scope=scopes,
    frames=socket_events,
    replies=st.lists(socket_replies, max_size=4),
    code=st.none() | st.integers(),
)
def test_whatever_happens_a_socket_gives_one_connect_and_one_disconnect(
    scope, frames, replies, code
):
    async def story():
        site = await Site(max_frames_per_s=4, max_frame_bytes=20).start()
        client = site.socket(**scope)
        connect = await site.link.expect("websocket.connect")
        client.put(*frames)
        for reply in replies:
            site.link.reply(connect, reply)
            await asyncio.sleep(0)
        client.put({"type": "websocket.disconnect", "code": code})
        await client.finish()
        (disconnect,) = site.link.messages("websocket.disconnect")
        received = site.link.messages("websocket.receive")
        assert [m["order"] for m in received] == list(range(1, len(received) + 1))
        assert disconnect["order"] == len(received) + 1
        answers = [e["type"] for e in client.sent if e["type"] != "websocket.send"]
        assert answers in (
            [],
            ["websocket.accept"],
            ["websocket.close"],
            ["websocket.accept", "websocket.close"],
            ["websocket.http.response.start", "websocket.http.response.body"],
        )

    play(story)


@fuzz
@given(headers=headers, forwarded=st.lists(st.binary(), max_size=3), client=addresses)
def test_no_forwarded_header_is_an_error(headers, forwarded, client):
    kinds = [b"x-forwarded-for", b"x-forwarded-port", b"x-forwarded-proto"]
    scope = http_scope(headers=[*headers, *zip(kinds, forwarded, strict=False)], client=client)
    address, scheme = ProxyHeaders(("127.0.0.1",)).resolve(scope)
    assert scheme in ("http", "https")
    assert address is None or len(address) == 2


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level("CRITICAL", "interface_server")
