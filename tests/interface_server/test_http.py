"""HTTP requests as messages, replies as responses."""

import asyncio

import pytest

from channels.exceptions import InvalidMessage, LayerUnavailable, MessageTooLarge
from interface_server.spool import Spool
from tests.interface_server.fakes import Site, full, http_scope, in_loop

OK = {"status": 200, "headers": [[b"Content-Type", b"text/plain"]], "content": b"hello"}
LEFT = {"type": "http.disconnect"}


async def passed_on(site, client):
    """Return the `http.request` that a client's request has become."""
    del client
    return await site.link.expect("http.request")


def is_complete(pieces):
    """Whether the last of `pieces` of a body is there."""
    return bool(pieces) and not pieces[-1]["more_content"]


# -- the request --------------------------------------------------------------------------------


@in_loop
async def test_a_request_becomes_one_message_in_the_format_of_channels_1():
    site = await Site().start()
    client = site.request(
        path="/ä b",
        query_string=b"q=%20x",
        headers=[(b"x-a", b"1"), (b"x-a", b"2")],
    )
    message = await passed_on(site, client)
    assert message == {
        "reply_channel": message["reply_channel"],
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/ä b",
        "query_string": b"q=%20x",
        "root_path": "",
        "headers": [(b"host", b"example.org"), (b"x-a", b"1"), (b"x-a", b"2")],
        "body": b"",
        "client": ["203.0.113.7", 40001],
        "server": ["192.0.2.1", 80],
    }
    assert message["reply_channel"].startswith(f"http.response.{site.link.server_id}!")
    site.link.reply(message, OK)
    await client.finish()


@in_loop
async def test_the_first_reply_becomes_the_response():
    site = await Site().start()
    client = site.request()
    site.link.reply(await passed_on(site, client), OK)
    await client.finish()
    assert client.sent == [
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain")],
        },
        {"type": "http.response.body", "body": b"hello", "more_body": False},
    ]
    assert site.link.messages("http.disconnect") == []


@in_loop
async def test_a_request_without_a_body_is_passed_on_without_asking_the_host_for_one():
    site = await Site().start()
    client = site.request()
    client.events.get_nowait()
    site.link.reply(await passed_on(site, client), OK)
    await client.finish()
    assert client.status == 200


@pytest.mark.parametrize("version", ["2", "3"])
@in_loop
async def test_http_2_and_3_may_have_a_body_that_no_header_tells_of(version):
    site = await Site().start()
    client = site.request(method="POST", http_version=version)
    client.events.get_nowait()
    client.put({"type": "http.request", "body": b"abc", "more_body": False})
    message = await passed_on(site, client)
    assert message["body"] == b"abc"
    assert message["http_version"] == version
    site.link.reply(message, OK)
    await client.finish()


@in_loop
async def test_headers_with_underscores_are_dropped_because_they_could_pose_as_others():
    site = await Site().start()
    client = site.request(headers=[(b"x_real_ip", b"10.0.0.1"), (b"x-real-ip", b"10.0.0.2")])
    message = await passed_on(site, client)
    assert message["headers"][1:] == [(b"x-real-ip", b"10.0.0.2")]
    site.link.reply(message, OK)
    await client.finish()


@in_loop
async def test_two_requests_get_each_its_own_reply():
    site = await Site().start()
    first, second = site.request(path="/1"), site.request(path="/2")
    await site.link.expect("http.request", 2)
    for message in site.link.messages("http.request")[::-1]:
        site.link.reply(message, {**OK, "content": message["path"].encode()})
    await first.finish()
    await second.finish()
    assert (first.body, second.body) == (b"/1", b"/2")


@in_loop
async def test_the_root_path_of_the_host_wins_over_the_one_in_the_options():
    site = await Site(root_path="/ours").start()
    for theirs, expected in (("", "/ours"), ("/theirs", "/theirs")):
        client = site.request(root_path=theirs)
        message = await passed_on(site, client)
        assert message["root_path"] == expected
        site.link.sent.clear()
        site.link.reply(message, OK)
        await client.finish()


