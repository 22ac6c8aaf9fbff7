"""The signs of life of an interface server, and what it does each time it gives one."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from channels.exceptions import LayerUnavailable, PrefixTaken
from channels.layers import names
from channels.layers.drops import Drops
from channels.layers.redis.presence import presence as presence_times
from channels.layers.redis.presence.beats import Beat, Beats
from channels.layers.redis.presence.own_server import OwnServer
from channels.layers.redis.presence.presence import (
    BEAT_EVERY_S,
    COUNT_EVERY_S,
    COUNT_OFTEN_S,
    LONGEST_GAP_S,
    Presence,
)
from channels.layers.redis.presence.registry import Registry
from channels.layers.redis.transport.lane import KEPT_S, SentFrames
from channels.layers.time_limit import within
from channels.layers.watch import CalmWatch
from channels.startup.identity import describe_process

logger = logging.getLogger("channels.layers")

#: With several hosts: a server whose own one is away for this long moves to another.
MOVE_AFTER_S = 2.0
#: One that is silent is waited for longer: it may only stand still for a moment, and it would cost
#: all sockets of the server. But requests go nowhere meanwhile.
SILENT_MOVE_AFTER_S = 6.0
#: The same for a partition of a cluster: a replica takes its master's place, `cluster-node-timeout`
#: (15 s, if nobody has set it) and a moment after that has died.
CLUSTER_MOVE_AFTER_S = 30.0


class Heartbeat:
    """Shows that a server lives; cleans up after dead ones; notices that the layer forgot it.

    Args:
        server: the OwnServer.
        presence, registry, prefix: of the layer.
        drops: is told to sum up with each sign of life.
        sent: the frames that Redis has taken from the server.
        chores: what is to be done after each, a list of functions that return awaitables.
        begin_anew: is called with the server's new id when the layer has forgotten the old one.
        on_loss: is called when the layer has forgotten its last moments, with when they began.
    """

    def __init__(
        self,
        server: OwnServer,
        presence: Presence,
        registry: Registry,
        prefix: str,
        drops: Drops,
        sent: SentFrames,
        *,
        chores: Sequence[Callable[[], Awaitable[None]]],
        begin_anew: Callable[[str], None],
        on_loss: Callable[[float], None],
    ) -> None:
        self._server, self._presence = server, presence
        self._registry, self._prefix, self._drops = registry, prefix, drops
        self._sent = sent
        self._chores, self._begin_anew = chores, begin_anew
        self._on_loss = on_loss
        self._watch = CalmWatch(LONGEST_GAP_S)
        self._has_neighbours_checked = False
        self._beats = Beats()
        self._started = time.time()

    async def beat_forever(self) -> None:
        """Give a sign of life every few seconds, and at once when the host is back."""
        while True:
            try:
                await self._beat()
                for chore in self._chores:
                    await chore()
                self._drops.sum_up()
            except LayerUnavailable as error:
                logger.debug("no sign of life could be given: %s", error)
                self.move_if_host_is_away()
                await asyncio.sleep(self._server.host.health.retry_in_s or 0.05)
                continue
            except PrefixTaken:
                pass  # which was told
            except Exception:
                logger.exception("giving a sign of life failed; trying again")
            await self._rest()

    async def _rest(self) -> None:
        """Until the next sign of life is due."""
        is_back, ends_at = self._server.is_back, time.monotonic() + BEAT_EVERY_S
        while not is_back.is_set() and time.monotonic() < ends_at:
            with contextlib.suppress(asyncio.TimeoutError):
                await within(min(self._pause_s(), ends_at - time.monotonic()), is_back.wait())
                break
            if self._server.sockets and time.monotonic() < ends_at:
                with contextlib.suppress(LayerUnavailable):  # the next sign of life is told so
                    await self._count()
        is_back.clear()

    def _pause_s(self) -> float:
        """How long until the next small sign of life is due."""
        quiet_s = asyncio.get_running_loop().time() - self._sent.latest_at_s
        return COUNT_OFTEN_S if quiet_s < KEPT_S else COUNT_EVERY_S

    async def _count(self) -> None:
        """Date the moment: what Redis loses later began before it, or after."""
        server_id, beat = self._server.id, self._beats.give(time.monotonic())
        plan = self._presence.count(server_id, beat.number, beat.answered)
        await self._note_answer(server_id, beat, await self._server.run(plan))

    async def beat_once_more(self) -> None:
        """Give one sign of life more, as the server has a new id."""
        try:
            await self._beat()
        except (LayerUnavailable, PrefixTaken) as error:
            logger.debug("no sign of life could be given: %s", error)

    async def _beat(self) -> None:
        facts = {**describe_process(), "started": self._started}
        if not self._has_neighbours_checked:
            await self._check_neighbours(facts["project"])
        server_id, beat = self._server.id, self._beats.give(time.monotonic())
        plan = self._presence.beat(server_id, facts, beat.number, beat.answered)
        known, dead = await self._server.run(plan)
        if not await self._note_answer(server_id, beat, known):
            return
        knows_who_lives = self._watch.note(time.monotonic()) >= presence_times.WATCHED_FOR_S
        for dead_id in dead if knows_who_lives else ():
            count = await self._server.run(self._presence.bury(dead_id))
            if count is not None:
                logger.warning(
                    "interface server %s is dead: %d disconnects made up for it", dead_id, count
                )

    async def _note_answer(self, server_id: str, beat: Beat, known: int) -> bool:
        """Returns whether Redis has taken this beat: it has lost none that it had answered."""
        if server_id != self._server.id:
            return False
        if self._beats.note_answer(beat, known):
            return True
        since_s = self._beats.find_loss(known)
        if since_s is None:
            self._forget_everything()
        else:
            self._beats.go_on_from(known)
            self._on_loss(since_s)
            await self._beat()
        return False

    async def _check_neighbours(self, project: Any) -> None:
        """Serve nobody as long as processes of another project live under our prefix."""
        server = self._server
        try:
            await server.run(self._registry.check_neighbours(self._prefix, project))
        except PrefixTaken as error:
            if server.refusal is None:
                logger.error("%s. Until then, requests and new sockets get 503", error)
            server.refusal = error
            raise
        except LayerUnavailable as error:  # of several hosts, that of the registry may be away
            logger.debug("who else uses the layer is not known: %s", error)
            return
        self._has_neighbours_checked = True
        if server.refusal is not None:
            logger.warning("the prefix %r is free", self._prefix)
        server.refusal = None

    def _forget_everything(self) -> None:
        """The layer lost our state, so every socket is cut off from its groups: begin anew."""
        logger.error("the layer has forgotten this server: its sockets are closed with 1012")
        self._move_to(names.random_suffix())

    def move_if_host_is_away(self) -> None:
        """With several hosts: be a new server on one that is there, if our own one stays away."""
        hosts, own = self._server.hosts, self._server.host
        patience_s = SILENT_MOVE_AFTER_S if own.health.is_silent else MOVE_AFTER_S
        if own.is_of_cluster:
            patience_s = CLUSTER_MOVE_AFTER_S
        if own.health.down_for_s < patience_s:
            return
        if all(host.health.is_down for host in hosts):
            return
        logger.error(
            "Redis at %s, which this server's replies come from, is away for %.0f s: the server "
            "moves to another host; its sockets are closed with 1012",
            own.name,
            own.health.down_for_s,
        )
        host_of = self._server.keyspace.host_of
        ids = iter(names.random_suffix, None)
        self._move_to(next(i for i in ids if not hosts[host_of(i)].health.is_down))

    def _move_to(self, server_id: str) -> None:
        self._beats.begin_anew()
        self._begin_anew(server_id)
