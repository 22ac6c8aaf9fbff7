"""What time and dead processes leave to be done. Any process does it, about every two seconds."""

import logging
from collections.abc import Callable
from typing import Any

from channels.layers import operations as ops
from channels.layers.local.queues import StoredEntry
from channels.layers.local.servers import reply_queues
from channels.layers.local.sockets import StoredOrder
from channels.layers.local.store import Store
from channels.layers.memory.sockets import PATIENCE_S
from channels.layers.memory.store import (
    CLOSE_LOST,
    COUNTS_KEPT_S,
    SINGLE_READER_COUNTS_KEPT_S,
    SOCKET_CHANNELS,
)

logger = logging.getLogger("channels.layers")

#: Seconds between two rounds, whichever process makes them, and between two larger ones.
ROUND_EVERY_S, LARGE_ROUND_EVERY_S = 2.0, 30.0
#: Disconnects that are made up for in one round: the others of the machine wait meanwhile.
DISCONNECTS_AT_ONCE = 500
#: A worker that is in no registry is dead when what it runs has not moved for so many seconds.
UNKNOWN_FOR_S = 9.0
#: A message that was set free and that nobody began for so many seconds is handed out again.
FREED_FOR_S = 10.0
#: What a client gets to see of a socket whose server died: "abnormal closure" (RFC 6455, 7.4.1).
ABNORMAL = 1006

PackMessage = Callable[[dict[str, Any], str], bytes]


