"""The instruments of the scenarios: what can't fail proves nothing."""

import asyncio
import contextlib
import time

import pytest

from tests.faults.clients import http, web_socket
from tests.faults.clients.proxy import Proxy
from tests.faults.ledger import Ledger, LedgerWriter
from tests.faults.result import Result, percentile
from tests.faults.scenarios.ordering import runs_in_order


def test_a_result_without_figures_does_not_hold():
    result = Result()
    assert not result.held


def test_one_broken_promise_breaks_the_result():
    result = Result()
    result.equal("frames", 3, 3)
    result.at_most("p99", 1.5, 1.0, "s")
    result.at_least("rate", 5, 5)
    assert not result.held
    assert result.broken == ["p99: 1.5 s (≤ 1 s)"]


def test_percentiles():
    assert percentile(range(1, 101), 0.99) == 100
    assert percentile([3, 1, 2], 0.5) == 2


def steps(text):
    """ "b1 e1" is: 1 began, 1 ended."""
    kinds = {"b": "began", "e": "ended"}
    return [{"event": kinds[step[0]], "n": int(step[1:])} for step in text.split()]


@pytest.mark.parametrize("text", ["", "b0 e0 b1 e1", "b0 e0 b2 e2"])
def test_what_is_in_order(text):
    assert runs_in_order(steps(text))


@pytest.mark.parametrize("text", ["b1 e1 b0 e0", "b0 b1 e0 e1", "b0 e0 b0 e0", "b0 b1 e1"])
def test_what_is_not_in_order(text):
    assert not runs_in_order(steps(text))


def test_a_ledger_reads_what_several_writers_noted(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    assert ledger.records() == []
    one, other = LedgerWriter(tmp_path / "ledger"), LedgerWriter(tmp_path / "ledger")
    one.note("ran", n=1)
    assert ledger.count("ran") == 1
    other.note("ran", n=2)
    one.note("tried", n=[1])
    assert ledger.values("n", "ran") == [1, 2]
    assert ledger.count("ran", n=2) == 1


@contextlib.asynccontextmanager
async def proxied_echo(delay_s=0.0):
    """A server that sends back what it gets, behind a Proxy."""

    async def echo(reader, writer):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1000):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxy = Proxy(server.sockets[0].getsockname(), delay_s)
    await proxy.start()
    reader, writer = await asyncio.open_connection(*proxy.address)
    try:
        yield proxy, reader, writer
    finally:
        writer.transport.abort()
        await proxy.stop()
        server.close()


def test_the_proxy_delays():
    async def scenario():
        async with proxied_echo(delay_s=0.1) as (_, reader, writer):
            begun = time.monotonic()
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            return time.monotonic() - begun

    assert 0.2 <= asyncio.run(scenario()) < 1


def test_the_proxy_falls_silent_and_goes_on():
    async def scenario():
        async with proxied_echo() as (proxy, reader, writer):
            proxy.freeze()
            writer.write(b"hello")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(reader.readexactly(5), 0.1)
            proxy.thaw()
            assert await reader.readexactly(5) == b"hello"

    asyncio.run(scenario())


def test_the_proxy_cuts():
    async def scenario():
        async with proxied_echo() as (proxy, reader, writer):
            writer.write(b"hello")
            await reader.readexactly(5)
            proxy.cut()
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)

    asyncio.run(scenario())


async def serve(answer):
    """Listen, answer the first thing that comes with `answer`, and close; return the address."""

    async def respond(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()


def fetch_from(answer):
    async def scenario():
        server, address = await serve(answer)
        try:
            return await http.fetch(address, "/", limit_s=5)
        finally:
            server.close()

    return asyncio.run(scenario())


def test_a_response_by_content_length():
    response = fetch_from(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Y: z\r\n\r\nabc")
    assert (response.status, response.body, response.is_complete) == (200, b"abc", True)
    assert response.headers["x-y"] == "z"


def test_a_response_in_chunks():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    response = fetch_from(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert (response.body, response.is_complete) == (b"abcde", True)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
    ],
)
def test_a_response_that_is_cut_off_is_not_complete(answer):
    assert not fetch_from(answer).is_complete


def test_no_answer_at_all_is_an_error():
    with pytest.raises(ConnectionError):
        fetch_from(b"")


def test_a_refused_handshake_says_with_what():
    async def scenario():
        server, address = await serve(b"HTTP/1.1 503 No\r\nRetry-After: 2\r\n\r\n")
        try:
            await web_socket.connect(address, "/", limit_s=5)
        finally:
            server.close()

    with pytest.raises(web_socket.Refused) as refusal:
        asyncio.run(scenario())
    assert (refusal.value.status, refusal.value.headers["retry-after"]) == (503, "2")
