"""`MemoryLink`: an interface server's side of the in-memory layer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from channels.exceptions import ChannelFull, ChannelsError
from channels.layers.contract import ServerLink
from channels.layers.memory.waiting import Search, TaskWaiter, search_async
from channels.layers.names import REPLY_KINDS, random_suffix
from channels.metrics import hooks

if TYPE_CHECKING:
    from channels.layers.contract import OnReply, OnSent
    from channels.layers.memory.layer import MemoryChannelLayer
    from channels.layers.memory.servers import Server
    from channels.messages import Content, WebsocketReceive


#: Messages of each reply queue that are handed out before the loop goes on to other work.
BATCH = 100


class MemoryLink(ServerLink):
    """What an interface server in this process holds of the layer; see ServerLink."""

    def __init__(
        self,
        layer: MemoryChannelLayer,
        server_id: str,
        on_reply: OnReply,
        on_lost: Callable[[], None],
    ) -> None:
        self.server_id = server_id
        self._layer = layer
        self._on_reply = on_reply
        self._on_lost = on_lost
        self._server: Any = None
        self._loop: Any = None
        self._task: Any = None

    @property
    def is_available(self) -> bool:
        return True

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._enter()

    async def stop(self) -> None:
        if self._server is None:
            return
        with self._layer.lock:
            self._layer.store.servers.remove(self._server, self._layer.clock())
            self._server = None
            self._layer.senders.notify_all()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def lose(self) -> None:
        """From any thread: the layer has forgotten this server."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(self._reenter)

    def _enter(self) -> None:
        with self._layer.lock:
            self._server = self._layer.store.servers.add(self.server_id, self)
        self._task = self._loop.create_task(self._drain(self._server.queues))

    def _reenter(self) -> None:
        if self._server is None:
            return  # stopped meanwhile
        self._task.cancel()
        self.server_id = random_suffix()
        self._enter()
        hooks.meter.link_restarted()
        self._on_lost()

    # -- replies ------------------------------------------------------------------------------

    async def _drain(self, queues: Sequence[str]) -> None:
        store = self._layer.store
        while True:
            quest = Search(
                self._layer,
                self._layer.readers,
                queues,
                lambda now: store.take_batch(queues, now, BATCH),
                lambda now: store.next_due(queues, now),
                TaskWaiter(),
            )
            for entry in await search_async(quest):
                self._layer.hand_out(entry, self._on_reply)
            await asyncio.sleep(0)

    # -- sends --------------------------------------------------------------------------------

    async def send(self, channel: str, message: Content) -> None:
        self._layer.send(channel, message)

    def post(self, channel: str, message: Content, done: OnSent) -> None:
        try:
            self._layer.send(channel, message)
        except ChannelsError as error:
            done(error)
        else:
            done(None)

    def send_frame(self, message: WebsocketReceive) -> asyncio.Future[None]:
        sending: asyncio.Future[None] = self._loop.create_future()
        try:
            self._layer.send("websocket.receive", {**message})
            sending.set_result(None)
        except ChannelsError as error:
            sending.set_exception(error)
        return sending

    async def open_socket(self, client: str, message: Content) -> None:
        # First, as its consumer may have it join a group at once.
        self._change_server(lambda server, now: server.sockets.add(client))
        try:
            self._layer.send("websocket.connect", message)
        except Exception:
            self._forget(client)
            raise

    async def close_socket(
        self, client: str, message: Content, channel: str = "websocket.disconnect"
    ) -> None:
        operation = self._layer.prepare_send(channel, message)
        server, store = self._server, self._layer.store
        self._forget(client)

        def attempt(now: float) -> Any:
            """True if it was sent; the ChannelFull if there is no server left that could wait."""
            refusal = store.carry_out(operation, now)
            if refusal is None:
                return True
            has_stopped = server is None or self._server is not server
            return refusal if has_stopped else None

        quest = Search(
            self._layer,
            self._layer.senders,
            [channel],
            attempt,
            lambda now: store.next_expiry([channel], now),
            TaskWaiter(),
        )
        outcome = await search_async(quest)
        if isinstance(outcome, ChannelFull):
            raise outcome

    def _forget(self, client: str) -> None:
        with self._layer.lock:
            if self._server is not None:
                self._server.sockets.discard(client)
        self._leave_groups(client)

    def _leave_groups(self, client: str) -> None:
        with self._layer.lock:
            for kind in REPLY_KINDS:
                self._layer.store.groups.discard_all(self.reply_channel(kind, client))

    # -- slow and vanished clients ------------------------------------------------------------

    def hold(self, client: str) -> None:
        self._change_server(lambda server, now: server.held.add(client))

    def resume(self, client: str) -> None:
        self._change_server(lambda server, now: server.held.discard(client))

    def mark_gone(self, client: str) -> None:
        self._change_server(lambda server, now: server.mark_gone(client, now))
        self._leave_groups(client)

    def _change_server(self, change: Callable[[Server, float], object]) -> None:
        """Do `change(server, now)` under the lock; nothing before the start and after the end."""
        with self._layer.lock:
            if self._server is not None:
                change(self._server, self._layer.clock())
