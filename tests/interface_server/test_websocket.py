"""WebSockets as messages, replies as frames."""

import asyncio

import pytest

from channels.exceptions import InvalidMessage, LayerUnavailable, MessageTooLarge
from tests.interface_server.fakes import Site, full, in_loop

ACCEPT = {"accept": True}


def frame(text):
    return {"type": "websocket.receive", "text": text}


def leave(code=1001):
    return {"type": "websocket.disconnect", "code": code}


async def only_disconnect(site, client, code, order=1, **more):
    """Wait for the end of a socket, and check that there is exactly one right disconnect."""
    await client.finish()
    (message,) = site.link.messages("websocket.disconnect")
    (connect,) = site.link.messages("websocket.connect")
    assert message == {
        "reply_channel": connect["reply_channel"],
        "code": code,
        "path": connect["path"],
        "order": order,
        **more,
    }


# -- the handshake ------------------------------------------------------------------------------


@in_loop
async def test_a_handshake_becomes_one_message_in_the_format_of_channels_1():
    site = await Site().start()
    client = site.socket("/chat/ä", headers=[(b"origin", b"http://x")], query_string=b"a=1")
    message = await site.link.expect("websocket.connect")
    assert message == {
        "reply_channel": message["reply_channel"],
        "scheme": "ws",
        "path": "/chat/ä",
        "query_string": b"a=1",
        "root_path": "",
        "headers": [(b"host", b"example.org"), (b"origin", b"http://x")],
        "client": ["203.0.113.7", 40001],
        "server": ["192.0.2.1", 80],
        "order": 0,
    }
    assert message["reply_channel"].startswith(f"websocket.send.{site.link.server_id}!")
    assert client.sent == []


@in_loop
async def test_a_host_that_names_no_scheme_means_ws():
    site = await Site().start()
    site.socket(scheme=None)
    assert (await site.link.expect("websocket.connect"))["scheme"] == "ws"


@pytest.mark.parametrize(
    "reply, events",
    [
        ({"accept": True}, []),
        ({"text": "a"}, [{"type": "websocket.send", "text": "a"}]),
        ({"bytes": b"a"}, [{"type": "websocket.send", "bytes": b"a"}]),
        ({"accept": True, "text": "a"}, [{"type": "websocket.send", "text": "a"}]),
        (
            {"text": "a", "close": True},
            [{"type": "websocket.send", "text": "a"}, {"type": "websocket.close", "code": 1000}],
        ),
        ({"accept": True, "close": 4001}, [{"type": "websocket.close", "code": 4001}]),
    ],
    ids=repr,
)
@in_loop
async def test_accept_or_data_accepts(reply, events):
    site = await Site().start()
    client = site.socket()
    site.link.reply(await site.link.expect("websocket.connect"), reply)
    await client.expect(1 + len(events))
    assert client.sent == [{"type": "websocket.accept", "subprotocol": None}, *events]


@pytest.mark.parametrize(
    "reply",
    [{"accept": False}, {"close": True}, {"close": 4001}, {"accept": False, "text": "a"}],
    ids=repr,
)
@in_loop
async def test_a_refusal_is_a_403_and_one_disconnect(reply):
    site = await Site().start()
    client = site.socket()
    site.link.reply(await site.link.expect("websocket.connect"), reply)
    await only_disconnect(site, client, 1006)
    assert client.sent == [{"type": "websocket.close", "code": 1000}]


@pytest.mark.parametrize("reply", [{}, {"accept": None}, {"something": 1}, {"close": False}])
@in_loop
async def test_a_reply_that_says_nothing_leaves_the_handshake_open(reply):
    site = await Site().start()
    client = site.socket()
    message = await site.link.expect("websocket.connect")
    site.link.reply(message, reply)
    await asyncio.sleep(1)
    assert client.sent == []
    site.link.reply(message, ACCEPT)
    assert (await client.expect())["type"] == "websocket.accept"


@pytest.mark.parametrize(
    "refusal, status",
    [
        (full("websocket.connect"), 503),
        (LayerUnavailable("away", was_sent=False), 503),
        (MessageTooLarge("websocket.connect", 2, 1), 431),
        (InvalidMessage("surrogates"), 400),
    ],
    ids=repr,
)
@in_loop
async def test_a_connect_that_the_layer_does_not_take_is_refused_without_a_disconnect(
    refusal, status
):
    site = await Site().start()
    site.link.refuse["websocket.connect"] = refusal
    client = site.socket()
    await client.finish()
    assert client.sent[0]["type"] == "websocket.http.response.start"
    assert client.status == status
    assert site.link.sent == []
    assert (await site.server.start()).sockets == {}


