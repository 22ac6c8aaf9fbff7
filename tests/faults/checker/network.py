"""The network between the processes and Redis: two proxies, in a thread of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from tests.faults.clients.proxy import Proxy

#: Who reaches Redis over which proxy.
SIDES = ("servers", "workers")


class Network:
    """`start` it; it ends as a context manager does. Its methods may be called from any thread.

    Args:
        target: (host, port) of Redis.

    Attributes:
        addresses: (host, port) for each of SIDES.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._proxies: dict[str, Any] = {}
        self.addresses: dict[str, tuple[str, int]] = {}

    def start(self) -> Network:
        """Begin to listen; return self."""
        self._thread.start()
        self._wait_for(self._start())
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._wait_for(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait_for(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _start(self) -> None:
        for side in SIDES:
            proxy = self._proxies[side] = Proxy(self._target)
            self.addresses[side] = tuple(await proxy.start())

    async def _stop(self) -> None:
        for proxy in self._proxies.values():
            await proxy.stop()

    def _do(self, side: str, act: Callable[[Any], object]) -> None:
        self._loop.call_soon_threadsafe(act, self._proxies[side])

    def be(self, side: str, *, delay_s: float = 0.0, loss: float = 0.0) -> None:
        """Delay each byte, and bring a share of the pieces late; by default be well."""

        def act(proxy: Any) -> None:
            proxy.delay_s, proxy.loss = delay_s, loss

        self._do(side, act)

    def silence(self, side: str) -> None:
        """Let nothing through, with all connections open."""
        self._do(side, lambda proxy: proxy.freeze())

    def end_silence(self, side: str) -> None:
        """Undo `silence`."""
        self._do(side, lambda proxy: proxy.thaw())

    def cut(self, side: str) -> None:
        """Reset every connection."""
        self._do(side, lambda proxy: proxy.cut())
