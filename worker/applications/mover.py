"""Sends instances to other workers: all of them at the end, a few when others have fewer."""

from __future__ import annotations

import asyncio
import collections
import logging
from collections.abc import Collection
from typing import TYPE_CHECKING

from channels.exceptions import LayerUnavailable
from channels.layers.time_limit import within
from channels.metrics import hooks
from worker.applications.placement import Room, plan_moves

if TYPE_CHECKING:
    from channels.layers.worker_link import WorkerLink
    from worker.applications.instance import SocketInstance

logger = logging.getLogger("django.channels")

#: Instances that are on their way to another worker at the same time.
MOVING_AT_ONCE = 24
#: Seconds between two looks at what other workers host.
EVEN_OUT_EVERY_S = 4.0
#: If one is not taken within so many seconds, the others need not wait for one another.
WANTED_WITHIN_S = 1.0

#: An instance waits so long for a server or a layer that stands still, and it is looked so often
#: whether it still does: what is over within `websocket_patience` closes no socket.
PATIENCE_S, LOOK_AGAIN_S = 30.0, 0.2

#: What can come of a hand-over, as metrics and the status show it: the instance was sent on its
#: way; it came here from another worker; it can't travel; it came, and could not be put back.
GIVEN, TAKEN, STAYED, FAILED = "given", "taken", "stayed", "failed"


class Mover:
    """Moves the instances of one worker. Used on its event loop.

    Args:
        link: tells what other workers host.
        instances: those that are hosted here.
        room: is told whether there are more of them than elsewhere.

    Attributes:
        counts: how often each of GIVEN, TAKEN, STAYED and FAILED has happened.
    """

    def __init__(self, link: WorkerLink, instances: dict[str, SocketInstance], room: Room) -> None:
        self._link, self._instances, self._room = link, instances, room
        #: The instances that are on their way, by reply channel; set once another worker has them.
        self._moving: dict[str, asyncio.Event] = {}
        self._is_wanted = True
        self.counts: collections.Counter[str] = collections.Counter()

    def note(self, result: str) -> None:
        """Something has come of a hand-over."""
        self.counts[result] += 1
        hooks.meter.handed_over(result)

    def note_moved(self, reply_channel: str) -> None:
        """Another worker has a socket that was ours."""
        moved = self._moving.get(reply_channel)
        if moved is not None:
            moved.set()

    async def move_all(self, ends_at: float) -> None:
        """Move the instances, some at a time: none is to wait long for its new worker.

        Handlers may run until `ends_at`. An instance that waits for nothing but its interface
        server or the layer, which may stand still just now, has longer.
        """
        self._is_wanted = True
        waiting = list(reversed(self._instances.values()))
        latest = max(ends_at, asyncio.get_running_loop().time() + PATIENCE_S)

        async def move_on() -> None:
            while waiting:
                await self._move(waiting.pop(), ends_at, latest)

        await asyncio.gather(*(move_on() for _ in range(MOVING_AT_ONCE)))

    async def even_out_forever(self) -> None:
        """Give sockets to workers that have fewer, a few at a time."""
        while True:
            await asyncio.sleep(EVEN_OUT_EVERY_S)
            try:
                await self._even_out(await self._link.loads())
            except LayerUnavailable as error:
                logger.debug("what other workers host is not known: %s", error)
            except Exception:
                logger.exception("evening out failed; trying again")

    async def _even_out(self, all_loads: Collection[int]) -> None:
        count = plan_moves(len(self._instances), all_loads)
        self._room.is_above_average = count > 0
        self._is_wanted = True
        # What comes for a socket is held until its handler has ended: not for this.
        movable = [one for one in self._instances.values() if one.waits_for_others]
        ends_at = asyncio.get_running_loop().time() + EVEN_OUT_EVERY_S
        await asyncio.gather(*(self._move(one, ends_at) for one in movable[:count]))
        if not self._is_wanted:  # whoever was to have them is full, or gone: they come back
            self._room.is_above_average = False

    async def _move(self, instance: SocketInstance, ends_at: float, latest: float = 0.0) -> None:
        task, loop = instance.task, asyncio.get_running_loop()
        if task is None or task.done():
            return
        moved = self._moving[instance.channel_name] = asyncio.Event()
        started = loop.time()
        instance.ask_to_move()
        await asyncio.wait([task], timeout=max(ends_at - started, 0.0))
        while not task.done() and instance.waits_for_others and loop.time() < latest:
            await asyncio.wait([task], timeout=LOOK_AGAIN_S)
        if task.done() and self._is_wanted:
            try:
                await within(WANTED_WITHIN_S, moved.wait())
                hooks.meter.hand_over_took(loop.time() - started)
            except asyncio.TimeoutError:
                self._is_wanted = False  # they wait until there is another worker
        self._moving.pop(instance.channel_name, None)