class Housekeeping:
    """One round, inside of a transaction.

    Args:
        store: the Store of the transaction.
        is_alive: whether the process that has an address lives.
        pack: packs a message, given it and its channel.
        life_s: seconds that sessions live without use, once their server has gone.
    """

    def __init__(
        self, store: Store, is_alive: Callable[[str], bool], pack: PackMessage, life_s: float
    ) -> None:
        self._store, self._is_alive, self._pack = store, is_alive, pack
        self._life_s = life_s

    def keep(self) -> None:
        """Do what is due, if nobody else has done it just now."""
        if not self._is_due("round", ROUND_EVERY_S):
            return
        self._bury_servers()
        self._forget_processes()
        living = self._forget_workers()
        self._take_back_owned()
        self._bring_on_sockets(living)
        self._ring_for_what_waits()
        if self._is_due("large round", LARGE_ROUND_EVERY_S):
            self._sweep()

    def _is_due(self, name: str, every_s: float) -> bool:
        sql, now = self._store.sql, self._store.now
        row = sql.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
        if row is not None and row[0] <= now < row[0] + every_s:
            return False
        sql.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (name, now))
        return True

    def _ring_for_what_waits(self) -> None:
        """Whoever was woken for a message may have died before it took it."""
        found = self._store.sql.execute("SELECT name FROM queues WHERE pending > 0").fetchall()
        self._store.queues.ready += [name for (name,) in found]

    # -- dead processes -------------------------------------------------------------------------

    def _bury_servers(self) -> None:
        for server_id, address, _, _ in self._store.servers.processes("server"):
            if not self._is_alive(address):
                self._bury_server(server_id)

    def _forget_processes(self) -> None:
        """The channels of a dead process that is neither server nor worker leave their groups."""
        for queue, address, _, _ in self._store.servers.processes("process"):
            if not self._is_alive(address):
                self._store.groups.discard_queue(queue)
                self._store.servers.leave("process", queue)

    def _bury_server(self, server_id: str) -> None:
        """Make up for the disconnects of a dead server's sockets, and let go of all that was its.

        A disconnect that finds its channel full is left for the next round.
        """
        of_requests, of_sockets = reply_queues(server_id)
        servers, made_up = self._store.servers, 0
        for client, path in servers.open_sockets(of_sockets, DISCONNECTS_AT_ONCE):
            if not self._make_up_disconnect(of_sockets + client, path):
                return
            made_up += 1
            servers.forget_socket(of_sockets, client)
        if made_up == DISCONNECTS_AT_ONCE:
            return
        logger.warning(
            "interface server %s is dead: %d disconnects made up for it", server_id, made_up
        )
        self.remove_server(server_id)

    def remove_server(self, server_id: str) -> None:
        """Take a server out, with its queues and memberships."""
        self.silence_server(server_id)
        self._store.servers.leave("server", server_id)

    def silence_server(self, server_id: str) -> None:
        """Let a server's queues and memberships go: it reads no more."""
        servers, queues = self._store.servers, self._store.queues
        for name in reply_queues(server_id):
            self._store.groups.discard_queue(name)
            self._store.sql.execute("DELETE FROM states WHERE queue = ? AND client != ''", (name,))
            servers.set_state(name, "", "stopped")
            found = queues.find([name]).get(name)
            if found is not None:
                queues.remove(found)

    def _make_up_disconnect(self, channel: str, path: str) -> bool:
        order = self._store.sockets.known_order(channel)
        number = 1 if order is None else order.next + (order.running is not None)
        message = {"reply_channel": channel, "code": ABNORMAL, "path": path, "order": number}
        send = ops.Send("websocket.disconnect", self._pack(message, "websocket.disconnect"))
        if self._store.carry_out(send) is not None:
            return False
        if order is not None:
            self._give_up(order)
        return True

    def _forget_workers(self) -> set[str]:
        """Take dead workers out of the registry; return the ids of the living ones."""
        living = set()
        for worker_id, address, _, _ in self._store.servers.processes("worker"):
            if self._is_alive(address):
                living.add(worker_id)
            else:
                logger.warning("worker %s is dead: what it ran is lost", worker_id)
                self._store.servers.leave("worker", worker_id)
        return living

    def _take_back_owned(self) -> None:
        """Messages of acknowledged channels whose worker died go to another one, or are given
        up."""
        sql = self._store.sql
        for (owner,) in sql.execute("SELECT DISTINCT owner FROM owned").fetchall():
            if self._is_alive(owner):
                continue
            rows = sql.execute(
                "SELECT queue, payload, sent_at, expires_at, attempts, deliveries FROM owned "
                "WHERE owner = ? ORDER BY id DESC",
                (owner,),
            ).fetchall()
            sql.execute("DELETE FROM owned WHERE owner = ?", (owner,))
            for queue, payload, sent_at, _, attempts, deliveries in rows:
                self._take_back(
                    StoredEntry(queue, ("",), payload, sent_at, 0.0, attempts, deliveries)
                )

    def _take_back(self, entry: StoredEntry) -> None:
        store = self._store
        settings: Any = store.settings.get_acknowledgement(entry.queue)
        if settings is not None and entry.deliveries >= settings.max_deliveries:
            logger.error(
                "a message on %s is given up, as its workers died %d times: it is kept among the "
                "channel's dead letters",
                entry.queue,
                entry.deliveries,
            )
            reason = f"its workers died {entry.deliveries} times"
            store.queues.bury(store.queues.get(entry.queue), entry, reason)
            return
        logger.warning("a message on %s goes to another worker: whoever had it died", entry.queue)
        entry.expires_at = store.now + store.settings.get_expiry(entry.queue)
        store.to_front(entry)

    # -- ordered sockets ------------------------------------------------------------------------

    def _bring_on_sockets(self, living: set[str]) -> None:
        now, sockets = self._store.now, self._store.sockets
        for order in sockets.orders_with("running IS NOT NULL"):
            if order.owner not in living and order.moved_at + UNKNOWN_FOR_S <= now:
                self._end_for(order)
        for order in sockets.orders_with("missed_at <= ?", now):
            self._go_on(order, order.next)
        waiting = sockets.orders_with(
            "running IS NULL AND missed_at IS NULL AND condition = 'in order' AND moved_at <= ? "
            "AND EXISTS (SELECT 1 FROM parked WHERE parked.channel = orders.channel)",
            now - FREED_FOR_S,
        )
        if waiting:
            oldest_queued_at = self._oldest_queued_at()
            for order in waiting:
                self._bring_on(order, oldest_queued_at)

    def _end_for(self, order: StoredOrder) -> None:
        """End, in its place, what a dead worker ran: the socket goes on."""
        if order.running is None:
            return
        logger.warning(
            "worker %s died while it ran message %s of socket %s: the socket goes on with the next",
            order.owner,
            order.running,
            order.channel,
        )
        self._store.queues.get("websocket.receive").add("lost_count", 1)
        self._go_on(order, order.running)

    def _go_on(self, order: StoredOrder, number: int) -> None:
        freed = order.finish(number, self._store.now)
        order.running = order.owner = None
        order.save()
        if freed is not None:
            self._store.to_front(self._store.unparked(freed))

    def _oldest_queued_at(self) -> float:
        queues = self._store.queues
        heads = [
            queues.oldest_sent_at(queues.catch_up(queue))
            for queue in queues.find(SOCKET_CHANNELS).values()
        ]
        return min((head for head in heads if head is not None), default=self._store.now)

    def _bring_on(self, order: StoredOrder, oldest_queued_at: float) -> None:
        freed = order.parked.get(order.next)
        if freed is not None:
            order.moved_at = self._store.now
            order.save()
            self._store.to_front(self._store.unparked(freed))
        elif order.moved_at + PATIENCE_S <= self._store.now and oldest_queued_at > order.moved_at:
            logger.error(
                "socket %s is given up: its message %d did not come (its worker died, it expired, "
                "or its consumer is not ordered)",
                order.channel,
                order.next,
            )
            if not self._give_up(order):
                self._store.carry_out(ops.Send(order.channel, CLOSE_LOST))

    def _give_up(self, order: StoredOrder) -> bool:
        """Let only the disconnect run from now on; returns whether that was parked."""
        order.break_off()
        order.running = order.owner = None
        order.save()
        return self._store.release_parked(order)

    # -- time -----------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Find what has expired where nobody looks, and forget what is over."""
        store = self._store
        store.servers.sweep()
        store.groups.sweep()
        store.sockets.sweep(self._life_s)
        for address in store.servers.addresses():
            if not self._is_alive(address):
                store.servers.unsubscribe(address)
        for queue in store.queues.find_all():
            touched_at = float(queue.values["touched_at"])  # type: ignore[arg-type]
            store.queues.catch_up(queue)
            kept_s = SINGLE_READER_COUNTS_KEPT_S if "?" in queue.name else COUNTS_KEPT_S
            is_idle = not queue.pending and queue.next_due is None
            if is_idle and touched_at + kept_s <= store.now:
                store.queues.remove(queue)
