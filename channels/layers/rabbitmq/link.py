"""`RabbitmqLink`: an interface server's side of the RabbitMQ layer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from channels.exceptions import ChannelFull, LayerUnavailable
from channels.layers.contract import OnReply, ServerLink
from channels.layers.names import REPLY_KINDS, random_suffix
from channels.messages import Content
from channels.metrics import hooks
from channels.startup.identity import describe_process

if TYPE_CHECKING:
    from channels.layers.entries import Entry
    from channels.layers.rabbitmq.layer import RabbitmqChannelLayer
    from channels.layers.rabbitmq.transport import Session

logger = logging.getLogger("channels.layers")

#: Seconds between two signs of life.
BEAT_EVERY_S = 2.0
#: Seconds between two attempts to send a disconnect to a full channel, or to reach the layer.
TRY_AGAIN_S = 0.2


class RabbitmqLink(ServerLink):
    """What an interface server holds of the layer; see ServerLink."""

    def __init__(
        self,
        layer: RabbitmqChannelLayer,
        server_id: str,
        on_reply: OnReply,
        on_lost: Callable[[], None],
    ) -> None:
        self.server_id = server_id
        self._layer, self._engine = layer, layer.engine
        self._on_reply, self._on_lost = on_reply, on_lost
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beating: asyncio.Task[None] | None = None
        #: A beat at a time: after a flush, another one is due at once.
        self._one_beat = asyncio.Lock()
        self._is_available = False
        self._is_started = False
        #: The Session over which replies are read, and the broker's mark when that began.
        self._session: Session | None = None
        self._boot: str | None = None
        self._facts: dict[str, Any] = {}
        #: (queue, client) -> "held" or "gone", to be told again to processes that are new.
        self._states: dict[tuple[str, str], str] = {}

    @property
    def is_available(self) -> bool:
        return self._is_available

    def _queues(self) -> list[str]:
        return [self.reply_channel(kind, "") for kind in REPLY_KINDS]

    # -- life -----------------------------------------------------------------------------------

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_started = True
        self._facts = {**describe_process(), "started": self._engine.clock()}
        self._engine.notices.on_flush.append(self._note_flush)
        self._beating = self._loop.create_task(self._beat_forever())

    async def stop(self) -> None:
        if not self._is_started:
            return
        self._is_started = False
        self._engine.notices.on_flush.remove(self._note_flush)
        if self._beating is not None:
            self._beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beating
        try:
            await self._run(lambda session: self._layer.housekeeping.stop_server(session, self))
        except LayerUnavailable as error:
            logger.warning(
                "the server could not say goodbye to RabbitMQ (%s): the others will notice, and "
                "run its disconnects",
                error,
            )

    def _note_flush(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._beat_soon)

    def _beat_soon(self) -> None:
        if self._is_started and self._loop is not None:
            self._loop.create_task(self._beat())

    async def _run(self, function: Callable[[Session], Coroutine[Any, Any, Any]]) -> Any:
        return await self._engine.transport.arun(self._engine.run(function))

    async def _beat_forever(self) -> None:
        while True:
            await self._beat()
            await asyncio.sleep(BEAT_EVERY_S if self._is_available else TRY_AGAIN_S)

    async def _beat(self) -> None:
        async with self._one_beat:
            await self._beat_once()

    async def _beat_once(self) -> None:
        try:
            was_known = await self._run(self._show_life)
        except LayerUnavailable:
            self._is_available = False  # the layer has told it
            return
        except Exception:
            logger.exception("looking after the layer failed; trying again")
            return
        if not was_known and self._is_started:
            self._states.clear()
            hooks.meter.link_restarted()
            self._on_lost()
        self._is_available = True

    async def _show_life(self, session: Session) -> bool:
        """Show that the server lives; returns False if the layer had forgotten it: it has begun
        anew then, under a new id."""
        house, was_known = self._layer.housekeeping, True
        boot = await house.find_boot(session, self.server_id)
        if self._boot is not None and boot != self._boot:
            was_known, self._session = False, None
            self.server_id = random_suffix()
            boot = None
        if self._session is not session:
            await self._read_replies(session)
            await house.enter(session, "servers", self.server_id, self._facts)
            boot = await house.find_boot(session, self.server_id)
            self._session = session
        self._boot = boot
        states = [[queue, client, state] for (queue, client), state in self._states.items()]
        if states:
            await self._engine.notices.announce(session, {"states": states})
        await house.keep(session, self.server_id)
        return was_known

    async def worker_ages_s(self) -> dict[str, float]:
        house = self._layer.housekeeping
        ages: dict[str, float] = await self._run(lambda session: house.ages_s(session, "workers"))
        return ages

    # -- replies --------------------------------------------------------------------------------

    async def _read_replies(self, session: Session) -> None:
        for name in self._queues():
            await self._engine.queues.consume(session, name, self._take)

    def _take(self, entry: Entry) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens
                self._loop.call_soon_threadsafe(self._layer.hand_out, entry, self._on_reply)

    # -- sends ----------------------------------------------------------------------------------

    async def send(self, channel: str, message: Content) -> None:
        await self._layer.asend(channel, message)

    async def open_socket(self, client: str, message: Content) -> None:
        channel = self.reply_channel("websocket.send", client)
        path = str(message.get("path", ""))
        house = self._layer.housekeeping
        await self._run(lambda session: house.note_open(session, channel, path))
        try:
            await self._layer.asend("websocket.connect", message)
        except Exception:
            with contextlib.suppress(LayerUnavailable):
                await self._run(lambda session: house.note_closed(session, channel))
            raise

    async def close_socket(
        self, client: str, message: Content, channel: str = "websocket.disconnect"
    ) -> None:
        socket = self.reply_channel("websocket.send", client)
        house, has_left = self._layer.housekeeping, False
        while True:
            try:
                if not has_left:
                    await self._run(lambda session: house.leave_groups(session, socket))
                    has_left = True
                await self._layer.asend(channel, message)
                await self._run(lambda session: house.note_closed(session, socket))
                return
            except (ChannelFull, LayerUnavailable):
                if not self._is_started:
                    raise
            await asyncio.sleep(TRY_AGAIN_S)

    # -- slow and vanished clients --------------------------------------------------------------

    def hold(self, client: str) -> None:
        self._note(client, "held")

    def resume(self, client: str) -> None:
        self._note(client, None)

    def mark_gone(self, client: str) -> None:
        self._note(client, "gone")
        if self._is_started:
            channel = self.reply_channel("http.response", client)
            self._in_background(lambda session: self._engine.groups.discard_all(session, channel))

    def _note(self, client: str, state: str | None) -> None:
        if not self._is_started:
            return
        changes = []
        for queue in self._queues():
            changes.append([queue, client, state])
            self._engine.notices.note(queue, client, state)
            if state is None:
                self._states.pop((queue, client), None)
            else:
                self._states[queue, client] = state
        self._in_background(
            lambda session: self._engine.notices.announce(session, {"states": changes})
        )

    def _in_background(self, function: Callable[[Session], Coroutine[Any, Any, Any]]) -> None:
        """Do what nobody waits for; the next beat tells states again."""
        coroutine = self._engine.run(function)
        future = asyncio.run_coroutine_threadsafe(coroutine, self._engine.transport.loop())
        future.add_done_callback(lambda done: done.exception())
