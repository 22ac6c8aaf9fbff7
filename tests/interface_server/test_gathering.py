"""What is written to a connection in one pass of the event loop."""

import asyncio

import pytest

from interface_server.hosts.gathering import JOIN_BYTES, GatheringTransport


class Recorder:
    """A transport, and what it was asked to do."""

    def __init__(self):
        self.done = []

    def write(self, data):
        self.done.append(data)

    def close(self):
        self.done.append("close")

    def abort(self):
        self.done.append("abort")

    def is_closing(self):
        return "close" in self.done

    def get_extra_info(self, name):
        return f"the {name}"


@pytest.fixture
def recorder():
    return Recorder()


def run(recorder, write):
    """Let `write(transport)` run in one pass of a loop, and what it asks for in the next."""

    async def pass_by():
        write(GatheringTransport(recorder, asyncio.get_running_loop()))
        written_at_once = list(recorder.done)
        await asyncio.sleep(0)
        return written_at_once

    return asyncio.run(pass_by())


def test_what_is_written_in_one_pass_goes_out_as_one(recorder):
    def write(transport):
        for piece in (b"head", b"body", b"end"):
            transport.write(piece)

    assert run(recorder, write) == []
    assert recorder.done == [b"headbodyend"]


def test_what_is_written_in_the_next_pass_does_not_wait_for_more(recorder):
    async def write():
        transport = GatheringTransport(recorder, asyncio.get_running_loop())
        for piece in (b"a", b"b"):
            transport.write(piece)
            await asyncio.sleep(0)
            assert recorder.done[-1] == piece

    asyncio.run(write())
    assert recorder.done == [b"a", b"b"]


def test_what_is_large_is_not_copied_and_comes_after_what_waits(recorder):
    large = bytes(JOIN_BYTES + 1)

    def write(transport):
        for piece in (b"head", large, b"end"):
            transport.write(piece)

    assert run(recorder, write) == [b"head", large]
    assert recorder.done[1] is large
    assert recorder.done[2:] == [b"end"]


def test_no_more_waits_than_is_good_for_back_pressure(recorder):
    """Whoever writes too much has to learn it before the pass is over."""

    def write(transport):
        for _ in range(10):
            transport.write(bytes(JOIN_BYTES // 2))

    assert list(map(len, run(recorder, write))) == [JOIN_BYTES] * 4
    assert list(map(len, recorder.done)) == [JOIN_BYTES] * 5


def test_a_close_comes_after_what_waits(recorder):
    def write(transport):
        transport.write(b"last")
        transport.close()

    assert run(recorder, write) == [b"last", "close"]
    assert recorder.done == [b"last", "close"]


def test_an_abort_drops_what_waits(recorder):
    def write(transport):
        transport.write(b"half")
        transport.abort()

    run(recorder, write)
    assert recorder.done == ["abort"]


def test_all_else_is_done_by_the_transport(recorder):
    def ask(transport):
        assert transport.get_extra_info("peername") == "the peername"
        assert not transport.is_closing()
        transport.close()
        assert transport.is_closing()

    run(recorder, ask)


def test_the_responses_of_uvicorn_are_gathered(recorder, monkeypatch):
    pytest.importorskip("uvicorn")
    import uvicorn

    from interface_server.hosts.settings import HostSettings
    from interface_server.hosts.uvicorn_inside import gated_http

    async def app(scope, receive, send):
        headers = [(b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"body"})

    async def ask():
        config = uvicorn.Config(
            app, http=gated_http(HostSettings()), lifespan="off", access_log=False
        )
        config.load()
        state = uvicorn.server.ServerState()
        protocol = config.http_protocol_class(config=config, server_state=state, app_state={})
        monkeypatch.setattr(recorder, "get_extra_info", lambda name: None)
        protocol.connection_made(recorder)
        protocol.data_received(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while not recorder.done:
            await asyncio.sleep(0)
        written = list(recorder.done)
        protocol.connection_lost(None)
        return written

    (response,) = asyncio.run(ask())
    assert response.startswith(b"HTTP/1.1 200 OK\r\n")
    assert response.endswith(b"\r\n\r\nbody")
