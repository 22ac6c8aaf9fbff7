"""What one process, on its event loop, holds: the link to the layer, its clients, its tasks."""

import asyncio
import collections
import logging
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from channels.layers.base import BaseChannelLayer
from channels.layers.names import random_suffix
from interface_server.channel_room import ChannelRoom
from interface_server.frames.pacer import Pacer
from interface_server.frames.window import Allowance
from interface_server.options import Options
from interface_server.owners.table import Owners
from interface_server.proxy import ProxyHeaders
from interface_server.refusals import RefusalLog
from interface_server.replies import Dispatcher
from interface_server.reply_queue import NoReply
from interface_server.takers import Takers

logger = logging.getLogger("interface_server")

#: How long the first requests of a process wait for its first connection to the layer.
_FIRST_CONNECTION_S = 0.8
_POLL_S = 0.01
#: How long requests that are broken off at the end get for their 503 to go out.
_LAST_WORDS_S = 0.5
#: How long a server that stops waits for room for the disconnects of its sockets, so that they are
#: sent with their code; then the layer makes up for them.
_DISCONNECTS_S = 3.0


class ServerProcess:
    """One process's share of an InterfaceServer. Made and used on one event loop.

    Attributes:
        link: the ServerLink.
        get_expiry: returns how many seconds messages on a channel live.
        dispatcher: the clients that replies go to.
        addresses: open sockets by client address.
        refusals: the RefusalLog.
        request_room: whether `http.request` is known to be full.
        takers: whether there are workers at all.
        owners: which workers host the sockets of class consumers.
        pacer: the Pacer of the frames that go to the layer.
        allowance: what the windows of all sockets may hold together.
        disk: what the temporary files of all responses may hold together.
        slow_sockets: how many were closed because they took too little of what was sent to them.
        is_started: whether `start` has ended.
        is_stopping: whether new requests and sockets are turned away.
    """

    def __init__(self, layer: BaseChannelLayer, options: Options) -> None:
        self.options = options
        self.loop = asyncio.get_running_loop()
        self.dispatcher = Dispatcher()
        self.reply_queues = self.dispatcher.reply_queues
        self.sockets = self.dispatcher.sockets
        self.addresses: collections.Counter[str] = collections.Counter()
        self.proxy = ProxyHeaders(options.trusted_proxies) if options.proxy_headers else None
        self.pacer = Pacer(self.loop, options.websocket_patience_s)
        self.allowance = Allowance(options.all_window_frames, options.all_window_bytes)
        self.disk = Allowance(sys.maxsize, options.all_response_bytes)
        self.slow_sockets = 0
        self.is_started = False
        self.is_stopping = False
        self.get_expiry = layer.get_expiry
        self.link = layer.open_link(random_suffix(), self.dispatcher.dispatch, self._lose_clients)
        self.refusals = RefusalLog(self.loop.time)
        self.request_room = ChannelRoom(self.loop.time)
        self.owners = self.dispatcher.owners = Owners(self)
        self.takers = Takers(self)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._starting: asyncio.Task[None] | None = None

    # -- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the link, once, and give it a moment to connect."""
        if self._starting is None:
            self._starting = self.loop.create_task(self._start())
        await asyncio.shield(self._starting)

    async def _start(self) -> None:
        await self.link.start()
        deadline = self.loop.time() + _FIRST_CONNECTION_S
        while not self._knows_link() and self.loop.time() < deadline:
            await asyncio.sleep(_POLL_S)
        if not self.link.is_available and self.link.refusal is None:
            logger.warning(
                "the channel layer can't be reached; trying again; "
                "requests and new sockets get 503 until it answers"
            )
        self.is_started = True

    def _knows_link(self) -> bool:
        return self.link.is_available or self.link.refusal is not None

    async def stop(self, code: int = 1001) -> None:
        """Turn new clients away, close sockets with `code`, let requests finish, stop the link.

        Takes `grace_s` seconds at most, and a moment for what is broken off then and for the link.
        """
        self.is_stopping = True
        started = self.loop.time()
        self.close_sockets(code)
        await self._wait_while(self._has_clients, self.options.grace_s)
        left_s = self.options.grace_s - (self.loop.time() - started)
        await self._wait_while(self._is_busy, min(left_s, _DISCONNECTS_S))
        if self._has_clients():
            logger.warning(
                "stopped after %.0f s with %d requests and %d sockets unfinished",
                self.options.grace_s,
                len(self.reply_queues),
                len(self.sockets),
            )
            self._break_off_requests()
            await self._wait_while(self._is_busy, _LAST_WORDS_S)
        self.owners.stop()
        await self.link.stop()

    async def _wait_while(self, condition: Callable[[], bool], limit_s: float) -> None:
        deadline = self.loop.time() + limit_s
        while condition() and self.loop.time() < deadline:
            await asyncio.sleep(_POLL_S)

    def close_sockets(self, code: int) -> None:
        """Close every socket with `code`, or refuse it with 503 if it is still connecting."""
        for socket in list(self.sockets.values()):
            socket.close(code)

    def _has_clients(self) -> bool:
        return bool(self.reply_queues or self.sockets)

    def _is_busy(self) -> bool:
        return self._has_clients() or bool(self._tasks)

    def _lose_clients(self) -> None:
        """The layer has forgotten this server: replies on the way to its clients will not come."""
        logger.warning(
            "the channel layer has forgotten this server: closing %d sockets with 1012, "
            "answering %d requests with 503",
            len(self.sockets),
            len(self.reply_queues),
        )
        self.close_sockets(1012)
        self._break_off_requests()

    def _break_off_requests(self) -> None:
        """Answer what has no reply yet with 503, and end responses that are under way."""
        for replies in list(self.reply_queues.values()):
            replies.end(NoReply.LOST)

    # -- what exchanges and sockets use -------------------------------------------------------

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `coroutine` to its end, whoever is cancelled meanwhile; return its task."""
        task = self.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("a task of the interface server failed", exc_info=task.exception())
