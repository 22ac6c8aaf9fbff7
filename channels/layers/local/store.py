"""Every decision about what lies in the file, for the length of one transaction.

No clock, no sleeping, no waking: the shell holds the transaction, passes the time in (seconds
since 1970), and rings for the queues in `queues.ready` when it has ended.
"""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import Any

from channels.exceptions import ChannelFull, ClientBusy, ClientGone
from channels.layers import names
from channels.layers import operations as ops
from channels.layers.counts import tell_carried_out
from channels.layers.entries import Entry
from channels.layers.local import schema
from channels.layers.local.groups import Groups
from channels.layers.local.queues import QueueRow, Queues, Settings, StoredEntry
from channels.layers.local.servers import Servers
from channels.layers.local.sockets import Sockets, StoredOrder
from channels.layers.memory.sockets import DISCONNECT


class Store:
    """Queues, groups, servers and sockets.

    Args:
        owner: the address of this process: who owns what it takes of acknowledged channels.
    """

    def __init__(self, sql: sqlite3.Connection, settings: Settings, now: float, owner: str) -> None:
        self.sql, self.now, self.owner = sql, now, owner
        self.settings = settings
        self.queues = Queues(sql, settings, now)
        self.servers = Servers(sql, now)
        self.groups = Groups(sql, self.servers, settings.group_expiry_s, now)
        self.sockets = Sockets(sql, now)

    def save(self) -> None:
        """Write back what is held in memory; called at the end of the transaction."""
        self.queues.save()

    def flush(self) -> list[str]:
        """Empty everything; return the addresses of the processes that were registered."""
        addresses = [address for (address,) in self.sql.execute("SELECT address FROM processes")]
        for table in schema.FLUSHED:
            self.sql.execute(f"DELETE FROM {table}")
        self.queues = Queues(self.sql, self.settings, self.now)
        return addresses

    def choose_whom_to_wake(self) -> list[tuple[str, str]]:
        """The (queue, address) of a sleeper for each message that is new, as far as there are
        any."""
        rings: list[tuple[str, str]] = []
        waiting = self.servers.find_waiting(set(self.queues.ready)) if self.queues.ready else {}
        woken: set[str] = set()
        for name in self.queues.ready if waiting else ():
            address = next((one for one in waiting.get(name, ()) if one not in woken), None)
            if address is not None:
                woken.add(address)
                self.servers.stop_waiting(address)
                rings.append((name, address))
        return rings

    # -- operations -------------------------------------------------------------------------

    def carry_out(self, operation: ops.Operation) -> Any:
        """Do one operation. Returns None, an Entry set free, or the exception that refuses it."""
        action = _ACTIONS.get(type(operation))
        if action is None:
            raise TypeError(f"expected one of channels.layers.operations, got {operation!r}")
        result = action(self, operation)
        tell_carried_out(operation, result)
        return result

    def _send(self, operation: ops.Send) -> Exception | None:
        channel = operation.channel
        name, client = names.split_local(channel)
        of_queue, of_client = self.servers.states_of(name, client) if "!" in name else (None, None)
        if of_queue == "stopped" or of_client == "gone":
            return ClientGone(channel)
        queue = self.queues.get(name)
        if operation.delay_s > 0:
            due = self.now + operation.delay_s
            self.queues.push_late(queue, [client], operation.payload, due)
            queue.count_sent(self.now)
        elif of_client == "held" or self._is_full(queue):
            queue.add("channel_full_count", 1)
            refusal = ClientBusy if of_client == "held" else ChannelFull
            return refusal(channel, queue.pending, queue.capacity)
        else:
            self.queues.push(queue, [client], operation.payload)
        return None

    def _is_full(self, queue: QueueRow) -> bool:
        """Expired messages take no room."""
        return queue.is_full and self.queues.catch_up(queue).is_full

    def _send_group(self, operation: ops.SendGroup) -> None:
        for name, clients in self.groups.members(operation.group).items():
            queue = self.queues.get(name)
            present, held = self.servers.split_held(name, clients)
            if present and self._is_full(queue):
                held += len(present)
            elif present:
                self.queues.push(queue, present, operation.payload)
            if held:
                queue.add("dropped_count", held)

    def send_batch(self, name: str, batch: Sequence[tuple[list[str], bytes]]) -> int:
        """Send packed messages to clients of one queue, in order, as long as there is room; return
        how many were sent."""
        queue = self.queues.get(name)
        for count, (clients, payload) in enumerate(batch):
            if self._is_full(queue):
                queue.add("channel_full_count", 1)
                return count
            self.queues.push(queue, clients, payload)
        return len(batch)

    # -- the end of a delivery ------------------------------------------------------------------

    def _claim(self, delivery: ops.Delivery) -> StoredEntry | None:
        """The entry of a delivery that ends; None if that is no longer this worker's: it was
        flushed, or went to another one."""
        entry = delivery.token
        if not isinstance(entry, StoredEntry):
            raise ValueError(f"this delivery on {delivery.channel!r} did not come from this layer")
        if entry.owned_id is not None:
            removed = self.sql.execute("DELETE FROM owned WHERE id = ?", (entry.owned_id,))
            if not removed.rowcount:
                return None
        return entry

    def _done(self, operation: ops.Done) -> None:
        if isinstance(operation.delivery.token, StoredEntry):
            self._claim(operation.delivery)

    def _retry(self, operation: ops.Retry) -> None:
        entry = self._claim(operation.delivery)
        if entry is not None:
            due = self.now + max(operation.delay_s, 0)
            queue = self.queues.get(entry.queue)
            self.queues.push_late(queue, entry.clients, entry.payload, due, entry.attempts + 1)
            self.queues.get(entry.queue)  # it may be due at once

    def _put_back(self, operation: ops.PutBack) -> None:
        entry = self._claim(operation.delivery)
        if entry is not None:
            self.to_front(entry)

    def _bury(self, operation: ops.DeadLetter) -> None:
        entry = self._claim(operation.delivery)
        if entry is not None:
            self.queues.bury(self.queues.get(entry.queue), entry, operation.reason)

    def to_front(self, entry: Entry) -> None:
        """Put an entry in front of its queue."""
        self.queues.push_front(self.queues.get(entry.queue), entry)

    def _count_drop(self, operation: ops.Drop) -> None:
        queue = self.queues.get(names.queue_name(operation.channel))
        queue.add(f"{operation.reason}_count", operation.count)

    def drop(self, entry: Entry) -> None:
        """Count an entry that nobody will get."""
        self.queues.get(entry.queue).add("dropped_count", len(entry.clients))

    # -- receiving --------------------------------------------------------------------------

    def take(self, queue_names: Sequence[str], *, is_owned: bool = False) -> StoredEntry | None:
        """Take the next entry, for one client, from the queue that was served longest ago.

        With `is_owned` one of an acknowledged channel stays in the file until it is done with.
        """
        found = self.queues.to_serve(queue_names)
        for name, _ in found:
            queue = self.queues.get(name)
            entry = self.queues.pop(queue)
            if entry is not None:
                queue.set("last_served", max(self.now, found[-1][1] + 1e-6))
                if queue.is_acknowledged and is_owned:
                    self._own(entry)
                # What is left behind is for another one, if one sleeps: this one will be busy.
                self.queues.ready += [one for one, _ in found if one != name or queue.pending]
                return entry
        return None

    def take_batch(self, queue_names: Sequence[str], limit: int) -> list[StoredEntry] | None:
        """Take up to `limit` whole entries from each queue: a list, or None if there is none."""
        batch: list[StoredEntry] = []
        for queue in [self.queues.get(name) for name, _ in self.queues.to_serve(queue_names)]:
            for _ in range(min(limit, max(queue.pending, 1))):
                entry = self.queues.pop_whole(queue)
                if entry is None:
                    break
                batch.append(entry)
        return batch or None

    def _own(self, entry: StoredEntry) -> None:
        entry.deliveries += 1
        entry.owned_id = self.sql.execute(
            "INSERT INTO owned (queue, owner, payload, sent_at, expires_at, attempts, deliveries) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                entry.queue,
                self.owner,
                entry.payload,
                entry.sent_at,
                entry.expires_at,
                entry.attempts,
                entry.deliveries,
            ),
        ).lastrowid

    # -- dead letters -------------------------------------------------------------------------

    def dead_letter_queues(self) -> list[str]:
        """The sorted names of the queues that have dead letters."""
        found = self.sql.execute("SELECT DISTINCT queue FROM dead_letters ORDER BY queue")
        return [name for (name,) in found]

    def dead_letters(self, name: str) -> list[tuple[int, float, str, int, bytes]]:
        """Id, time, reason, attempts and payload of a queue's dead letters, oldest first."""
        return self.sql.execute(
            "SELECT id, at, reason, attempts, payload FROM dead_letters WHERE queue = ? "
            "ORDER BY id",
            (name,),
        ).fetchall()

    def exhume(self, name: str, ids: Collection[str] | None) -> list[tuple[str, bytes]]:
        """Take out the dead letters with these ids, or all; return their clients and payloads."""
        rows = self.sql.execute(
            "SELECT id, clients, payload FROM dead_letters WHERE queue = ? ORDER BY id", (name,)
        ).fetchall()
        chosen = [row for row in rows if ids is None or str(row[0]) in ids]
        self.sql.executemany("DELETE FROM dead_letters WHERE id = ?", [row[:1] for row in chosen])
        return [(clients, payload) for _, clients, payload in chosen]

    def replay(self, name: str, ids: Collection[str] | None) -> int:
        """Send dead letters again; return their number."""
        letters = self.exhume(name, ids)
        queue = self.queues.get(name)
        for clients, payload in letters:
            self.queues.push(queue, [clients], payload)
        return len(letters)

    # -- sockets ----------------------------------------------------------------------------

    def begin_ordered(self, entry: Entry, reply_channel: str, number: int, owner: str) -> ops.Turn:
        """The Turn of a delivery; see BaseChannelLayer.begin_ordered."""
        order = self.sockets.order(reply_channel, number)
        turn = order.begin(number, entry, self.now) if order else ops.Turn.STALE
        if order is not None:
            if turn is ops.Turn.RUN:
                order.owner = owner
            order.save()
        if turn in (ops.Turn.STALE, ops.Turn.OVERFLOW):
            self.drop(entry)
        if turn is ops.Turn.OVERFLOW and order is not None:
            self.release_parked(order)
        if turn is not ops.Turn.RUN:
            self._claim_parked(entry)
        return turn

    def _claim_parked(self, entry: Entry) -> None:
        """A delivery that does not run is no longer owned by its worker."""
        owned_id = getattr(entry, "owned_id", None)
        if owned_id is not None:
            self.sql.execute("DELETE FROM owned WHERE id = ?", (owned_id,))

    def release_parked(self, order: StoredOrder) -> bool:
        """Drop what a socket that is given up had parked, but for its disconnect. Returns whether
        that was among it."""
        has_disconnect = False
        for entry in order.give_up():
            if entry.queue == DISCONNECT:
                has_disconnect = True
                self.to_front(self.unparked(entry))
            else:
                self.drop(entry)
        return has_disconnect

    def unparked(self, entry: StoredEntry) -> Entry:
        """The time it was parked does not count for its expiry."""
        expiry_s = self.settings.get_expiry(entry.queue)
        renewed: Entry = entry.renewed(self.now, expiry_s, entry.attempts)
        return renewed

    def _finish_ordered(self, operation: ops.FinishOrdered) -> Entry | None:
        order = self.sockets.known_order(operation.reply_channel)
        if order is None:
            return None
        entry = order.finish(operation.order, self.now)
        order.save()
        return None if entry is None else self.unparked(entry)

    def _release_ordered(self, operation: ops.ReleaseOrdered) -> None:
        order = self.sockets.known_order(operation.reply_channel)
        if order is not None:
            order.release(operation.order, self.now)
            order.owner = None
            order.save()

    def _forget_socket(self, operation: ops.ForgetSocket) -> None:
        for entry in self.sockets.forget(operation.reply_channel):
            self.drop(entry)

    # -- statistics -------------------------------------------------------------------------

    def channel_statistics(self, name: str) -> dict[str, float]:
        found = self.queues.find([name]).get(name)
        return self.queues.statistics(
            self.queues.blank(name) if found is None else self.queues.catch_up(found)
        )

    def global_statistics(self) -> dict[str, float]:
        every = [
            self.queues.statistics(self.queues.catch_up(queue)) for queue in self.queues.find_all()
        ]
        total = self.queues.statistics(self.queues.blank(""))
        for key in total:
            counts = [statistics[key] for statistics in every]
            total[key] = max(counts, default=0.0) if key.endswith("max_age") else sum(counts)
        for key, count in self.sql.execute("SELECT name, count FROM retired"):
            total[key] += count
        return total

    def channels_status(self) -> list[dict[str, Any]]:
        """What `status` says of channels."""
        return [
            {
                "name": queue.name,
                **self.queues.statistics(self.queues.catch_up(queue)),
                "delayed": self._count("late", queue.name),
                "owned": self._count("owned", queue.name),
                "dead_letters": self._count("dead_letters", queue.name),
            }
            for queue in sorted(self.queues.find_all(), key=lambda queue: queue.name)
            if "?" not in queue.name
        ]

    def groups_status(self) -> list[dict[str, Any]]:
        """What `status` says of groups."""
        found = self.sql.execute(
            "SELECT group_name, count(*) FROM members WHERE expires_at IS NULL OR expires_at > ? "
            "GROUP BY group_name ORDER BY group_name",
            (self.now,),
        )
        return [{"name": name, "size": size} for name, size in found]

    def _count(self, table: str, name: str) -> int:
        found = self.sql.execute(f"SELECT count(*) FROM {table} WHERE queue = ?", (name,))
        return int(found.fetchone()[0])


_ACTIONS: dict[type, Callable[[Store, Any], Any]] = {
    ops.Send: Store._send,
    ops.SendGroup: Store._send_group,
    ops.Retry: Store._retry,
    ops.DeadLetter: Store._bury,
    ops.Done: Store._done,
    ops.Drop: Store._count_drop,
    ops.PutBack: Store._put_back,
    ops.SaveSession: lambda store, operation: store.sockets.save(operation),
    ops.ForgetSocket: Store._forget_socket,
    ops.FinishOrdered: Store._finish_ordered,
    ops.ReleaseOrdered: Store._release_ordered,
}