@in_loop
async def test_a_connect_that_may_have_been_sent_gets_503_and_a_disconnect():
    site = await Site().start()
    error = LayerUnavailable("the connection broke before the answer came")
    site.link.refuse["websocket.connect"] = error
    client = site.socket()
    await client.finish()
    assert client.status == 503
    disconnect = await site.link.expect("websocket.disconnect")
    assert (disconnect["code"], disconnect["order"]) == (1006, 1)
    assert (await site.server.start()).sockets == {}


@in_loop
async def test_a_host_that_can_not_send_503_closes_instead():
    site = await Site().start()
    site.link.refuse["websocket.connect"] = full("websocket.connect")
    client = site.socket(extensions={})
    await client.finish()
    assert client.sent == [{"type": "websocket.close", "code": 1000}]


@in_loop
async def test_no_answer_in_time_is_a_503_and_a_disconnect_with_1006():
    site = await Site(websocket_connect_timeout_s=20).start()
    client = site.socket()
    message = await site.link.expect("websocket.connect")
    await asyncio.sleep(19)
    assert client.sent == []
    await only_disconnect(site, client, 1006, answered=False)
    assert client.status == 503
    site.link.reply(message, ACCEPT)  # too late
    assert len(client.sent) == 2


@pytest.mark.parametrize(
    "workers_s, told",
    [({}, "no worker runs"), ({"one": 2.0}, '"accept": True'), (None, '"accept"')],
)
@in_loop
async def test_an_operator_is_told_why_a_handshake_timed_out(workers_s, told, caplog):
    site = await Site(websocket_connect_timeout_s=20).start()
    site.link.workers_s = workers_s
    client = site.socket("/chat/")
    await client.finish()
    (line,) = [text for text in caplog.messages if "a handshake of /chat/" in text]
    assert told in line


@in_loop
async def test_a_client_that_leaves_before_the_answer_gives_one_disconnect():
    site = await Site().start()
    client = site.socket()
    await site.link.expect("websocket.connect")
    client.put(leave(1006))
    await only_disconnect(site, client, 1006, answered=False)
    assert client.sent == []


@in_loop
async def test_a_head_over_the_limit_is_refused_with_431():
    site = await Site(max_header_bytes=10).start()
    client = site.socket(headers=[(b"cookie", b"123456")])
    await client.finish()
    assert client.status == 431
    assert site.link.sent == []


@in_loop
async def test_sockets_from_one_address_over_the_limit_are_refused_with_429_until_one_leaves():
    site = await Site(max_sockets_per_address=1).start()
    first, message = await site.open_socket()
    second = site.socket()
    await second.finish()
    assert second.status == 429
    await site.open_socket(client=("203.0.113.8", 1))
    first.put(leave())
    await first.finish()
    await site.open_socket()


# -- subprotocols -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known, reply, chosen",
    [
        ((), {}, None),
        (("b", "c"), {}, "b"),
        (("x",), {}, None),
        ((), {"subprotocol": "c"}, "c"),
        (("b",), {"subprotocol": "a"}, "a"),
    ],
)
@in_loop
async def test_the_subprotocol_is_the_consumers_choice_or_the_first_known_one(known, reply, chosen):
    site = await Site(websocket_protocols=known).start()
    client = site.socket(subprotocols=["a", "b", "c"])
    site.link.reply(await site.link.expect("websocket.connect"), {**ACCEPT, **reply})
    assert (await client.expect())["subprotocol"] == chosen


@in_loop
async def test_a_subprotocol_that_was_not_offered_is_not_chosen_and_logged(caplog):
    site = await Site().start()
    client = site.socket(subprotocols=["a"])
    site.link.reply(await site.link.expect("websocket.connect"), {**ACCEPT, "subprotocol": "b"})
    assert (await client.expect())["subprotocol"] is None
    assert "'b'" in caplog.text


# -- frames in ----------------------------------------------------------------------------------


@in_loop
async def test_frames_become_messages_numbered_from_1():
    site = await Site().start()
    client, connect = await site.open_socket(path="/x")
    client.put(frame("ä"), {"type": "websocket.receive", "bytes": b"\0", "text": None})
    await site.link.expect("websocket.receive", 2)
    common = {"reply_channel": connect["reply_channel"], "path": "/x"}
    assert site.link.messages("websocket.receive") == [
        {**common, "text": "ä", "order": 1},
        {**common, "bytes": b"\0", "order": 2},
    ]
    client.put(leave(4321))
    await only_disconnect(site, client, 4321, order=3)


