"""Who lives, and what time and dead processes leave to be done; any process does it."""

from __future__ import annotations

import asyncio
import collections
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from channels.layers import names
from channels.layers import operations as ops
from channels.layers.memory.sockets import PATIENCE_S
from channels.layers.memory.store import CLOSE_LOST, SOCKET_CHANNELS
from channels.layers.names import REPLY_KINDS, reply_channel_name
from channels.layers.rabbitmq.drawers import Held, Record
from channels.layers.rabbitmq.engine import Engine
from channels.layers.rabbitmq.sockets import KeptOrder, record_of

if TYPE_CHECKING:
    from channels.layers.rabbitmq.link import RabbitmqLink
    from channels.layers.rabbitmq.transport import Session

logger = logging.getLogger("channels.layers")

#: Seconds between two rounds, whichever process makes them.
ROUND_EVERY_S = 2.0
#: Whose round takes longer gives a sign of life so often meanwhile.
SIGN_EVERY_S = 2.0
#: Ordered sockets are looked at less often: each drawer has to be opened for it.
SOCKETS_EVERY_S = 6.0
#: A server whose queues nobody reads is dead after so many seconds: it may be reconnecting.
DEAD_AFTER_S = 15.0
#: A worker that is in no registry is dead when what it runs has not moved for so many seconds.
UNKNOWN_FOR_S = 9.0
#: A message that was set free and that nobody began for so many seconds is handed out again.
FREED_FOR_S = 10.0
#: Seconds for which the record of a closed socket is kept: it can join no group meanwhile.
CLOSED_FOR_S = 600.0
#: What a client gets to see of a socket whose server died: "abnormal closure" (RFC 6455, 7.4.1).
ABNORMAL = 1006


class Round(NamedTuple):
    """What one process looks at for all of them."""

    now: float
    #: "servers", "workers" and "processes" -> id -> what the registry has of it.
    known: dict[str, dict[str, Any]]
    #: Whether it is the turn of ordered sockets, too.
    has_sockets: bool