# -- bodies -------------------------------------------------------------------------------------


@in_loop
async def test_a_small_body_travels_in_the_request():
    site = await Site(inline_body_bytes=10).start()
    client = site.request(b"0123", b"456789", method="POST")
    message = await passed_on(site, client)
    assert message["body"] == b"0123456789"
    assert "body_channel" not in message
    site.link.reply(message, OK)
    await client.finish()


@in_loop
async def test_a_large_body_travels_in_pieces_on_its_own_channel():
    site = await Site(inline_body_bytes=10, body_chunk_bytes=4).start()
    client = site.request(b"0123456789ab", b"cdefg", method="POST")
    message = await passed_on(site, client)
    assert message["body"] == b""
    channel = message["body_channel"]
    assert channel.startswith("http.request.body?")
    await site.link.wait(lambda: is_complete(site.link.messages(channel)))
    pieces = site.link.messages(channel)
    assert b"".join(piece["content"] for piece in pieces) == b"0123456789abcdefg"
    assert [piece["more_content"] for piece in pieces] == [True] * (len(pieces) - 1) + [False]
    assert max(len(piece["content"]) for piece in pieces) <= 10
    starts = [sum(len(before["content"]) for before in pieces[:n]) for n in range(len(pieces))]
    assert [piece["offset"] for piece in pieces] == starts
    site.link.reply(message, OK)
    await client.finish()
    assert (b"connection", b"close") not in client.sent[0]["headers"]


@in_loop
async def test_the_end_of_a_large_body_is_told_again_before_it_expires_until_there_is_an_answer():
    site = await Site(inline_body_bytes=10, body_chunk_bytes=4, http_timeout_s=None).start()
    client = site.request(b"0123456789ab", b"cdefg", method="POST")
    message = await passed_on(site, client)
    channel = message["body_channel"]
    await site.link.wait(lambda: is_complete(site.link.messages(channel)))
    count = len(site.link.messages(channel))
    await asyncio.sleep(200)
    told = site.link.messages(channel)[count:]
    assert told == [{"closed": True, "offset": 17}] * 4  # after 45 s each, and they live 60 s
    site.link.reply(message, OK)
    await client.finish()
    await asyncio.sleep(200)
    assert len(site.link.messages(channel)) == count + 4


@in_loop
async def test_no_end_is_told_of_a_large_body_that_still_comes():
    site = await Site(inline_body_bytes=4, body_chunk_bytes=4, http_stall_s=1000).start()
    client = site.request(b"01234567", b"", method="POST", path="/slow")
    client.events._queue[-1]["more_body"] = True
    message = await passed_on(site, client)
    await asyncio.sleep(100)
    assert all("closed" not in piece for piece in site.link.messages(message["body_channel"]))
    site.link.reply(message, OK)
    await client.finish()


@in_loop
async def test_a_full_body_channel_slows_the_client_down_and_loses_nothing():
    site = await Site(inline_body_bytes=4, body_chunk_bytes=4).start()
    site.link.refuse["http.request.body"] = full("http.request.body?x")
    client = site.request(b"0123", b"4567", b"89ab", b"cdef", method="POST")
    message = await passed_on(site, client)
    await asyncio.sleep(0)
    waiting = client.events.qsize()
    assert waiting >= 2  # not read, so the host server does not read from the network
    del site.link.refuse["http.request.body"]
    channel = message["body_channel"]
    await site.link.wait(lambda: is_complete(site.link.messages(channel)))
    assert b"".join(m["content"] for m in site.link.messages(channel)) == b"0123456789abcdef"
    site.link.reply(message, OK)
    await client.finish()


@in_loop
async def test_a_client_that_leaves_in_the_middle_of_a_large_body_is_told_to_its_reader():
    site = await Site(inline_body_bytes=4, body_chunk_bytes=4).start()
    client = site.request(b"01234567", b"", method="POST")
    client.events._queue[-1]["more_body"] = True
    message = await passed_on(site, client)
    client.put(LEFT)
    await site.link.expect("http.disconnect")
    await client.finish()
    assert site.link.messages(message["body_channel"])[-1] == {"closed": True}
    assert site.link.gone == [message["reply_channel"].partition("!")[2]]
    assert client.sent == []