@in_loop
async def test_an_empty_frame_is_a_frame():
    site = await Site().start()
    client, _ = await site.open_socket()
    client.put(frame(""), {"type": "websocket.receive", "bytes": b""})
    await site.link.expect("websocket.receive", 2)
    first, second = site.link.messages("websocket.receive")
    assert (first["text"], second["bytes"]) == ("", b"")


@in_loop
async def test_frames_that_arrive_before_the_answer_wait_for_it():
    site = await Site().start()
    client = site.socket()
    client.put(frame("1"), frame("2"))
    connect = await site.link.expect("websocket.connect")
    await asyncio.sleep(1)
    assert site.link.messages("websocket.receive") == []
    site.link.reply(connect, ACCEPT)
    await site.link.expect("websocket.receive", 2)
    assert [m["text"] for m in site.link.messages("websocket.receive")] == ["1", "2"]


@in_loop
async def test_frames_that_arrive_before_a_refusal_are_dropped():
    site = await Site().start()
    client = site.socket()
    client.put(frame("1"))
    site.link.reply(await site.link.expect("websocket.connect"), {"accept": False})
    await only_disconnect(site, client, 1006)
    assert site.link.messages("websocket.receive") == []


@pytest.mark.parametrize(
    "refusal, code",
    [
        (full("websocket.receive"), 1013),
        (MessageTooLarge("websocket.receive", 2, 1), 1009),
        (InvalidMessage("surrogates"), 1007),
    ],
    ids=repr,
)
@in_loop
async def test_a_frame_that_the_layer_does_not_take_closes_the_socket(refusal, code):
    site = await Site().start()
    client, _ = await site.open_socket()
    client.put(frame("1"))
    await site.link.expect("websocket.receive")
    site.link.refuse["websocket.receive"] = refusal
    client.put(frame("2"), frame("3"))
    await only_disconnect(site, client, code, order=2)
    assert client.sent[1:] == [{"type": "websocket.close", "code": code}]


@in_loop
async def test_a_layer_that_is_away_for_a_while_costs_no_frame():
    site = await Site(websocket_patience_s=30).start()
    client, _ = await site.open_socket()
    site.link.is_available = False
    client.put(frame("1"), frame("2"))
    await asyncio.sleep(20)
    site.link.is_available = True
    await site.link.expect("websocket.receive", 2)
    assert [m["order"] for m in site.link.messages("websocket.receive")] == [1, 2]
    assert len(client.sent) == 1


@in_loop
async def test_a_layer_that_stays_away_closes_the_socket_with_1013():
    site = await Site(websocket_patience_s=30).start()
    client, _ = await site.open_socket()
    site.link.is_available = False
    client.put(frame("1"))
    assert await client.expect(2) == {"type": "websocket.close", "code": 1013}
    await only_disconnect(site, client, 1013)


@in_loop
async def test_a_frame_that_may_have_been_sent_is_not_sent_again_and_closes_with_1012():
    site = await Site().start()
    client, _ = await site.open_socket()
    error = LayerUnavailable("the connection broke before the answer came")
    site.link.refuse["websocket.receive"] = error
    client.put(frame("1"))
    await only_disconnect(site, client, 1012, order=2)


@in_loop
async def test_a_socket_that_is_closed_while_the_layer_is_away_does_not_wait_for_it():
    site = await Site(websocket_patience_s=3600).start()
    client, connect = await site.open_socket()
    site.link.is_available = False
    client.put(frame("1"))
    await asyncio.sleep(1)
    site.link.reply(connect, {"close": 4000})
    await client.finish(limit_s=5)


@pytest.mark.parametrize(
    "text, is_too_large", [("x" * 10, False), ("x" * 11, True), ("ä" * 6, True)]
)
@in_loop
async def test_a_frame_over_the_limit_in_bytes_closes_the_socket_with_1009(text, is_too_large):
    site = await Site(max_frame_bytes=10).start()
    client, _ = await site.open_socket()
    client.put(frame(text))
    if is_too_large:
        await only_disconnect(site, client, 1009)
    else:
        await site.link.expect("websocket.receive")
        assert len(client.sent) == 1


