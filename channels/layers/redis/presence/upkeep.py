"""What an interface server does for its open sockets from time to time."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from channels.exceptions import LayerUnavailable
from channels.layers.redis.ordering.guardian import Guardian
from channels.layers.redis.ordering.sockets import KNOWN_FOR_S, Sockets
from channels.layers.redis.ordering.stuck import Stuck
from channels.layers.redis.presence.disconnects import Disconnects
from channels.layers.redis.presence.own_server import DOUBT_S, OwnServer
from channels.layers.redis.presence.presence import Presence
from channels.layers.redis.presence.rollback import Rollbacks
from channels.layers.redis.transport.lane import SentFrames
from channels.messages import CloseCode

logger = logging.getLogger("channels.layers")

#: What open sockets keep in the layer is renewed this often, well before it would expire.
RENEW_EVERY_S = 21_600.0
#: Ordered sockets are looked after this often; the second, while something runs in them.
LOOK_EVERY_S = (1.0, 0.5)
#: Frames that were taken so much before the first one that is lost are in doubt: they may have been
#: consumed after it. Handshakes that were answered then are not: they were consumed by then.
OLDER_S = DOUBT_S - 0.5
#: So long after the order of a socket was broken, no thread takes a turn of it for known any more.
TURNS_END_AFTER_S = KNOWN_FOR_S + 0.5
#: After connections broke, workers have this long to show that they live.
COMING_BACK_S = 6.0


class Upkeep:
    """Closes sockets that the layer has lost, brings ordered ones on, and lets none expire."""

    def __init__(
        self,
        server: OwnServer,
        presence: Presence,
        sockets: Sockets,
        *,
        guardian: Guardian,
        stuck: Stuck,
        sent: SentFrames,
        rollbacks: Rollbacks,
        disconnects: Disconnects,
        on_reply: Callable[[list[str], dict[str, Any]], None],
    ) -> None:
        self._server, self._presence = server, presence
        self._sockets, self._on_reply = sockets, on_reply
        self._guardian, self._stuck, self._sent = guardian, stuck, sent
        self._rollbacks = rollbacks
        self._disconnects = disconnects
        self._closing: set[asyncio.Task[None]] = set()
        #: The sockets that are closed as Redis has lost its last moments; some may still be open.
        self._doubtful: set[str] = set()
        #: When the connections broke whose loss was told last: more than one lane may notice it.
        self._told_of_s = float("-inf")
        self._renew_at = time.monotonic() + RENEW_EVERY_S

    async def find_lost_sockets(self) -> None:
        """Close the sockets that the layer has forgotten: it was away and came back with data from
        before they were opened, so that they are in no group and could join none. And forget those
        that it has again: it came back with data from before they were closed."""
        server = self._server
        if not server.was_away:
            return
        server.was_away = False
        try:
            await self._close_unknown_sockets()
            await self._disconnects.forget_again()
        except LayerUnavailable:
            server.was_away = True
            raise

    async def _close_unknown_sockets(self) -> None:
        server = self._server
        unknown = await server.run(self._presence.find_unknown(server.id, list(server.sockets)))
        lost = [client for client in unknown if client in server.sockets]
        if not lost:
            return
        logger.error(
            "the layer has forgotten %d sockets of this server: they are closed with 1012",
            len(lost),
        )
        for client in lost:
            await server.run(self._sockets.break_order(server.socket_channel(client)))
        self._on_reply(lost, {"close": int(CloseCode.SERVICE_RESTART)})

    def close_doubtful(self, span_s: float) -> None:
        """Redis has lost its last moments, about `span_s`: tell workers and other servers; close
        the sockets that spoke then, as some of their frames may be lost, and others may run twice;
        and those that opened then, as so may their connect, and the groups that they have joined.
        """
        at_s = asyncio.get_running_loop().time()
        spoke = self._sent.senders(at_s - span_s, at_s)
        clients = self._doubt((*spoke, *self._server.doubt(span_s - OLDER_S)))
        self._spawn(self._end_doubt(clients, spoke, span_s, at_s))

    def close_since(self, lost_since_s: float) -> None:
        """The same, when these moments are known by when the first that is lost was sent."""
        self.close_doubtful(asyncio.get_running_loop().time() - lost_since_s + DOUBT_S)

    def _doubt(self, found: Iterable[str]) -> list[str]:
        """Those of these sockets that are open, and are not being closed for such a loss."""
        self._doubtful &= self._server.sockets
        still_open = [client for client in found if client in self._server.sockets]
        clients = [client for client in dict.fromkeys(still_open) if client not in self._doubtful]
        self._doubtful.update(clients)
        return clients

    def _tell_doubt(self, clients: list[str]) -> None:
        self._told_of_s = self._lost_at_s()
        logger.error(
            "Redis has lost its last moments (it crashed, or another took its place): %d of %d "
            "sockets opened or spoke then, and are closed with 1012, as what they did may be lost; "
            "jobs of that time may be lost, or run twice: workers count theirs as doubtful_count",
            len(clients),
            len(self._server.sockets),
        )

    async def _heed_mark(self, lost_at_s: float) -> None:
        """Another server may have noticed that Redis has lost its last moments, and this one not,
        which had sent nothing in them: what it sent before was taken in them, and comes again."""
        server = self._server
        loss = await server.run(self._rollbacks.find(lost_at_s))
        if loss is None or loss.host != server.host_number:
            return
        now_s = asyncio.get_running_loop().time()
        spoke = self._sent.senders(now_s - loss.since_s, now_s - loss.until_s)
        spoke += (await server.run(self._guardian.find_at_work(server.id)))[0]
        clients = self._doubt((*spoke, *server.doubt(loss.since_s, loss.until_s)))
        if clients:  # it may have noticed itself, and closed them
            self._tell_doubt(clients)
        await self._close(clients)
        await self._give_up_closed(spoke)

    def close_soon(self, clients: list[str]) -> None:
        """Close sockets with 1012."""
        self._spawn(self._close(clients))

    def _spawn(self, closing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(closing)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _end_doubt(
        self, clients: list[str], spoke: list[str], span_s: float, at_s: float
    ) -> None:
        with contextlib.suppress(LayerUnavailable):
            # What had waited for longer was taken in these moments, too; so may have been what
            # Redis takes for waiting, or running, now.
            at_work, waited_s = await self._server.run(self._guardian.find_at_work(self._server.id))
            spoke = [*spoke, *self._sent.senders(at_s - span_s - waited_s, at_s), *at_work]
            clients = [*clients, *self._doubt(spoke)]
            span_s += waited_s
        if clients or self._told_of_s != self._lost_at_s():
            self._tell_doubt(clients)
        with contextlib.suppress(LayerUnavailable):
            await self._server.run(self._rollbacks.mark(span_s, self._server.host_number))
        await self._close(clients)
        await self._give_up_closed(spoke)

    async def _close(self, clients: list[str]) -> None:
        """Close sockets with 1012; nothing but their disconnects may run any more."""
        for client in clients:
            plan = self._sockets.break_order(self._server.socket_channel(client))
            with contextlib.suppress(LayerUnavailable):  # its disconnect waits for its turn then
                await self._server.run(plan)
            self._server.broken.note(client, time.monotonic() + TURNS_END_AFTER_S)
        if clients:
            self._on_reply(clients, {"close": int(CloseCode.SERVICE_RESTART)})

    async def _give_up_closed(self, spoke: list[str]) -> None:
        """Of sockets that spoke and have closed since, nothing but their disconnects may run any
        more: they may wait for a frame, and it would run twice."""
        server = self._server
        for client in spoke:
            if client not in server.sockets:
                with contextlib.suppress(LayerUnavailable):
                    await server.run(self._guardian.give_up(server.id, client))

    async def look_after_forever(self) -> None:
        """Look after ordered sockets, again and again."""
        while True:
            may_be_lost = self._rollbacks.is_due(self._lost_at_s())
            is_busy = self._guardian.is_busy or self._stuck.is_busy or may_be_lost
            await asyncio.sleep(LOOK_EVERY_S[is_busy])
            if self._server.sockets or may_be_lost:
                try:
                    await self.look_after_sockets()
                except Exception:
                    logger.exception("looking after ordered sockets failed; trying again")

    async def look_after_sockets(self) -> None:
        """Bring on ordered sockets whose worker died, or whose next message is lost."""
        now_s, lost_at_s = time.monotonic(), self._lost_at_s()
        if now_s - lost_at_s < COMING_BACK_S:
            self._guardian.doubt()
        server = self._server
        plan = self._guardian.look_after(server.id, now_s)
        with contextlib.suppress(LayerUnavailable):  # of several hosts, that of marks may be away
            await self._heed_mark(lost_at_s)
        try:
            for client in await server.run(plan):
                self._on_reply([client], {"close": int(CloseCode.INTERNAL_ERROR)})
            look, now_s = self._guardian.last_look, asyncio.get_running_loop().time()
            await server.run(self._stuck.bring_on(server.id, server.sockets, look, now_s))
        except LayerUnavailable as error:
            logger.debug("ordered sockets can't be looked after: %s", error)

    def _lost_at_s(self) -> float:
        """When the latest connection broke."""
        return max(host.health.lost_at for host in self._server.hosts)

    async def renew_sockets(self) -> None:
        """Let nothing expire that belongs to sockets which are open, but silent."""
        if time.monotonic() >= self._renew_at:
            await self._server.run(self._presence.renew(self._server.id))
        self._renew_at = time.monotonic() + RENEW_EVERY_S
