"""What waits to be written to a socket, and its task that lingers."""

import asyncio
import gc
import weakref

import pytest

from interface_server.frames.writer import FrameWriter, Lingering
from interface_server.options import Options


class Connection:
    """A host's connection: keeps what is written."""

    def __init__(self):
        self.written = []

    async def send(self, event):
        self.written.append(event)


@pytest.mark.parametrize("end", ["clear", "put_last"])
def test_the_connection_of_a_socket_that_has_ended_is_let_go_at_once(end):
    async def close_one():
        loop = asyncio.get_running_loop()
        lingering, connection = Lingering(loop), Connection()
        writer = FrameWriter(loop, connection.send, Options(), lingering)
        writer.put({"type": "websocket.send", "text": "a"}, 1)
        await asyncio.sleep(0)  # it is written, and its task lingers
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