@in_loop
async def test_more_frames_in_a_second_than_allowed_close_the_socket_with_1008():
    site = await Site(max_frames_per_s=3).start()
    client, _ = await site.open_socket()
    client.put(*[frame("x")] * 3)
    await site.link.expect("websocket.receive", 3)
    await asyncio.sleep(1)
    client.put(*[frame("x")] * 4)
    await only_disconnect(site, client, 1008, order=7)


# -- frames out ---------------------------------------------------------------------------------


@in_loop
async def test_replies_become_frames_in_order():
    site = await Site().start()
    client, connect = await site.open_socket()
    for number in range(100):
        site.link.reply(connect, {"text": str(number)} if number % 2 else {"bytes": b"%d" % number})
    await client.expect(101)
    assert client.sent[1:] == [
        {"type": "websocket.send", "text": str(n)}
        if n % 2
        else {"type": "websocket.send", "bytes": b"%d" % n}
        for n in range(100)
    ]


@in_loop
async def test_a_group_send_reaches_all_its_sockets_but_not_those_that_have_left():
    site = await Site().start()
    sockets = [await site.open_socket() for _ in range(3)]
    clients = [connect["reply_channel"].partition("!")[2] for _, connect in sockets]
    sockets[1][0].put(leave())
    await sockets[1][0].finish()
    site.link.on_reply([*clients, "nobody"], {"text": "all"})
    for number in (0, 2):
        assert await sockets[number][0].expect(2) == {"type": "websocket.send", "text": "all"}
    assert len(sockets[1][0].sent) == 1


@pytest.mark.parametrize(
    "reply",
    [
        {"text": "a", "bytes": b"a"},
        {"text": b"a"},
        {"bytes": "a"},
        {"text": 1},
        {"text": "\ud800"},
        {"text": "a", "subprotocol": 1},
        {"type": "websocket.send", "txt": "a"},
    ],
    ids=ascii,
)
@in_loop
async def test_a_wrong_reply_is_ignored_and_logged_as_its_authors_mistake(reply, caplog):
    site = await Site().start()
    client, connect = await site.open_socket()
    site.link.reply(connect, reply, {"text": "next"})
    assert await client.expect(2) == {"type": "websocket.send", "text": "next"}
    (record,) = caplog.records
    assert connect["reply_channel"] in record.getMessage()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ({"txt": "x"}, "did you mean 'text', not 'txt'?"),
        ({"type": "chat.message", "data": 1}, "it takes accept, bytes, close, subprotocol, text"),
        ({}, "it has none"),
    ],
)
@in_loop
async def test_a_reply_with_no_key_that_a_socket_knows_is_told_once(reply, said, caplog):
    site = await Site().start()
    client, connect = await site.open_socket()
    site.link.reply(connect, reply, reply, {"text": "next"})
    assert await client.expect(2) == {"type": "websocket.send", "text": "next"}
    (record,) = caplog.records
    assert connect["reply_channel"] in record.getMessage()
    assert said in record.getMessage()


@pytest.mark.parametrize(
    "reply",
    [
        {"text": None},
        {"accept": None, "more": 1},
        {"close": False},
        {"text": ""},
        {"bytes": b""},
        {"text": "", "bytes": b""},
    ],
)
@in_loop
async def test_a_reply_with_a_key_that_a_socket_knows_is_told_nothing(reply, caplog):
    site = await Site().start()
    client, connect = await site.open_socket()
    site.link.reply(connect, reply, {"text": "next"})
    assert await client.expect(2) == {"type": "websocket.send", "text": "next"}
    assert caplog.records == []


@in_loop
async def test_an_empty_reply_of_functions_is_no_frame_and_accepts_nothing_as_in_1_x():
    site = await Site().start()
    client = site.socket()
    connect = await site.link.expect("websocket.connect")
    site.link.reply(connect, {"text": ""}, {"text": "", "bytes": b"next"})
    assert (await client.expect())["type"] == "websocket.accept"
    assert await client.expect(2) == {"type": "websocket.send", "bytes": b"next"}


@pytest.mark.parametrize("frame", [{"text": ""}, {"bytes": b""}])
@in_loop
async def test_an_empty_frame_of_a_class_consumer_is_a_frame(frame):
    site = await Site().start()
    client, connect = await site.open_socket()
    site.link.reply(connect, {"type": "websocket.send", **frame})
    assert await client.expect(2) == {"type": "websocket.send", **frame}


