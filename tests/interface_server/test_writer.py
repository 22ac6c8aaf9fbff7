"""What is written to a socket: at once where the host can, and by a task where it has to wait."""

import asyncio
import gc
import weakref

import pytest

from interface_server.frames.writer import FrameWriter
from interface_server.options import Options


def frame(text):
    return {"type": "websocket.send", "text": text}


class Connection:
    """A host's connection: keeps what is written; it does not take anything while `is_full`."""

    def __init__(self):
        self.written, self.at_once = [], 0
        self.is_full, self.error = False, None

    async def __call__(self, event):
        while self.is_full:
            await asyncio.sleep(0)
        self.written.append(event)

    def write_now(self, event):
        if self.error is not None:
            raise self.error
        if self.is_full:
            return False
        self.at_once += 1
        self.written.append(event)
        return True


@pytest.fixture
def in_loop():
    """Run a coroutine with a writer and its connection."""

    def run(scenario, **options):
        async def run():
            connection = Connection()
            loop = asyncio.get_running_loop()
            await scenario(FrameWriter(loop, connection, Options(**options)), connection)

        asyncio.run(run())

    return run


def test_a_frame_is_written_before_put_returns(in_loop):
    async def write(writer, connection):
        before = asyncio.all_tasks()
        assert writer.put(frame("a"), 1)
        assert connection.written == [frame("a")]
        assert asyncio.all_tasks() == before

    in_loop(write)


def test_a_frame_does_not_overtake_those_that_wait(in_loop):
    async def write(writer, connection):
        connection.is_full = True
        writer.put(frame("a"), 1)
        connection.is_full = False
        writer.put(frame("b"), 1)
        assert connection.written == []
        await asyncio.sleep(0.01)
        writer.put(frame("c"), 1)
        assert connection.written == [frame("a"), frame("b"), frame("c")]
        assert connection.at_once == 1

    in_loop(write)


def test_a_frame_comes_after_the_accept(in_loop):
    async def write(writer, connection):
        accept = {"type": "websocket.accept"}
        writer.put(accept, 0)
        writer.put(frame("a"), 1)
        await asyncio.sleep(0.01)
        assert connection.written == [accept, frame("a")]

    in_loop(write)


def test_no_more_waits_than_may(in_loop):
    async def write(writer, connection):
        connection.is_full = True
        assert [writer.put(frame(text), 1) for text in "abc"] == [True, True, False]
        assert writer.clear() == 2

    in_loop(write, outbox_messages=2)


def test_a_socket_that_turns_out_to_be_closed_takes_frames_and_loses_them(in_loop):
    async def write(writer, connection):
        connection.error = RuntimeError("closed")
        assert writer.put(frame("a"), 1)
        ends = []
        writer.put_last([{"type": "websocket.close"}], lambda: ends.append(True))
        await asyncio.sleep(0.01)
        assert ends == [True]

    in_loop(write)


class PlainConnection:
    """One that can only be waited for."""

    def __init__(self):
        self.written = []

    async def send(self, event):
        self.written.append(event)


@pytest.mark.parametrize("end", ["clear", "put_last"])
def test_the_connection_of_a_socket_that_has_ended_is_let_go_at_once(end):
    async def close_one():
        loop = asyncio.get_running_loop()
        connection = PlainConnection()
        writer = FrameWriter(loop, connection.send, Options())
        writer.put(frame("a"), 1)
        await asyncio.sleep(0)
        assert len(connection.written) == 1
        if end == "clear":
            writer.clear()
        else:
            writer.put_last([{"type": "websocket.close"}], lambda: None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gone = weakref.ref(connection)
        del writer, connection
        gc.collect()
        return gone() is None

    assert asyncio.run(close_one())