class Housekeeping:
    """What is kept in the registry, and what is done by it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._drawers, self._topology = engine.drawers, engine.topology

    # -- the registry ---------------------------------------------------------------------------

    async def enter(self, session: Session, kind: str, process_id: str, facts: Record) -> None:
        """Show that a process lives; `kind` is "servers", "workers" or "processes": those that have
        channels of their own."""
        async with self._drawers.open(session, "registry") as state:
            self._enter(state, session, kind, process_id, facts)

    def _enter(self, state: Held, session: Session, kind: str, name: str, facts: Record) -> None:
        entry = {"facts": facts, "seen": self._engine.clock(), "notice_queue": session.notice_queue}
        state.setdefault(kind, {})[name] = entry

    async def leave(self, session: Session, kind: str, process_id: str) -> None:
        async with self._drawers.open(session, "registry") as state:
            state.get(kind, {}).pop(process_id, None)

    async def ages_s(self, session: Session, kind: str) -> dict[str, float]:
        """The seconds since the last sign of life of each process of a kind."""
        now = self._engine.clock()
        async with self._drawers.open(session, "registry") as state:
            return {
                name: max(now - each["seen"], 0.0) for name, each in state.get(kind, {}).items()
            }

    async def find_boot(
        self, session: Session, process_id: str, kind: str = "servers"
    ) -> str | None:
        """What tells this broker, since its start, from another one; None if it does not know a
        process, which gives a sign of life by this."""
        async with self._drawers.open(session, "registry") as state:
            entry = state.get(kind, {}).get(process_id)
            if entry is None:
                return None
            entry.update(seen=self._engine.clock(), notice_queue=session.notice_queue)
            boot: str = state["boot"]
            return boot

    async def processes(self, session: Session, kind: str) -> list[dict[str, Any]]:
        """The living processes of a kind."""
        async with self._drawers.open(session, "registry") as state:
            entries = dict(state.get(kind, {}))
        return [
            {"id": name, "seen_s": max(self._engine.clock() - each["seen"], 0.0), **each["facts"]}
            for name, each in sorted(entries.items())
            if await self._is_alive(session, each["notice_queue"])
        ]

    @staticmethod
    async def _is_alive(session: Session, notice_queue: str) -> bool:
        return await session.count(notice_queue) is not None

    # -- sockets of servers ---------------------------------------------------------------------

    async def note_open(self, session: Session, channel: str, path: str) -> None:
        async with self._drawers.open(session, self._drawers.of_socket(channel)) as state:
            record_of(state, channel)["open"] = path

    async def note_closed(self, session: Session, channel: str) -> None:
        await self.leave_groups(session, channel)
        async with self._drawers.open(session, self._drawers.of_socket(channel)) as state:
            record_of(state, channel).pop("open", None)

    async def leave_groups(self, session: Session, channel: str) -> None:
        """Take a socket that closes out of its groups; it joins no other."""
        async with self._drawers.open(session, self._drawers.of_socket(channel)) as state:
            record_of(state, channel)["closed"] = self._engine.clock()
        await self._engine.groups.discard_all(session, channel)

    async def stop_server(self, session: Session, link: RabbitmqLink) -> None:
        """A server stops: nothing of it stays behind, but for sockets whose disconnect it could not
        send. Those are made up for."""
        if await self._let_go(session, link.server_id):
            await self.leave(session, "servers", link.server_id)

    async def _let_go(self, session: Session, server_id: str) -> bool:
        """Silence a server, and make up for its disconnects; returns whether all is done."""
        queues = [reply_channel_name(kind, server_id, "") for kind in REPLY_KINDS]
        gone = [[queue, "", "gone"] for queue in queues]
        await self._engine.notices.announce(session, {"states": gone})
        channel = await session.open_channel()
        for name in queues:
            for queue in (self._topology.main(name), self._topology.front(name)):
                await channel.queue_delete(queue)
            session.declared.discard(name)
        await channel.close()
        is_done = True
        for drawer in self._drawers.names_of("sockets"):
            async with self._drawers.open(session, drawer) as state:
                ours = {
                    channel: dict(record)
                    for channel, record in state.items()
                    if names.queue_name(channel) in queues
                }
            for channel, record in ours.items():
                await self.leave_groups(session, channel)
                if "open" in record:
                    is_done &= await self._make_up_disconnect(session, channel, record)
        return is_done

    async def _make_up_disconnect(self, session: Session, channel: str, record: Record) -> bool:
        order = KeptOrder(record, 1) if "order" in record else None
        number = 1 if order is None else order.next + (order.running is not None)
        message = {
            "reply_channel": channel,
            "code": ABNORMAL,
            "path": record["open"],
            "order": number,
        }
        send = self._engine.layer.prepare_send("websocket.disconnect", message)
        if await self._engine.carry_out(session, send) is not None:
            return False
        async with self._drawers.open(session, self._drawers.of_socket(channel)) as state:
            kept = record_of(state, channel)
            kept.pop("open", None)
            parked = []
            if "order" in kept:
                order = KeptOrder(kept, 1)
                parked = _give_up(order)
        await self._engine.sockets.release_parked(session, parked)
        return True

    # -- rounds ---------------------------------------------------------------------------------

    async def keep(self, session: Session, server_id: str) -> None:
        """Do what is due, if nobody else has done it just now; a server that lives does it."""
        async with self._drawers.open(session, "registry") as state:
            due = self._begin_round(state)
        if due is not None:
            await self._go_round_alive(session, due, "servers", server_id)

    async def keep_as_worker(self, session: Session, worker_id: str, facts: Record) -> None:
        """The same, and show that a worker lives."""
        async with self._drawers.open(session, "registry") as state:
            self._enter(state, session, "workers", worker_id, facts)
            due = self._begin_round(state)
        if due is not None:
            await self._go_round_alive(session, due, "workers", worker_id)

    def _begin_round(self, state: Held) -> Round | None:
        """What is to be looked at now; None if somebody else has done it just now."""
        now = self._engine.clock()
        if state.get("round", 0.0) <= now < state.get("round", 0.0) + ROUND_EVERY_S:
            return None
        state["round"] = now
        late = state.get("late", {})
        state["late"] = {queue: end for queue, end in late.items() if end > now}
        sockets_at = state.get("sockets_round", 0.0)
        has_sockets = not sockets_at <= now < sockets_at + SOCKETS_EVERY_S
        if has_sockets:
            state["sockets_round"] = now
        known = {kind: dict(state.get(kind, {})) for kind in ("servers", "workers", "processes")}
        return Round(now, known, has_sockets)

    async def _go_round_alive(self, session: Session, due: Round, kind: str, name: str) -> None:
        """Make a round; the process that does so shows that it lives, however long it takes."""
        going = asyncio.ensure_future(self._go_round(session, due))
        try:
            while not (await asyncio.wait([going], timeout=SIGN_EVERY_S))[0]:
                await self.find_boot(session, name, kind)  # which is a sign of life
        finally:
            await going

    async def _go_round(self, session: Session, due: Round) -> None:
        self._engine.notices.forget_old()
        await self._engine.statistics.write(session)
        living = set()
        for worker_id, entry in due.known["workers"].items():
            if await self._is_alive(session, entry["notice_queue"]):
                living.add(worker_id)
            else:
                logger.warning("worker %s is dead: what it ran is lost", worker_id)
                await self.leave(session, "workers", worker_id)
        for server_id, entry in due.known["servers"].items():
            await self._look_at_server(session, server_id, entry, due.now)
        for queue, entry in due.known["processes"].items():
            await self._look_at_process(session, queue, entry, due.now)
        if due.has_sockets:
            await self._look_at_sockets(session, living, due.now)

    async def _look_at_server(
        self, session: Session, server_id: str, entry: Record, now: float
    ) -> None:
        queue = self._topology.main(reply_channel_name("websocket.send", server_id, ""))
        found = await session.count(queue)
        is_there = found is not None and found[1] > 0
        if await self._is_dead(session, "servers", server_id, entry, is_there, now):
            logger.warning("interface server %s is dead: making up for its sockets", server_id)
            if await self._let_go(session, server_id):
                await self.leave(session, "servers", server_id)

    async def _look_at_process(
        self, session: Session, queue: str, entry: Record, now: float
    ) -> None:
        is_there = await self._is_alive(session, entry["notice_queue"])
        if await self._is_dead(session, "processes", queue, entry, is_there, now):
            logger.info("the process that read %s is dead: it leaves its groups", queue)
            await self._engine.groups.discard_queue(session, queue)
            await self.leave(session, "processes", queue)

    async def _is_dead(
        self, session: Session, kind: str, name: str, entry: Record, is_there: bool, now: float
    ) -> bool:
        """Whether a process has been away for so long that it is dead; notes since when it is."""
        missed = entry.get("missed")
        if is_there != (missed is None):
            async with self._drawers.open(session, "registry") as state:
                if name in state.get(kind, {}):
                    state[kind][name]["missed"] = None if is_there else now
            return False
        return missed is not None and bool(missed + DEAD_AFTER_S <= now)

    async def _look_at_sockets(self, session: Session, living: set[str], now: float) -> None:
        """Bring on ordered sockets whose worker died, or whose next message was lost."""
        oldest_at: float | None = None
        for drawer in self._drawers.names_of("sockets"):
            async with self._drawers.open(session, drawer) as state:
                freed, closed, parked = [], [], []
                for channel, record in list(state.items()):
                    if self._is_over(record, now):
                        del state[channel]
                    elif "order" in record and record["order"][0] == "in order":
                        order = KeptOrder(record, 0)
                        if self._is_stuck(order, now):
                            oldest_at = oldest_at or await self._oldest_queued_at(session)
                        freed += self._bring_on(channel, order, living, now)
                        if self._is_stuck(order, now) and (oldest_at or now) > order.moved_at:
                            logger.error(
                                "socket %s is given up: its message %d did not come",
                                channel,
                                order.next,
                            )
                            closed.append(channel)
                            parked += _give_up(order)
            for entry in freed:
                await self._engine.queues.to_front(session, self._engine.queues.unparked(entry))
            if not await self._engine.sockets.release_parked(session, parked):
                for channel in closed:
                    await self._engine.carry_out(session, ops.Send(channel, CLOSE_LOST))

    def _is_over(self, record: Record, now: float) -> bool:
        if record.get("groups") or "open" in record:
            return False
        ends = [
            record.get("forgotten", 0.0),
            record["closed"] + CLOSED_FOR_S if "closed" in record else 0.0,
            record["touched"] + self._engine.layer.group_expiry if "touched" in record else 0.0,
        ]
        return bool(max(ends) <= now)

    @staticmethod
    def _is_stuck(order: KeptOrder, now: float) -> bool:
        if not order.parked or order.running is not None or order.missed_at is not None:
            return False
        return order.next not in order.parked and order.moved_at + PATIENCE_S <= now

    @staticmethod
    def _bring_on(channel: str, order: KeptOrder, living: set[str], now: float) -> list[Any]:
        """What may run by now in a socket."""
        freed = None
        if order.running is not None and order.owner not in living:
            if order.moved_at + UNKNOWN_FOR_S <= now:
                logger.warning(
                    "worker %s died while it ran message %s of socket %s: the socket goes on with "
                    "the next",
                    order.owner,
                    order.running,
                    channel,
                )
                freed = order.finish(order.running, now)
                order.save()
        elif order.missed_at is not None and order.missed_at <= now:
            freed = order.finish(order.next, now)
            order.save()
        elif order.running is None and order.moved_at + FREED_FOR_S <= now:
            freed = order.parked.get(order.next)
            if freed is not None:
                order.moved_at = now
                order.save()
        return [] if freed is None else [freed]

    async def _oldest_queued_at(self, session: Session) -> float:
        ages = [
            (await self._engine.statistics.channel(session, name))["messages_max_age"]
            for name in SOCKET_CHANNELS
        ]
        return self._engine.clock() - float(max(ages))

    # -- what can be seen -----------------------------------------------------------------------

    async def status(self, session: Session) -> dict[str, Any]:
        """See BaseChannelLayer.status."""
        servers = await self.processes(session, "servers")
        workers = await self.processes(session, "workers")
        sizes, sockets = (
            await self._engine.groups.sizes(session),
            await self._count_sockets(session),
        )
        for server in servers:
            server["sockets"] = sockets.get(server["id"], 0)
        owned: collections.Counter[str] = collections.Counter()
        for worker in workers:
            owned.update(worker.pop("owned", {}))
        channels = [
            {**await self._channel_status(session, name), "owned": owned[name]}
            for name in await self._engine.dead_letters.known_names(session)
            if "?" not in name
        ]
        groups = [{"name": name, "size": size} for name, size in sorted(sizes.items()) if size]
        return {"servers": servers, "workers": workers, "channels": channels, "groups": groups}

    async def _channel_status(self, session: Session, name: str) -> dict[str, Any]:
        dead = await session.count(self._topology.dead(name))
        async with self._drawers.open(session, "registry") as state:
            late = [*state.get("late", {})]
        mine = [queue for queue in late if queue.startswith(self._topology.late(name, 0)[:-1])]
        delayed = [await session.count(queue) for queue in mine]
        return {
            "name": name,
            **await self._engine.statistics.channel(session, name),
            "delayed": sum(found[0] for found in delayed if found is not None),
            "dead_letters": 0 if dead is None else dead[0],
        }

    async def _count_sockets(self, session: Session) -> dict[str, int]:
        counts: dict[str, int] = {}
        for drawer in self._drawers.names_of("sockets"):
            async with self._drawers.open(session, drawer) as state:
                for channel, record in state.items():
                    if "open" in record:
                        server_id = names.queue_name(channel)[:-1].rpartition(".")[2]
                        counts[server_id] = counts.get(server_id, 0) + 1
        return counts


def _give_up(order: KeptOrder) -> list[Any]:
    """Let only the disconnect run from now on; return what was parked."""
    order.break_off()
    order.running = order.owner = None
    parked: list[Any] = order.give_up()
    order.save()
    return parked
