"""A TCP proxy that delays, falls silent, or cuts."""

import asyncio
import contextlib
import random
from typing import Any

_PIECE_BYTES = 64 * 1024
#: After so long a packet that was lost is sent again: Linux' shortest (TCP_RTO_MIN).
_SENT_AGAIN_S = 0.2


class Proxy:
    """Stands between clients and `target`, (host, port). `start` it, and `stop` it.

    Attributes:
        delay_s: what each byte needs in each direction.
        loss: the share of pieces that come late, with all behind them, as TCP sends them again.
    """

    def __init__(
        self,
        target: tuple[str, int],
        delay_s: float = 0.0,
        loss: float = 0.0,
        seed: int = 46,
    ) -> None:
        self.target, self.delay_s, self.loss = target, delay_s, loss
        self._chance = random.Random(seed)
        self._writers, self._tasks = set(), set()
        self._is_flowing = asyncio.Event()
        self._is_flowing.set()
        self._is_stopped = False
        self._server = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> Any:
        """Listen, by default on a free port; return the address."""
        self._server = await asyncio.start_server(self._accept, host, port)
        return self.address

    @property
    def address(self):
        """(host, port) for the clients."""
        return self._server.sockets[0].getsockname()

    def freeze(self):
        """Pass nothing on, with all connections open: the network is gone, and nobody is told."""
        self._is_flowing.clear()

    def thaw(self):
        """Undo `freeze`."""
        self._is_flowing.set()

    def cut(self):
        """Reset every connection."""
        for writer in self._writers:
            writer.transport.abort()

    async def stop(self):
        """Cut everything and listen no more."""
        self._is_stopped = True
        loop = asyncio.get_running_loop()
        for listening in self._server.sockets:
            loop.remove_reader(listening.fileno())
        for _ in range(3):  # asyncio loses a connection that it accepts in the turn of `close`
            await asyncio.sleep(0)
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader, writer):
        if self._is_stopped:  # what was on its way in is accepted all the same
            writer.transport.abort()
            return
        self._writers.add(writer)
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader, writer):
        try:
            there_reader, there_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(there_writer)
        try:
            await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))
        finally:
            self._writers -= {writer, there_writer}
            for end in (writer, there_writer):
                end.transport.abort()

    async def _pump(self, reader, writer):
        """Pass on what `reader` gives, each piece `delay_s` after it came."""
        loop, pieces = asyncio.get_running_loop(), asyncio.Queue(256)
        delivery = loop.create_task(self._deliver(pieces, writer))
        try:
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(_PIECE_BYTES):
                    due = loop.time() + self.delay_s
                    if self.loss and self._chance.random() < self.loss:
                        due += _SENT_AGAIN_S
                    await pieces.put((due, data))
            await pieces.put((loop.time() + self.delay_s, b""))
            await delivery
        finally:
            delivery.cancel()

    async def _deliver(self, pieces, writer):
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while True:
                due, data = await pieces.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                await self._is_flowing.wait()
                if not data:
                    writer.close()
                    return
                writer.write(data)
                await writer.drain()