@in_loop
async def test_a_client_that_leaves_in_the_middle_of_a_small_body_is_never_heard_of():
    site = await Site().start()
    client = site.request(headers=[(b"content-length", b"10")], method="POST")
    client.events.get_nowait()
    client.put({"type": "http.request", "body": b"012", "more_body": True}, LEFT)
    await client.finish()
    assert site.link.sent == []


@in_loop
async def test_a_declared_body_over_the_limit_gets_413_before_it_is_read():
    site = await Site(max_body_bytes=10).start()
    client = site.request(headers=[(b"content-length", b"11")], method="POST")
    client.events.get_nowait()
    await client.expect(2)
    assert client.status == 413
    assert client.headers[b"connection"] == b"close"
    client.put(LEFT)
    await client.finish()
    assert site.link.sent == []


@in_loop
async def test_an_undeclared_body_over_the_limit_gets_413():
    site = await Site(max_body_bytes=10).start()
    client = site.request(b"01234567", b"89a", method="POST")
    await client.finish()
    assert client.status == 413
    assert site.link.sent == []


@in_loop
async def test_an_undeclared_large_body_over_the_limit_gets_413_and_its_reader_is_told():
    site = await Site(max_body_bytes=10, inline_body_bytes=4, body_chunk_bytes=4).start()
    client = site.request(b"01234567", b"89abc", method="POST")
    message = await passed_on(site, client)
    await client.finish()
    assert client.status == 413
    assert site.link.messages(message["body_channel"])[-1] == {"closed": True}
    assert len(site.link.messages("http.disconnect")) == 1


@in_loop
async def test_a_client_that_stalls_in_the_middle_of_its_body_gets_408():
    site = await Site(http_stall_s=60).start()
    client = site.request(headers=[(b"content-length", b"10")], method="POST")
    client.events.get_nowait()
    client.put({"type": "http.request", "body": b"012", "more_body": True})
    await client.expect(2)
    client.put(LEFT)
    await client.finish()
    assert client.status == 408
    assert site.link.sent == []


@in_loop
async def test_a_reply_before_the_end_of_a_large_body_closes_the_connection_after_it():
    site = await Site(inline_body_bytes=4).start()
    client = site.request(b"01234567", b"", method="POST")
    client.events._queue[-1]["more_body"] = True
    message = await passed_on(site, client)
    site.link.reply(message, OK)
    await client.finish()
    assert client.headers[b"connection"] == b"close"
    assert client.body == b"hello"


# -- when the layer does not take it ------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal, status",
    [
        (full("http.request"), 503),
        (LayerUnavailable("away"), 503),
        (MessageTooLarge("http.request", 2, 1), 431),
        (InvalidMessage("surrogates"), 400),
    ],
)
@in_loop
async def test_what_the_layer_does_not_take_is_answered_at_once(refusal, status):
    site = await Site().start()
    site.link.refuse["http.request"] = refusal
    client = site.request()
    await client.finish()
    assert client.status == status
    assert client.headers[b"connection"] == b"close"
    assert (b"retry-after" in client.headers) == (status == 503)
    assert site.link.messages("http.disconnect") == []


@in_loop
async def test_a_head_over_the_limit_gets_431():
    site = await Site(max_header_bytes=100).start()
    client = site.request(headers=[(b"cookie", b"x" * 95)])
    await client.finish()
    assert client.status == 431
    assert site.link.sent == []


@in_loop
async def test_no_reply_in_time_gets_503_and_tells_the_consumer():
    site = await Site(http_timeout_s=120).start()
    client = site.request(path="/slow")
    message = await passed_on(site, client)
    await client.finish()
    assert client.status == 503
    assert await site.link.expect("http.disconnect") == {
        "type": "http.disconnect",
        "reply_channel": message["reply_channel"],
        "path": "/slow",
    }
    assert site.link.gone == [message["reply_channel"].partition("!")[2]]
    site.link.reply(message, OK)  # too late; nothing happens
    assert client.body == b"Service Unavailable"


