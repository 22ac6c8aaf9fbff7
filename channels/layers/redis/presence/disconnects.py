"""How an interface server sends the disconnects of its sockets: none is lost while it lives."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable
from typing import Any, TypeVar

from channels.exceptions import ChannelFull, LayerUnavailable
from channels.layers.backoff import Backoff
from channels.layers.recent import Recent
from channels.layers.redis.ordering.guardian import Guardian
from channels.layers.redis.ordering.sockets import Sockets
from channels.layers.redis.presence.own_server import OwnServer
from channels.layers.redis.presence.presence import Presence
from channels.layers.redis.queues.sending import Sending
from channels.layers.redis.transport.plans import Plan
from channels.layers.time_limit import within

logger = logging.getLogger("channels.layers")

T = TypeVar("T")

#: Between two tries to send a disconnect whose channel is full or away.
DISCONNECT_RETRY_S = (0.05, 2.0)
#: A server that stops waits so long for its last tries.
LAST_TRY_S = 5.0
#: A disconnect that was sent is known for so long: longer than one whose answer was lost is tried
#: again, or the record of its socket may stand.
SENT_KEPT_MS = 120_000
#: A Redis that has lost its last moments may have the sockets again that were forgotten in them: it
#: writes its file every second.
FORGOTTEN_KEPT_S = 3.0
#: With several hosts: the disconnect of a socket waits this long for the host that knows its order
#: and its session, to run as if nothing had been; then it runs without.
ORDER_PATIENCE_S = 30.0


class Disconnects:
    """Sends websocket.disconnect for sockets that have closed, and forgets the sockets."""

    def __init__(
        self,
        server: OwnServer,
        presence: Presence,
        sending: Sending,
        sockets: Sockets,
        guardian: Guardian,
    ) -> None:
        self._server, self._presence, self._sending = server, presence, sending
        self._sockets, self._guardian = sockets, guardian
        self._under_way: set[asyncio.Future[bool]] = set()
        self._is_last_try = asyncio.Event()
        #: (server id, client) of those that Redis was to forget of late.
        self._forgotten: Recent[tuple[str, str], None] = Recent(FORGOTTEN_KEPT_S)

    def start(self) -> None:
        """The server starts, maybe not for the first time."""
        self._is_last_try.clear()

    async def send(
        self, client: str, message: dict[str, Any], channel: str = "websocket.disconnect"
    ) -> None:
        """Send the disconnect of a socket on `channel`; goes on if the caller is cancelled."""
        self._server.note_closed(client)
        task = asyncio.ensure_future(self._send(self._server.id, client, message, channel))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.shield(task)

    async def end(self) -> None:
        """Let each disconnect be tried a last time; what is left then is made up for by others."""
        if not self._under_way:
            return
        self._is_last_try.set()
        tasks = list(self._under_way)
        _, waiting = await asyncio.wait(tasks, timeout=LAST_TRY_S)
        for task in waiting:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        left = sum(is_sent is not True for is_sent in ended)
        if left:
            logger.warning(
                "%d of %d disconnects could not be sent before the server stopped, as their "
                "channel is full or Redis is unreachable: another server or a worker will send "
                "them within a minute",
                left,
                len(tasks),
            )

    async def _send(
        self, server_id: str, client: str, message: dict[str, Any], channel: str
    ) -> bool:
        """Returns whether the disconnect was sent: it is not if the server stops before."""
        operation = self._sending.pack(channel, message)
        await self._wait_for_known_turns(client)
        reply_channel, is_sent, is_broken = message.get("reply_channel") or "", False, True
        try:
            if reply_channel and reply_channel != self._server.socket_channel(client):
                # The layer has lost all it knew of us under an old id, and so whose turn it is.
                server_id = self._server.keyspace.queue(reply_channel).tag
                is_broken = await self._break_order(reply_channel)
            # It may have been sent before its answer was lost; or another server has made it up.
            name = reply_channel or self._server.socket_channel(client)
            await self._insist(lambda: self._sending.send_once(operation, name, SENT_KEPT_MS))
            is_sent = True
            if not is_broken:
                await self._insist(lambda: self._sockets.break_order(reply_channel))
                # It may have come meanwhile, and wait for its turn.
                await self._insist(lambda: self._guardian.give_up(server_id, client))
            await self._insist(lambda: self._presence.forget_socket(server_id, client))
            self.note_forgotten(server_id, client)
        except (ChannelFull, LayerUnavailable) as error:
            logger.debug("a disconnect of %s was not completed: %s", reply_channel, error)
        return is_sent

    async def _wait_for_known_turns(self, client: str) -> None:
        """Of a socket whose order was broken, a frame that is queued may run without asking (see
        KnownTurns in reader.py): its disconnect, which runs at once, comes after that."""
        until_s = self._server.broken.get(client)
        if until_s is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await within(max(until_s - time.monotonic(), 0.0), self._is_last_try.wait())

    def note_forgotten(self, server_id: str, client: str) -> None:
        """Redis has no record of a socket any more, or should have none."""
        self._forgotten.note((server_id, client), None)

    async def forget_again(self) -> None:
        """Redis was away, and may be back with older data: forget the sockets once more that it has
        again. Their disconnects, which were sent before that, have run, or come again as well."""
        server = self._server
        clients = [client for server_id, client in self._forgotten if server_id == server.id]
        unknown = set(await server.run(self._presence.find_unknown(server.id, clients)))
        back = [client for client in clients if client not in unknown]
        if not back:
            return
        logger.warning(
            "Redis has %d sockets again that had closed, as it lost its last moments: they are "
            "forgotten once more",
            len(back),
        )
        for client in back:
            await server.run(self._presence.forget_socket(server.id, client))

    async def _break_order(self, reply_channel: str) -> bool:
        """Let nothing but a socket's disconnect run; returns whether it is so. If the server has
        moved off the host that has the order, that is not waited for any longer than need be."""
        place = self._sockets.place_of(reply_channel)
        has_moved = place.host != self._server.host_number
        patience_s = ORDER_PATIENCE_S if has_moved else math.inf
        try:
            await self._insist(lambda: self._sockets.break_order(reply_channel), patience_s)
        except LayerUnavailable:
            if not has_moved:
                raise
            return False
        return True

    async def _insist(self, make_plan: Callable[[], Plan[T]], patience_s: float = math.inf) -> T:
        """Run a plan until neither a full channel nor an absent Redis stops it, or `patience_s`
        are over; when the server stops, once more."""
        backoff = Backoff(*DISCONNECT_RETRY_S)
        ends_at = time.monotonic() + patience_s
        while True:
            is_last = self._is_last_try.is_set() or time.monotonic() >= ends_at
            try:
                return await self._server.run(make_plan())
            except (ChannelFull, LayerUnavailable) as error:
                if is_last:
                    raise
                logger.debug("a disconnect waits: %s", error)
            with contextlib.suppress(asyncio.TimeoutError):
                await within(backoff.next_s(), self._is_last_try.wait())