@in_loop
async def test_one_socket_that_takes_nothing_is_closed_with_1013_and_the_others_go_on(caplog):
    site = await Site(outbox_messages=10).start()
    slow, slow_connect = await site.open_socket()
    fast, fast_connect = await site.open_socket()
    slow.send_gate = asyncio.Event()
    clients = [c["reply_channel"].partition("!")[2] for c in (slow_connect, fast_connect)]
    for number in range(20):
        site.link.on_reply(clients, {"text": str(number)})
        await fast.expect(2 + number)
    assert len(fast.sent) == 21
    assert "too slow: 11 messages to it are dropped" in caplog.text
    slow.send_gate.set()
    assert await slow.expect(2) == {"type": "websocket.close", "code": 1013}
    await slow.finish()
    (disconnect,) = site.link.messages("websocket.disconnect")
    assert disconnect["code"] == 1013
    assert (await site.server.start()).slow_sockets == 1


@in_loop
async def test_the_bytes_that_wait_for_a_socket_are_limited_too():
    site = await Site(outbox_bytes=100).start()
    client, connect = await site.open_socket()
    client.send_gate = asyncio.Event()
    site.link.reply(connect, *[{"bytes": b"x" * 60}] * 2)
    client.send_gate.set()
    await only_disconnect(site, client, 1013)


@in_loop
async def test_a_socket_that_takes_not_even_its_close_frame_is_given_up():
    site = await Site(websocket_close_timeout_s=10).start()
    client, connect = await site.open_socket()
    client.send_gate = asyncio.Event()
    site.link.reply(connect, {"text": "a", "close": True})
    await only_disconnect(site, client, 1000)


# -- the end ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "close, code",
    [(True, 1000), (1000, 1000), (1001, 1001), (1013, 1013), (3000, 3000), (4999, 4999)],
)
@in_loop
async def test_close_goes_out_with_its_code_and_comes_back_in_the_disconnect(close, code):
    site = await Site().start()
    client, connect = await site.open_socket()
    client.put(frame("1"))
    await site.link.expect("websocket.receive")
    site.link.reply(connect, {"text": "bye", "close": close})
    await only_disconnect(site, client, code, order=2)
    assert client.sent[1:] == [
        {"type": "websocket.send", "text": "bye"},
        {"type": "websocket.close", "code": code},
    ]


@pytest.mark.parametrize("close", [1, 999, 1004, 1005, 1006, 1015, 2999, 5000, -1, "4001", 1e3, []])
@in_loop
async def test_an_illegal_close_code_becomes_1011_and_is_logged(close, caplog):
    site = await Site().start()
    client, connect = await site.open_socket()
    site.link.reply(connect, {"close": close})
    await only_disconnect(site, client, 1011)
    assert "invalid close code" in caplog.text


@pytest.mark.parametrize("close", [False, None, 0])
@in_loop
async def test_a_close_that_is_false_does_not_close(close):
    site = await Site().start()
    client, connect = await site.open_socket()
    site.link.reply(connect, {"text": "a", "close": close}, {"text": "b"})
    assert (await client.expect(3))["text"] == "b"


@in_loop
async def test_what_comes_after_a_close_is_dropped():
    site = await Site().start()
    client, connect = await site.open_socket()
    site.link.reply(connect, {"close": True}, {"text": "late"}, {"close": 4000}, ACCEPT)
    client.put(frame("late"))
    await only_disconnect(site, client, 1000)
    assert client.sent[1:] == [{"type": "websocket.close", "code": 1000}]


@pytest.mark.parametrize("code, reported", [(1001, 1001), (None, 1005), (1006, 1006), (4444, 4444)])
@in_loop
async def test_the_clients_close_code_is_in_the_disconnect(code, reported):
    site = await Site().start()
    client, _ = await site.open_socket()
    client.put(leave(code))
    await only_disconnect(site, client, reported)


@in_loop
async def test_a_host_that_fails_to_send_does_not_harm_the_disconnect():
    site = await Site().start()
    client, connect = await site.open_socket()
    client.send_error = RuntimeError("closed already")
    site.link.reply(connect, {"text": "a"})
    await asyncio.sleep(1)
    client.put(leave(1006))
    await only_disconnect(site, client, 1006)


@in_loop
async def test_a_host_whose_receive_fails_gives_one_disconnect():
    site = await Site().start()
    client, _ = await site.open_socket()
    client.put(ConnectionResetError())
    await only_disconnect(site, client, 1006)


@in_loop
async def test_a_socket_lives_no_longer_than_its_timeout():
    site = await Site(websocket_timeout_s=3600).start()
    client, _ = await site.open_socket()
    await asyncio.sleep(3599)
    assert len(client.sent) == 1
    assert await client.expect(2) == {"type": "websocket.close", "code": 1000}
    await only_disconnect(site, client, 1000)


