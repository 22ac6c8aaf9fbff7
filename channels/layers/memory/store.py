"""All state of an in-memory layer, and every decision about it.

No I/O, no clock, no threads: the shell holds one lock around each call, passes the time in
(seconds), and is told through `on_ready(queue)` and `on_room(queue)` when a queue has something
new for its readers, or room again for those who send to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from channels.exceptions import ChannelFull, ClientBusy, ClientGone
from channels.layers import names
from channels.layers import operations as ops
from channels.layers.base import BaseChannelLayer
from channels.layers.counts import tell_carried_out
from channels.layers.entries import Entry
from channels.layers.memory.groups import Groups
from channels.layers.memory.queues import COUNTED, KeptLetter, Queue
from channels.layers.memory.servers import Servers
from channels.layers.memory.sockets import DISCONNECT, Sockets

if TYPE_CHECKING:
    from channels.layers.memory.link import MemoryLink
    from channels.layers.operations import Delivery, Operation, Turn


#: What an operation comes to: nothing, an Entry that was set free, or what refuses it.
Carried: TypeAlias = Entry | Exception | None
#: The channels that the messages of sockets come on.
SOCKET_CHANNELS = ("websocket.connect", "websocket.receive", DISCONNECT)
#: What a socket gets whose next message is lost: "Internal Error" (RFC 6455, section 7.4.1).
CLOSE_LOST = BaseChannelLayer.codec.pack_message({"close": 1011}, "a socket")
#: Seconds between two searches for what has expired where nobody looks.
SWEEP_S = 30.0
#: Seconds after its last use for which the counts of an empty queue are kept (1.x: one hour).
COUNTS_KEPT_S = 3_600.0
#: The same for single-reader queues, of which there are many, each used for one request.
SINGLE_READER_COUNTS_KEPT_S = 60.0


class Store:
    """Queues, groups, servers and sockets.

    Args:
        get_capacity, get_expiry: functions of a queue's name.
        group_expiry: seconds.
        on_ready, on_room: called with a queue's name.
        on_expired: called with a queue's name and the number of its messages that have expired.
    """

    def __init__(
        self,
        get_capacity: Callable[[str], int],
        get_expiry: Callable[[str], float],
        group_expiry: float,
        *,
        on_ready: Callable[[str], None],
        on_room: Callable[[str], None],
        on_expired: Callable[[str, int], None],
    ) -> None:
        self._get_capacity = get_capacity
        self._get_expiry = get_expiry
        self._group_expiry = group_expiry
        self._on_ready = on_ready
        self._on_room = on_room
        self._on_expired = on_expired
        self._actions: dict[type, Callable[..., Any]] = {
            ops.Send: self._send,
            ops.SendGroup: self._send_group,
            ops.Retry: self._retry,
            ops.DeadLetter: self._bury,
            ops.Done: lambda operation, now: None,
            ops.Drop: self._count_drop,
            ops.PutBack: self._put_back,
            ops.SaveSession: lambda operation, now: self.sockets.save(operation, now),
            ops.ForgetSocket: self._forget_socket,
            ops.FinishOrdered: self._finish_ordered,
            ops.ReleaseOrdered: self._release_ordered,
        }
        self._clear()

    def _clear(self) -> None:
        self._queues: dict[str, Queue] = {}
        self._retired: dict[str, int] = dict.fromkeys(COUNTED, 0)
        self.servers = Servers()
        self.groups = Groups(self._group_expiry, self.servers)
        self.sockets = Sockets()
        self._sweep_at = 0.0

    def flush(self) -> list[MemoryLink]:
        """Forget everything; return the links of the servers that were live."""
        links = self.servers.links()
        self._clear()
        return links

    # -- operations -------------------------------------------------------------------------

    def carry_out(self, operation: Operation, now: float) -> Carried:
        """Do one operation. Returns None, an Entry set free, or the exception that refuses it."""
        action = self._actions.get(type(operation))
        if action is None:
            raise TypeError(f"expected one of channels.layers.operations, got {operation!r}")
        self._sweep(now)
        result: Carried = action(operation, now)
        tell_carried_out(operation, result)
        return result

    def _send(self, operation: ops.Send, now: float) -> Exception | None:
        channel = operation.channel
        name, client = names.split_local(channel)
        if self.servers.is_gone(name, client):
            return ClientGone(channel)
        queue = self._settled(name, now)
        if operation.delay_s > 0:
            queue.push_late(client, operation.payload, now, operation.delay_s)
        elif queue.is_full or self.servers.is_held(name, client):
            queue.count("channel_full_count")
            refusal = ChannelFull if queue.is_full else ClientBusy
            return refusal(channel, len(queue.entries), queue.capacity)
        else:
            queue.push((client,), operation.payload, now)
        self._on_ready(name)
        return None

    def _send_group(self, operation: ops.SendGroup, now: float) -> None:
        for name, clients in self.groups.members(operation.group, now).items():
            queue = self._settled(name, now)
            present, held = self.servers.split_held(name, clients)
            if queue.is_full:
                held += len(present)
            elif present:
                queue.push(present, operation.payload, now)
                self._on_ready(name)
            queue.count("dropped_count", held)

    def _retry(self, operation: ops.Retry, now: float) -> None:
        entry = _entry_of(operation.delivery)
        queue = self._settled(entry.queue, now)
        due = now + max(operation.delay_s, 0)
        queue.schedule(entry.renewed(due, queue.expiry_s, entry.attempts + 1), due)
        self._settled(entry.queue, now)
        self._on_ready(entry.queue)

    def _put_back(self, operation: ops.PutBack, now: float) -> None:
        self._to_front(_entry_of(operation.delivery), now)

    def _to_front(self, entry: Entry, now: float) -> None:
        self._settled(entry.queue, now).entries.appendleft(entry)
        self._on_ready(entry.queue)

    def _bury(self, operation: ops.DeadLetter, now: float) -> None:
        entry = _entry_of(operation.delivery)
        self._settled(entry.queue, now).bury(entry, operation.reason, now)

    # -- receiving --------------------------------------------------------------------------

    def take(self, queue_names: Iterable[str], now: float) -> Entry | None:
        """Take the next Entry, for one client, from the queue that was served longest ago."""
        self._sweep(now)
        waiting = [queue for queue in self._known(queue_names, now) if queue.entries]
        if not waiting:
            return None
        return self._popped(min(waiting, key=lambda queue: queue.last_served), Queue.pop)

    def take_batch(self, queue_names: Iterable[str], now: float, limit: int) -> list[Entry] | None:
        """Take up to `limit` whole Entries from each queue: a list, or None if there is none."""
        self._sweep(now)
        batch = [
            self._popped(queue, lambda queue: queue.entries.popleft())
            for queue in self._known(queue_names, now)
            for _ in range(min(limit, len(queue.entries)))
        ]
        return batch or None

    def next_due(self, queue_names: Iterable[str], now: float) -> float | None:
        """When the next message of these queues is due that is not due yet, or None."""
        dues = [queue.scheduled[0][0] for queue in self._known(queue_names, now) if queue.scheduled]
        return min(dues, default=None)

    def next_expiry(self, queue_names: Iterable[str], now: float) -> float | None:
        """When the next message of these queues expires, or None."""
        waiting = [queue for queue in self._known(queue_names, now) if queue.entries]
        return min((queue.entries[0].expires_at for queue in waiting), default=None)

    def dead_letter_queues(self) -> list[str]:
        """The sorted names of the queues that have dead letters."""
        return sorted(name for name, queue in self._queues.items() if queue.dead_letters)

    def dead_letters(self, name: str) -> list[KeptLetter]:
        """The dead letters of a queue, oldest first."""
        return list(self._queues[name].dead_letters) if name in self._queues else []

    def purge(self, name: str, ids: Collection[str] | None) -> int:
        """Remove dead letters, all if `ids` is None; return their number."""
        return len(self._queues[name].exhume(ids)) if name in self._queues else 0

    def replay(self, name: str, ids: Collection[str] | None, now: float) -> int:
        """Send dead letters again, all if `ids` is None; return their number."""
        queue = self._settled(name, now)
        letters = queue.exhume(ids)
        for letter in letters:
            queue.push(letter.entry.clients, letter.entry.payload, now)
            self._on_ready(name)
        return len(letters)

    def _popped(self, queue: Queue, pop: Callable[[Queue], Entry]) -> Entry:
        was_full = queue.is_full
        entry = pop(queue)
        if was_full and not queue.is_full:
            self._on_room(queue.name)
        return entry

    # -- sockets ----------------------------------------------------------------------------

    def begin_ordered(self, entry: Entry, reply_channel: str, order: int, now: float) -> Turn:
        """The Turn of a delivery; see BaseChannelLayer.begin_ordered."""
        socket = self.sockets.order(reply_channel, order, now)
        turn = socket.begin(order, entry, now) if socket is not None else ops.Turn.STALE
        if turn in (ops.Turn.STALE, ops.Turn.OVERFLOW):
            self._drop(entry, now)
        if turn is ops.Turn.OVERFLOW and socket is not None:
            self._release_disconnect(socket.give_up(), now)
        return turn

    def _release_disconnect(self, parked: Iterable[Entry], now: float) -> None:
        """Drop what a socket that is given up had parked, but for its disconnect."""
        for entry in parked:
            if entry.queue == DISCONNECT:
                self._to_front(self._unparked(entry, now), now)
            else:
                self._drop(entry, now)

    def _finish_ordered(self, operation: ops.FinishOrdered, now: float) -> Entry | None:
        socket = self.sockets.known_order(operation.reply_channel)
        entry = socket.finish(operation.order, now) if socket is not None else None
        return None if entry is None else self._unparked(entry, now)

    def _unparked(self, entry: Entry, now: float) -> Entry:
        """The time it was parked does not count for its expiry."""
        return entry.renewed(now, self._get_expiry(entry.queue), entry.attempts)

    def _release_ordered(self, operation: ops.ReleaseOrdered, now: float) -> None:
        socket = self.sockets.known_order(operation.reply_channel)
        if socket is not None:
            socket.release(operation.order, now)

    def _give_up_stuck_sockets(self, now: float) -> None:
        """Close sockets whose next message is lost: it expired, or had no consumer."""
        heads = [
            queue.entries[0].sent_at for queue in self._known(SOCKET_CHANNELS, now) if queue.entries
        ]
        for name, socket in self.sockets.find_stuck(now, min(heads, default=now)):
            socket.break_off()
            parked = socket.give_up()
            if not any(entry.queue == DISCONNECT for entry in parked):
                self._send(ops.Send(name, CLOSE_LOST), now)
            self._release_disconnect(parked, now)

    def _forget_socket(self, operation: ops.ForgetSocket, now: float) -> None:
        for entry in self.sockets.forget(operation.reply_channel, now):
            self._drop(entry, now)

    # -- statistics -------------------------------------------------------------------------

    def channel_statistics(self, name: str, now: float) -> dict[str, float]:
        queue = self._settled(name, now) if name in self._queues else self._new_queue(name)
        return queue.statistics(now)

    def global_statistics(self, now: float) -> dict[str, float]:
        every = [self._settled(name, now).statistics(now) for name in list(self._queues)]
        total = self._new_queue("").statistics(now)
        for key in total:
            counts = [statistics[key] for statistics in every]
            total[key] = max(counts, default=0.0) if key.endswith("max_age") else sum(counts)
        for key, count in self._retired.items():
            total[key] += count
        return total

    # -- queues -----------------------------------------------------------------------------

    def _count_drop(self, operation: ops.Drop, now: float) -> None:
        name = names.queue_name(operation.channel)
        self._settled(name, now).count(f"{operation.reason}_count", operation.count)

    def count(self, name: str, key: str, now: float) -> None:
        """Count one more of something."""
        self._settled(name, now).count(key, 1)

    def _drop(self, entry: Entry, now: float) -> None:
        self._settled(entry.queue, now).count("dropped_count", len(entry.clients))

    def _new_queue(self, name: str) -> Queue:
        return Queue(name, self._get_capacity(name), self._get_expiry(name))

    def _known(self, queue_names: Iterable[str], now: float) -> list[Queue]:
        return [self._settled(name, now) for name in queue_names if name in self._queues]

    def _settled(self, name: str, now: float) -> Queue:
        """The queue, made if it is new, without what has expired and with what is due."""
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = self._new_queue(name)
        expired = queue.counts["expired_count"]
        due, has_room = queue.catch_up(now)
        if queue.counts["expired_count"] > expired:
            self._on_expired(name, queue.counts["expired_count"] - expired)
        for _ in range(due):
            self._on_ready(name)
        if has_room:
            self._on_room(name)
        return queue

    def _sweep(self, now: float) -> None:
        """Once in a while, find what has expired where nobody looks."""
        if now < self._sweep_at:
            return
        self._sweep_at = now + SWEEP_S
        self.servers.sweep(now)
        self.groups.sweep(now)
        for entry in self.sockets.sweep(now, self._group_expiry, self._is_live):
            self._to_front(self._unparked(entry, now), now)
        self._give_up_stuck_sockets(now)
        for name, queue in list(self._queues.items()):
            last_used = queue.touched_at
            self._settled(name, now)
            kept_s = SINGLE_READER_COUNTS_KEPT_S if "?" in name else COUNTS_KEPT_S
            if queue.is_idle and last_used + kept_s <= now:
                self._retire(queue)
            else:
                queue.touched_at = last_used

    def _retire(self, queue: Queue) -> None:
        del self._queues[queue.name]
        for key, count in queue.counts.items():
            self._retired[key] += count

    def _is_live(self, channel: str) -> bool:
        return self.servers.is_live(names.queue_name(channel))


def _entry_of(delivery: Delivery) -> Entry:
    if not isinstance(delivery.token, Entry):
        raise ValueError(f"this delivery on {delivery.channel!r} did not come from this layer")
    return delivery.token