@in_loop
async def test_a_layer_that_forgot_the_server_answers_what_waits_with_503():
    site = await Site().start()
    client = site.request()
    await passed_on(site, client)
    site.link.on_lost()
    await client.finish()
    assert client.status == 503


# -- streams ------------------------------------------------------------------------------------


@in_loop
async def test_a_streamed_response_arrives_in_order():
    site = await Site().start()
    client = site.request()
    message = await passed_on(site, client)
    parts = [{"content": b"%d" % n, "more_content": n < 9} for n in range(1, 10)]
    site.link.reply(message, {"status": 200, "more_content": True}, *parts)
    await client.finish()
    assert client.body == b"123456789"
    assert client.sent[-1]["more_body"] is False


@in_loop
async def test_a_stream_goes_on_for_longer_than_the_http_timeout():
    site = await Site(http_timeout_s=5).start()
    client = site.request()
    message = await passed_on(site, client)
    site.link.reply(message, {"status": 200, "content": b"a", "more_content": True})
    await asyncio.sleep(30)
    site.link.reply(message, {"content": b"b"})
    await client.finish()
    assert (client.status, client.body) == (200, b"ab")


@in_loop
async def test_a_stream_that_falls_silent_is_broken_off():
    site = await Site(http_silence_s=600).start()
    client = site.request()
    message = await passed_on(site, client)
    site.link.reply(message, {"status": 200, "content": b"a", "more_content": True})
    await client.finish()
    assert client.sent[-1] == {"type": "http.response.body", "body": b"a", "more_body": True}
    assert (await site.link.expect("http.disconnect"))["path"] == "/"


@in_loop
async def test_a_slow_client_holds_the_sender_back_until_it_has_caught_up():
    site = await Site(response_high_water_bytes=100, response_low_water_bytes=30).start()
    client = site.request()
    client.send_gate = asyncio.Event()
    message = await passed_on(site, client)
    part = {"content": b"x" * 20, "more_content": True}
    site.link.reply(message, {"status": 200, **part}, *[part] * 5)
    assert site.link.held == []
    site.link.reply(message, part)
    assert site.link.held == [message["reply_channel"].partition("!")[2]]
    client.send_gate.set()
    await site.link.wait(lambda: site.link.resumed == site.link.held)
    site.link.reply(message, {"content": b"", "more_content": False})
    await client.finish()
    assert client.body == b"x" * 140


@in_loop
async def test_what_a_slow_client_has_not_taken_is_kept_in_a_file_and_its_worker_is_done():
    site = await Site(response_memory_bytes=1000).start()
    client = site.request()
    client.send_gate = asyncio.Event()
    message = await passed_on(site, client)
    parts = [bytes([number]) * 700 for number in range(50)]
    site.link.reply(message, {"status": 200, "content": b"", "more_content": True})
    site.link.reply(message, *[{"content": part, "more_content": True} for part in parts])
    site.link.reply(message, {"content": b"end"})
    process = await site.server.start()

    assert site.link.held == []
    assert process.disk.used_bytes == 49 * 700
    client.send_gate.set()
    await client.finish()

    assert client.body == b"".join(parts) + b"end"
    assert process.disk.used_bytes == 0


@in_loop
async def test_nothing_is_kept_of_the_response_of_a_client_that_leaves():
    site = await Site(response_memory_bytes=10).start()
    client = site.request()
    client.send_gate = asyncio.Event()
    message = await passed_on(site, client)
    site.link.reply(message, *[{"status": 200, "content": b"x" * 700, "more_content": True}] * 9)
    process = await site.server.start()
    assert process.disk.used_bytes > 0

    client.send_error = OSError("the client has left")
    client.send_gate.set()
    await client.finish()

    assert process.disk.used_bytes == 0


