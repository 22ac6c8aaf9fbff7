"""`LocalLink`: an interface server's side of the local layer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from channels.exceptions import ChannelFull, ChannelsError, LayerUnavailable
from channels.layers.contract import OnReply, ServerLink
from channels.layers.local.queues import StoredEntry
from channels.layers.local.reader import Search, search_async
from channels.layers.local.servers import reply_queues
from channels.layers.local.store import Store
from channels.layers.local.wakeups import TaskSleeper
from channels.layers.local.worker_link import ages_s
from channels.layers.names import random_suffix
from channels.messages import Content, WebsocketReceive
from channels.metrics import hooks
from channels.startup.identity import describe_process

if TYPE_CHECKING:
    from channels.layers.local.layer import LocalChannelLayer
    from channels.layers.operations import Operation

logger = logging.getLogger("channels.layers")

#: Messages of each reply queue that are handed out before the loop goes on to other work.
BATCH = 100
#: Seconds between two signs of life.
BEAT_EVERY_S = 2.0
#: Seconds between two attempts to send a disconnect to a full channel, or to reach the layer.
TRY_AGAIN_S = 0.1
#: The address of a server that has stopped, and left disconnects that others are to send.
NOWHERE = "stopped.sock"


class LocalLink(ServerLink):
    """What an interface server of this machine holds of the layer; see ServerLink."""

    def __init__(
        self,
        layer: LocalChannelLayer,
        server_id: str,
        on_reply: OnReply,
        on_lost: Callable[[], None],
    ) -> None:
        self.server_id = server_id
        self._layer = layer
        self._on_reply = on_reply
        self._on_lost = on_lost
        self._is_available = False
        self._is_started = False
        self._tasks: list[asyncio.Task[None]] = []
        self._sleeper: TaskSleeper | None = None
        self._outgoing: list[tuple[Any, asyncio.Future[Any]]] = []
        #: States of clients that could not be written: the layer was away.
        self._unsaved: dict[tuple[str, str], str | None] = {}
        self._facts: dict[str, Any] = {}

    @property
    def is_available(self) -> bool:
        return self._is_available

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._is_started = True
        self._facts = {**describe_process(), "started": self._layer.clock()}
        with contextlib.suppress(LayerUnavailable):
            self._enter()
        self._tasks = [loop.create_task(self._drain()), loop.create_task(self._beat())]

    async def stop(self) -> None:
        if not self._is_started:
            return
        self._is_started = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            self._layer.run(self._leave)
        except LayerUnavailable as error:
            logger.warning(
                "the server could not say goodbye to the channel layer (%s): the others will "
                "notice, and run its disconnects",
                error,
            )
        if self._sleeper is not None:
            self._sleeper.close()
            self._sleeper = None

    def _leave(self, store: Store) -> None:
        self._layer.housekeeping(store).silence_server(self.server_id)
        if store.servers.count_sockets(reply_queues(self.server_id)[1]):
            facts = self._layer.codec.pack_value(self._facts, "facts of a process")
            store.servers.enter("server", self.server_id, NOWHERE, facts)
        else:
            store.servers.leave("server", self.server_id)
        if self._sleeper is not None:
            store.servers.unsubscribe(self._sleeper.name)

    # -- signs of life --------------------------------------------------------------------------

    def _enter(self) -> None:
        """Enter this server into the registry. Raises LayerUnavailable."""
        self._run(self._enter_store)

    def _enter_store(self, store: Store) -> None:
        facts = self._layer.codec.pack_value(self._facts, "facts of a process")
        store.servers.enter("server", self.server_id, store.owner, facts)
        for queue in reply_queues(self.server_id):
            store.servers.set_state(queue, "", "live")

    def _run(self, function: Callable[[Store], Any]) -> Any:
        """Run a transaction, and note whether the layer can be reached."""
        try:
            result = self._layer.run(function)
        except LayerUnavailable:
            self._is_available = False
            raise
        self._is_available = True
        return result

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_EVERY_S if self._is_available else TRY_AGAIN_S)
            try:
                self._layer.make_reachable()
                self._check_entry()
                self._layer.bells.remove_dead()
            except LayerUnavailable as error:
                logger.debug("no sign of life: %s", error)
            except Exception:
                logger.exception("looking after the layer failed; trying again")

    def _check_entry(self) -> None:
        """Show that the server lives. If the layer has forgotten it, begin anew."""
        was_entered = self._run(self._show_life)
        if not was_entered:
            self.server_id = random_suffix()
            self._unsaved.clear()
            self._enter()
            self._tasks[0].cancel()
            self._tasks[0] = asyncio.get_running_loop().create_task(self._drain())
            hooks.meter.link_restarted()
            self._on_lost()

    def _show_life(self, store: Store) -> bool:
        if not store.servers.is_entered("server", self.server_id):
            return False
        self._enter_store(store)
        for (queue, client), state in self._unsaved.items():
            store.servers.set_state(queue, client, state)
        self._unsaved.clear()
        self._layer.housekeeping(store).keep()
        return True

    # -- replies ------------------------------------------------------------------------------

    async def _drain(self) -> None:
        queues = reply_queues(self.server_id)
        while True:
            try:
                if self._sleeper is None:
                    self._sleeper = self._layer.make_sleeper(TaskSleeper)
                for entry in await self._next_batch(queues):
                    self._layer.hand_out(entry, self._on_reply)
                await asyncio.sleep(0)
            except LayerUnavailable:
                await asyncio.sleep(TRY_AGAIN_S)

    async def _next_batch(self, queues: list[str]) -> Iterable[StoredEntry]:
        """The replies that are there, as soon as there are any; also looks, each time it is woken,
        whether the layer still knows this server."""
        assert self._sleeper is not None
        is_known = True

        def attempt(store: Store) -> list[StoredEntry] | None:
            nonlocal is_known
            batch = store.take_batch(queues, BATCH)
            if batch is None:
                is_known = store.servers.is_live(queues[0])
            return batch if is_known else []

        quest: Search[list[StoredEntry]] = Search(self._layer, queues, attempt)
        batch = await search_async(quest, self._sleeper)
        if not is_known and self._is_available:
            asyncio.get_running_loop().call_soon(self._look_after_loss)
            await asyncio.sleep(TRY_AGAIN_S)
        return batch

    def _look_after_loss(self) -> None:
        if self._is_started:
            with contextlib.suppress(LayerUnavailable):
                self._check_entry()

    # -- sends --------------------------------------------------------------------------------

    async def send(self, channel: str, message: Content) -> None:
        await self._post(self._layer.prepare_send(channel, message))

    def send_frame(self, message: WebsocketReceive) -> asyncio.Future[None]:
        # A transaction takes effect as a whole or not at all: no frame need be numbered.
        try:
            return self._post(self._layer.prepare_send("websocket.receive", message))
        except ChannelsError as error:
            failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            failed.set_exception(error)
            return failed

    def _post(self, operation: Operation | Callable[[Store], Any]) -> asyncio.Future[None]:
        """Send with all that is sent in this pass of the loop, in one transaction."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        if not self._outgoing:
            loop.call_soon(self._send_all)
        self._outgoing.append((operation, future))
        return future

    def _send_all(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        operations = [operation for operation, _ in outgoing]
        try:
            results = self._run(
                lambda store: [_call_or_carry_out(store, each) for each in operations]
            )
        except Exception as error:
            results = [error] * len(outgoing)
        for (_, future), result in zip(outgoing, results, strict=True):
            if future.done():
                continue
            if result is None:
                future.set_result(None)
            else:
                future.set_exception(result)

    async def open_socket(self, client: str, message: Content) -> None:
        queue = reply_queues(self.server_id)[1]
        send = self._layer.prepare_send("websocket.connect", message)

        def open_and_send(store: Store) -> Any:
            refusal = store.carry_out(send)
            if refusal is None:
                store.servers.open_socket(queue, client, str(message.get("path", "")))
            return refusal

        await self._post(open_and_send)

    async def close_socket(
        self, client: str, message: Content, channel: str = "websocket.disconnect"
    ) -> None:
        send = self._layer.prepare_send(channel, message)
        of_requests, of_sockets = reply_queues(self.server_id)

        def send_and_forget(store: Store) -> Any:
            for queue in (of_requests, of_sockets):
                store.groups.discard_all(queue + client)
            refusal = store.carry_out(send)
            if refusal is None:
                store.servers.forget_socket(of_sockets, client)
            return refusal

        while True:
            try:
                return await self._post(send_and_forget)
            except (ChannelFull, LayerUnavailable):
                if not self._is_started:
                    raise
            await asyncio.sleep(TRY_AGAIN_S)

    # -- slow and vanished clients ------------------------------------------------------------

    async def worker_ages_s(self) -> dict[str, float]:
        return ages_s(self._layer, "workers")

    def hold(self, client: str) -> None:
        self._note(client, "held")

    def resume(self, client: str) -> None:
        self._note(client, None)

    def mark_gone(self, client: str) -> None:
        self._note(client, "gone")

    def _note(self, client: str, state: str | None) -> None:
        """Let senders know the state of a client; it leaves its groups if it has gone."""
        if not self._is_started:
            return
        queues = reply_queues(self.server_id)

        def note(store: Store) -> None:
            for queue in queues:
                store.servers.set_state(queue, client, state)
                if state == "gone":
                    store.groups.discard_all(queue + client)

        try:
            self._run(note)
        except LayerUnavailable:
            for queue in queues:
                self._unsaved[queue, client] = state


def _call_or_carry_out(store: Store, operation: Operation | Callable[[Store], Any]) -> Any:
    return operation(store) if callable(operation) else store.carry_out(operation)
