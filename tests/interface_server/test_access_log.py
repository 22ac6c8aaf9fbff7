"""The access log's lines."""

import datetime
import io
import logging

import pytest

from interface_server.access_log import AccessLog
from interface_server.proxy import ProxyHeaders
from tests.interface_server.fakes import Site, http_scope, in_loop

NOON = datetime.datetime(2024, 2, 29, 12, 0, 0)


def logger_of(stream):
    """Return a logger whose messages, and nothing else, go to `stream`."""
    logger = logging.Logger("access")
    logger.addHandler(logging.StreamHandler(stream))
    return logger


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def log(stream):
    return AccessLog(logger_of(stream), now=lambda: NOON)


def test_a_response_is_a_line_as_daphne_1_wrote_it(log, stream):
    log.write_request(http_scope(path="/a", query_string=b"b=1"), 200, 5)
    assert stream.getvalue() == (
        '203.0.113.7:40001 - - [29/Feb/2024:12:00:00] "GET /a?b=1" 200 5\n'
    )


def test_a_client_on_a_unix_socket_has_no_address(log, stream):
    log.write_request(http_scope(client=None), 204, 0)
    assert stream.getvalue() == '- - - [29/Feb/2024:12:00:00] "GET /" 204 -\n'


def test_a_client_can_not_write_lines_of_its_own(log, stream):
    log.write_request(
        http_scope(raw_path=b'/a"\n127.0.0.1 - \x1b[31m\xff', query_string=b'\r\n"'), 200, 1
    )
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().count('"') == 2
    assert "\x1b" not in stream.getvalue()


def test_behind_a_proxy_the_line_names_the_client():
    stream = io.StringIO()
    log = AccessLog(logger_of(stream), ProxyHeaders(("127.0.0.1",)), now=lambda: NOON)
    headers = [(b"x-forwarded-for", b"203.0.113.9")]
    log.write_request(http_scope(headers=headers, client=("127.0.0.1", 1)), 200, 1)
    assert stream.getvalue().startswith("203.0.113.9 - - ")


def actions(stream):
    return [line.split('"')[1] for line in stream.getvalue().splitlines()]


@in_loop
async def test_a_socket_gets_a_line_for_each_step():
    stream = io.StringIO()
    site = await Site(access_log=AccessLog(logger_of(stream))).start()
    client, _ = await site.open_socket(path="/chat", query_string=b"secret=1")
    client.put({"type": "websocket.disconnect", "code": 1001})
    await client.finish()
    refused = site.socket("/no")
    site.link.reply(await site.link.expect("websocket.connect", 2), {"close": True})
    await refused.finish()
    assert actions(stream) == [
        "WSCONNECTING /chat",
        "WSCONNECT /chat",
        "WSDISCONNECT /chat",
        "WSCONNECTING /no",
        "WSREJECT /no",
    ]


@in_loop
async def test_every_finished_response_gets_a_line_with_the_bytes_of_its_body():
    stream = io.StringIO()
    site = await Site(access_log=AccessLog(logger_of(stream)), max_body_bytes=1).start()
    client = site.request(path="/a")
    message = await site.link.expect("http.request")
    site.link.reply(message, {"status": 201, "content": b"abc", "more_content": True})
    site.link.reply(message, {"content": b"de"})
    await client.finish()
    await site.request(b"too much", method="POST").finish()
    assert actions(stream) == ["GET /a", "POST /"]
    assert [line.rsplit('" ')[-1] for line in stream.getvalue().splitlines()] == ["201 5", "413 17"]