@in_loop
async def test_files_of_all_responses_that_are_too_large_together_hold_their_senders():
    site = await Site(response_memory_bytes=10, all_response_bytes=1000).start()
    clients = [site.request() for _ in range(2)]
    messages = []
    for number, client in enumerate(clients, 1):
        client.send_gate = asyncio.Event()
        messages.append(await site.link.expect("http.request", number))
    part = {"status": 200, "content": b"x" * 600, "more_content": True}

    site.link.reply(messages[0], part, part)
    assert site.link.held == []
    site.link.reply(messages[1], part, part)

    assert len(site.link.held) == 1
    for client in clients:
        client.task.cancel()
        await asyncio.wait([client.task])


@in_loop
async def test_a_disk_that_is_full_holds_the_sender_and_loses_nothing(monkeypatch, caplog):
    def fail(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "put", fail)
    site = await Site(response_memory_bytes=1000).start()
    client = site.request()
    client.send_gate = asyncio.Event()
    message = await passed_on(site, client)
    part = {"status": 200, "content": b"x" * 700, "more_content": True}
    site.link.reply(message, *[part] * 4, {"content": b"end"})

    assert len(site.link.held) == 1
    assert "No space left" in caplog.text
    client.send_gate.set()
    await client.finish()

    assert client.body == b"x" * 2800 + b"end"


@in_loop
async def test_a_client_that_reads_slowly_but_steadily_gets_all_of_a_large_response():
    site = await Site(http_stall_s=60, http_floor_bytes_per_s=1024).start()
    client = site.request()
    loop = asyncio.get_running_loop()
    rate = 2048

    async def take(event):
        await asyncio.sleep(len(event.get("body", b"")) / rate)
        client.sent.append(event)

    client._send = take
    client.task.cancel()
    client.task = loop.create_task(site.server(http_scope(), client._receive, take))
    message = await site.link.expect("http.request")
    content = bytes(range(256)) * 2000
    headers = [[b"content-length", b"%d" % len(content)]]
    site.link.reply(message, {"status": 200, "headers": headers, "content": content})

    await client.finish()

    assert client.body == content
    assert loop.time() > len(content) / rate - 1


@in_loop
async def test_a_client_that_takes_nothing_is_given_up():
    site = await Site(http_stall_s=60).start()
    client = site.request()
    message = await passed_on(site, client)
    site.link.reply(message, {"status": 200, "more_content": True})
    await client.expect()
    client.send_gate = asyncio.Event()
    site.link.reply(message, {"content": b"a", "more_content": True})
    await client.finish()
    assert site.link.gone == [message["reply_channel"].partition("!")[2]]
    assert await site.link.expect("http.disconnect")


@in_loop
async def test_a_client_that_leaves_while_it_waits_is_told_to_its_consumer():
    site = await Site().start()
    client = site.request(path="/poll")
    message = await passed_on(site, client)
    client.put(LEFT)
    await client.finish()
    assert await site.link.expect("http.disconnect") == {
        "type": "http.disconnect",
        "reply_channel": message["reply_channel"],
        "path": "/poll",
    }
    assert site.link.gone == [message["reply_channel"].partition("!")[2]]
    assert client.sent == []


@in_loop
async def test_a_client_that_leaves_in_the_middle_of_a_stream_is_told_to_its_sender():
    site = await Site().start()
    client = site.request()
    message = await passed_on(site, client)
    site.link.reply(message, {"status": 200, "content": b"a", "more_content": True})
    client.put(LEFT)
    await client.finish()
    assert site.link.gone == [message["reply_channel"].partition("!")[2]]
    assert len(site.link.messages("http.disconnect")) == 1


@in_loop
async def test_a_full_http_disconnect_channel_drops_the_disconnect():
    site = await Site().start()
    site.link.refuse["http.disconnect"] = full("http.disconnect")
    client = site.request()
    await passed_on(site, client)
    client.put(LEFT)
    await client.finish()
    await site.server.stop()
    assert site.link.messages("http.disconnect") == []


@in_loop
async def test_a_host_that_cancels_a_request_makes_it_a_disconnect():
    site = await Site().start()
    client = site.request()
    await passed_on(site, client)
    client.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await client.task
    assert await site.link.expect("http.disconnect")
    assert len(site.link.gone) == 1