@in_loop
async def test_a_host_that_cancels_an_open_socket_gives_one_disconnect():
    site = await Site().start()
    client, _ = await site.open_socket()
    client.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await client.task
    (message,) = site.link.messages("websocket.disconnect")
    assert message["code"] == 1001
    assert client.sent[1:] == [{"type": "websocket.close", "code": 1001}]


@in_loop
async def test_a_host_that_cancels_twice_does_not_stop_the_disconnect():
    site = await Site().start()
    client, _ = await site.open_socket()
    site.link.close_gate = asyncio.Event()
    client.put(leave())
    await asyncio.sleep(1)
    client.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await client.task
    site.link.close_gate.set()
    await site.link.expect("websocket.disconnect")


@in_loop
async def test_a_host_that_cancels_a_handshake_on_its_way_gives_a_connect_and_a_disconnect():
    site = await Site().start()
    site.link.send_gate = asyncio.Event()
    client = site.socket()
    await asyncio.sleep(1)
    client.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await client.task
    site.link.send_gate.set()
    assert (await site.link.expect("websocket.disconnect"))["code"] == 1006
    assert len(site.link.messages("websocket.connect")) == 1


@pytest.mark.parametrize("was_sent", [True, False])
@in_loop
async def test_a_host_that_cancels_a_handshake_whose_connect_fails(was_sent):
    site = await Site().start()
    site.link.send_gate = asyncio.Event()
    client = site.socket()
    await asyncio.sleep(1)
    client.task.cancel()
    site.link.refuse["websocket.connect"] = LayerUnavailable("away", was_sent=was_sent)
    site.link.send_gate.set()
    await asyncio.sleep(1)
    assert [channel for channel, _ in site.link.sent] == ["websocket.disconnect"] * was_sent


@in_loop
async def test_a_host_that_cancels_in_the_middle_of_a_frame_numbers_the_disconnect_after_it():
    site = await Site().start()
    client, _ = await site.open_socket()
    site.link.send_gate = asyncio.Event()
    client.put(frame("1"))
    await asyncio.sleep(1)
    client.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await client.task
    assert (await site.link.expect("websocket.disconnect"))["order"] == 2


@in_loop
async def test_a_disconnect_that_has_to_wait_does_not_keep_the_hosts_task():
    site = await Site().start()
    client, _ = await site.open_socket()
    site.link.close_gate = asyncio.Event()
    client.put(leave())
    await client.finish(limit_s=6)
    site.link.close_gate.set()
    await site.link.expect("websocket.disconnect")


@in_loop
async def test_a_layer_that_forgot_the_server_closes_open_sockets_with_1012_and_refuses_others():
    site = await Site().start()
    opened, _ = await site.open_socket()
    connecting = site.socket()
    await site.link.expect("websocket.connect", 2)
    site.link.on_lost()
    assert await opened.expect(2) == {"type": "websocket.close", "code": 1012}
    await opened.finish()
    await connecting.finish()
    assert connecting.status == 503
    codes = [m["code"] for m in site.link.messages("websocket.disconnect")]
    assert sorted(codes) == [1006, 1012]


@in_loop
async def test_a_slow_disconnect_is_sent_once_though_the_layer_forgets_the_server_meanwhile():
    site = await Site().start()
    client, _ = await site.open_socket()
    site.link.close_gate = asyncio.Event()
    client.put(leave(1001))
    await asyncio.sleep(1)
    site.link.on_lost()
    site.link.close_gate.set()
    await only_disconnect(site, client, 1001)


@in_loop
async def test_a_socket_for_which_nothing_waits_has_no_task_of_its_own():
    site = await Site().start()
    before = asyncio.all_tasks()
    client, connect = await site.open_socket()
    client.put(frame("1"))
    await site.link.expect("websocket.receive")
    site.link.reply(connect, {"text": "a"})
    await client.expect(2)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() - before == {client.task}
    site.link.reply(connect, {"text": "b"})
    assert await client.expect(3) == {"type": "websocket.send", "text": "b"}


@in_loop
async def test_nothing_is_kept_of_a_socket_that_has_left():
    site = await Site(max_sockets_per_address=5).start()
    before = asyncio.all_tasks()
    client, _ = await site.open_socket()
    client.put(leave())
    await client.finish()
    await asyncio.sleep(0)
    process = await site.server.start()
    assert process.sockets == {}
    assert process.addresses == {}
    assert asyncio.all_tasks() == before