# -- what may have a body -----------------------------------------------------------------------


@in_loop
async def test_head_gets_the_headers_without_the_body():
    site = await Site().start()
    client = site.request(method="HEAD")
    message = await passed_on(site, client)
    site.link.reply(message, {**OK, "headers": [[b"Content-Length", b"5"]]})
    await client.finish()
    assert client.headers == {b"content-length": b"5"}
    assert client.body == b""


@in_loop
async def test_head_of_a_stream_ends_it():
    site = await Site().start()
    client = site.request(method="HEAD")
    message = await passed_on(site, client)
    site.link.reply(message, {"status": 200, "content": b"a", "more_content": True})
    await client.finish()
    assert client.body == b""
    assert len(site.link.gone) == 1


@pytest.mark.parametrize("status", [204, 304])
@in_loop
async def test_a_status_without_a_body_goes_out_without_one(status):
    site = await Site().start()
    client = site.request()
    message = await passed_on(site, client)
    headers = [[b"Content-Length", b"5"], [b"ETag", b'"x"']]
    site.link.reply(message, {"status": status, "headers": headers, "content": b"hello"})
    await client.finish()
    assert client.sent[0]["headers"] == [(b"etag", b'"x"')]
    assert client.body == b""


# -- replies that are wrong ---------------------------------------------------------------------

WRONG = [
    {"content": b"no status"},
    {"status": "200"},
    {"status": True},
    {"status": 99},
    {"status": 101},
    {"status": 600},
    {"status": 200, "content": "text"},
    {"status": 200, "headers": "x"},
    {"status": 200, "headers": [[b"a"]]},
    {"status": 200, "headers": [b"ab"]},
    {"status": 200, "headers": [[1, b"a"]]},
    {"status": 200, "headers": [[b"a b", b"c"]]},
    {"status": 200, "headers": [[b"", b"c"]]},
    {"status": 200, "headers": [["ä", b"c"]]},
    {"status": 200, "headers": [[b"a", 1]]},
    {"status": 200, "headers": [[b"a", None]]},
    {"status": 200, "headers": [[b"a", "\u20ac"]]},
    {"status": 200, "headers": [[b"a", b"b\r\nset-cookie: c=d"]]},
    {"status": 200, "headers": [[b"a\r\nset-cookie", b"c=d"]]},
    {"status": 200, "headers": [[b"a", b"b\0"]]},
    {"status": 200, "headers": [[b"a", "b\nc"]]},
    {"status": 200, "headers": [[b"content-length", b"4"]], "content": b"hello"},
    {"status": 200, "headers": [[b"content-length", b"-1"]], "content": b"hello"},
    {"status": 200, "headers": [[b"content-length", b"5"]] * 2, "content": b"hello"},
]


@pytest.mark.parametrize("reply", WRONG, ids=repr)
@in_loop
async def test_a_wrong_reply_is_500_and_logged_as_its_authors_mistake(reply, caplog):
    site = await Site().start()
    client = site.request()
    message = await passed_on(site, client)
    site.link.reply(message, reply)
    await client.finish()
    assert (client.status, client.body) == (500, b"Internal Server Error")
    (record,) = caplog.records
    assert message["reply_channel"] in record.getMessage()


@pytest.mark.parametrize(
    "headers",
    [
        [["Content-Type", "text/html"]],
        [(b"Content-Type", b" text/html ")],
        {b"content-type": b"text/html"},
        {"CONTENT-TYPE": b"text/html"},
    ],
    ids=repr,
)
@in_loop
async def test_headers_may_be_text_or_bytes_in_lists_or_dicts(headers):
    site = await Site().start()
    client = site.request()
    message = await passed_on(site, client)
    site.link.reply(message, {**OK, "headers": headers})
    await client.finish()
    assert client.headers == {b"content-type": b"text/html"}


@in_loop
async def test_framing_is_left_to_the_host():
    site = await Site().start()
    client = site.request()
    message = await passed_on(site, client)
    site.link.reply(message, {**OK, "headers": [[b"Transfer-Encoding", b"chunked"]]})
    await client.finish()
    assert client.headers == {}


@in_loop
async def test_a_stream_longer_than_it_promised_is_cut_there(caplog):
    site = await Site().start()
    client = site.request()
    message = await passed_on(site, client)
    headers = [[b"content-length", b"3"]]
    site.link.reply(message, {"status": 200, "headers": headers, "more_content": True})
    site.link.reply(message, {"content": b"abcd", "more_content": True})
    await client.finish()
    assert client.body == b"abc"
    assert client.sent[-1]["more_body"] is False
    assert "content-length 3" in caplog.text


@pytest.mark.parametrize("first", [b"abc", b"ab", b""])
@in_loop
async def test_a_last_part_that_is_longer_than_promised_is_cut_there(first, caplog):
    site = await Site().start()
    client = site.request(path="/page/")
    message = await passed_on(site, client)
    start = {"status": 200, "headers": [[b"content-length", b"3"]], "more_content": True}
    site.link.reply(message, {**start, "content": first})
    site.link.reply(message, {"content": b"abcHTTP/1.1 200 OK"[len(first) :]})
    await client.finish()
    assert client.body == b"abc"
    assert "content-length 3" in caplog.text
    assert "(/page/)" in caplog.text


@in_loop
async def test_a_stream_shorter_than_it_promised_is_broken_off(caplog):
    site = await Site().start()
    client = site.request()
    message = await passed_on(site, client)
    headers = [[b"content-length", b"3"]]
    site.link.reply(message, {"status": 200, "headers": headers, "more_content": True})
    site.link.reply(message, {"content": b"ab"})
    await client.finish()
    assert all(event.get("more_body", True) for event in client.sent)
    assert "content-length 3" in caplog.text


@in_loop
async def test_wrong_content_in_a_stream_breaks_it_off(caplog):
    site = await Site().start()
    client = site.request()
    message = await passed_on(site, client)
    site.link.reply(message, {"status": 200, "more_content": True}, {"content": "text"})
    await client.finish()
    assert all(event.get("more_body", True) for event in client.sent)
    assert "must be bytes" in caplog.text
    assert len(site.link.gone) >= 1


#: What a worker answers for a consumer that has raised SuspiciousOperation.
BAD_REQUEST = {"status": 400, "headers": [], "content": b"Bad Request", "closed": True}
CUT_OFF = {"content": b"", "more_content": False, "closed": True}


@in_loop
async def test_a_response_that_its_sender_cuts_off_is_broken_off():
    site = await Site().start()
    client = site.request()
    message = await passed_on(site, client)
    site.link.reply(message, {"status": 200, "content": b"a", "more_content": True}, CUT_OFF)
    await client.finish()
    assert client.body == b"a"
    assert all(event.get("more_body", True) for event in client.sent)


@in_loop
async def test_a_response_that_is_cut_off_before_it_begins_is_500(caplog):
    site = await Site().start()
    client = site.request()
    site.link.reply(await passed_on(site, client), CUT_OFF)
    await client.finish()
    assert (client.status, client.body) == (500, b"Internal Server Error")
    assert client.sent[-1]["more_body"] is False
    assert caplog.records == []  # who sent it has logged why


@in_loop
async def test_a_failure_that_the_client_is_to_blame_for_is_400():
    site = await Site().start()
    client = site.request()
    site.link.reply(await passed_on(site, client), BAD_REQUEST)
    await client.finish()
    assert (client.status, client.body) == (400, b"Bad Request")


@in_loop
async def test_nothing_is_kept_of_a_request_that_is_over():
    site = await Site().start()
    before = asyncio.all_tasks()
    client = site.request()
    message = await passed_on(site, client)
    await asyncio.sleep(1)  # long enough to be watched
    site.link.reply(message, OK)
    await client.finish()
    await asyncio.sleep(0)
    process = await site.server.start()
    assert process.reply_queues == {}
    assert asyncio.all_tasks() <= before
