"""Queues: messages that wait in order, messages that are not due yet, dead letters and counts."""

import dataclasses
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence

from channels.layers.counts import tell_lost
from channels.layers.entries import Entry
from channels.layers.local.schema import PLACE_BITS
from channels.layers.memory.queues import COUNTED, DEAD_LETTERS, RATE_WINDOW_S

#: The columns of a queue that are read and written back, in this order.
COLUMNS = (
    "id",
    "name",
    "pending",
    "first",
    "behind",
    "next_due",
    "last_served",
    "touched_at",
    "rate_began",
    "rate_now",
    "rate_before",
    *COUNTED,
)
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM queues"
_UPDATE = f"UPDATE queues SET {', '.join(f'{name} = ?' for name in COLUMNS[2:])} WHERE id = ?"
_TAKEN = "id, clients, payload, sent_at, expires_at, attempts, deliveries"
#: What a dead letter says that nobody took in time.
EXPIRED = "it expired unread"


@dataclasses.dataclass(eq=False, slots=True)
class StoredEntry(Entry):
    """An Entry as it comes out of the file."""

    #: How often a worker has had it (acknowledged channels).
    deliveries: int = 0
    #: Its id in the table of owned messages, while a worker has it (acknowledged channels).
    owned_id: int | None = None


class QueueRow:
    """A queue as a transaction has loaded it; what is changed is written back at the end."""

    __slots__ = ("capacity", "expiry_s", "is_acknowledged", "is_changed", "values")

    def __init__(self, row: tuple[object, ...], settings: "Settings") -> None:
        self.values: dict[str, object] = dict(zip(COLUMNS, row, strict=True))
        name = self.name
        self.capacity, self.expiry_s = settings.get_capacity(name), settings.get_expiry(name)
        self.is_acknowledged = settings.get_acknowledgement(name) is not None
        self.is_changed = False

    @property
    def name(self) -> str:
        return self.values["name"]  # type: ignore[return-value]

    @property
    def pending(self) -> int:
        return self.values["pending"]  # type: ignore[return-value]

    @property
    def next_due(self) -> float | None:
        return self.values["next_due"]  # type: ignore[return-value]

    @property
    def last_served(self) -> float:
        return self.values["last_served"]  # type: ignore[return-value]

    @property
    def is_full(self) -> bool:
        return self.pending >= self.capacity

    def add(self, key: str, number: int) -> None:
        """Add to one of its numbers."""
        self.values[key] += number  # type: ignore[operator]
        self.is_changed = True
        tell_lost(self.name, key, number)

    def set(self, key: str, value: object) -> None:
        self.values[key] = value
        self.is_changed = True

    def message_id(self, key: str) -> int:
        """The id of the message in the place that the column `key` names."""
        return (self.values["id"] << PLACE_BITS) + self.values[key]  # type: ignore[operator]

    def ids(self) -> tuple[int, int]:
        """The ids that its messages may have: from the first up to the last."""
        return self.message_id("first"), self.message_id("behind") - 1

    def count_sent(self, now: float) -> None:
        """Count a new message."""
        self.add("messages_count", 1)
        self._turn_rate_to(now)
        self.add("rate_now", 1)

    def per_second(self, now: float) -> float:
        """Messages a second, over the last ten."""
        self._turn_rate_to(now)
        began, count, before = (
            float(self.values[key])  # type: ignore[arg-type]
            for key in ("rate_began", "rate_now", "rate_before")
        )
        return (before * (1 - (now - began) / RATE_WINDOW_S) + count) / RATE_WINDOW_S

    def _turn_rate_to(self, now: float) -> None:
        age = now - self.values["rate_began"]  # type: ignore[operator]
        if age >= RATE_WINDOW_S:
            self.set("rate_before", self.values["rate_now"] if age < 2 * RATE_WINDOW_S else 0)
            self.set("rate_now", 0)
            self.set("rate_began", now - now % RATE_WINDOW_S)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the layer's CONFIG says, and what it tells of."""

    get_capacity: Callable[[str], int]
    get_expiry: Callable[[str], float]
    #: Returns an Acknowledgement or None.
    get_acknowledgement: Callable[[str], object]
    group_expiry_s: float


class Queues:
    """All queues, for the length of one transaction."""

    def __init__(self, sql: sqlite3.Connection, settings: Settings, now: float) -> None:
        self._sql, self._settings, self._now = sql, settings, now
        self._loaded: dict[str, QueueRow] = {}
        #: Names of the queues that have something new for their readers, once for each message.
        self.ready: list[str] = []
        #: How many messages of a queue have expired.
        self.expired: dict[str, int] = {}

    # -- loading and saving -------------------------------------------------------------------

    def get(self, name: str) -> QueueRow:
        """The queue, made if it is new, with what is due."""
        queue = self.find([name]).get(name) or self._make(name)
        return self._with_due(queue)

    def find(self, names: Collection[str]) -> dict[str, QueueRow]:
        """Those of the queues that there are."""
        missing = [name for name in names if name not in self._loaded]
        if missing:
            for row in self._sql.execute(f"{_SELECT} WHERE {_is_one_of(missing)}", missing):
                self._note(row)
        return {name: self._loaded[name] for name in names if name in self._loaded}

    def to_serve(self, names: Sequence[str]) -> list[tuple[str, float]]:
        """Those of the queues that have something to take, as (name, when it was last served), the
        one served longest ago first."""
        self.save()
        return self._sql.execute(
            f"SELECT name, last_served FROM queues WHERE {_is_one_of(names)} "
            "AND (pending > 0 OR next_due <= ?) ORDER BY last_served",
            (*names, self._now),
        ).fetchall()

    def next_due(self, names: Sequence[str]) -> float | None:
        """When the next message of the queues is due that is not due yet, or None."""
        self.save()
        found = self._sql.execute(
            f"SELECT min(next_due) FROM queues WHERE {_is_one_of(names)}", tuple(names)
        ).fetchone()
        return None if found is None else found[0]

    def find_all(self) -> list[QueueRow]:
        """All queues that there are."""
        for row in self._sql.execute(_SELECT).fetchall():
            if row[1] not in self._loaded:
                self._note(row)
        return list(self._loaded.values())

    def blank(self, name: str) -> QueueRow:
        """A queue that has never been used."""
        row: list[object] = [0] * len(COLUMNS)
        row[1], row[5] = name, None
        return QueueRow(tuple(row), self._settings)

    def _note(self, row: tuple[object, ...]) -> None:
        queue = QueueRow(row, self._settings)
        self._loaded[queue.name] = queue

    def _make(self, name: str) -> QueueRow:
        self._sql.execute("INSERT INTO queues (name, touched_at) VALUES (?, ?)", (name, self._now))
        return self.find([name])[name]

    def save(self) -> None:
        """Write back what has changed."""
        for queue in self._loaded.values():
            if queue.is_changed:
                queue.values["touched_at"] = self._now
                row = [*queue.values.values()]
                self._sql.execute(_UPDATE, (*row[2:], row[0]))
                queue.is_changed = False

    def remove(self, queue: QueueRow) -> None:
        """Let a queue go, with all that it holds; its counts go into the sum of the others."""
        self._sql.execute("DELETE FROM messages WHERE id BETWEEN ? AND ?", queue.ids())
        self._sql.execute("DELETE FROM late WHERE queue = ?", (queue.name,))
        self._sql.execute("DELETE FROM queues WHERE id = ?", (queue.values["id"],))
        self._sql.executemany(
            "INSERT INTO retired VALUES (?, ?) ON CONFLICT DO UPDATE SET count = count + "
            "excluded.count",
            [(key, queue.values[key]) for key in COUNTED if queue.values[key]],
        )
        del self._loaded[queue.name]

    # -- putting in ---------------------------------------------------------------------------

    def push(self, queue: QueueRow, clients: Iterable[str], payload: bytes) -> None:
        """Append a new message."""
        self._append(queue, " ".join(clients), payload, self._now, 0)
        queue.count_sent(self._now)

    def push_late(
        self, queue: QueueRow, clients: Iterable[str], payload: bytes, due: float, attempts: int = 0
    ) -> None:
        """Keep a message until it is due; its expiry counts from then on."""
        self._sql.execute(
            "INSERT INTO late (queue, due, clients, payload, attempts) VALUES (?, ?, ?, ?, ?)",
            (queue.name, due, " ".join(clients), payload, attempts),
        )
        if queue.next_due is None or due < queue.next_due:
            queue.set("next_due", due)
        self.ready.append(queue.name)  # whoever waits may wait for too long

    def push_front(self, queue: QueueRow, entry: Entry) -> None:
        """Put an entry back in front of all others, as it is."""
        queue.add("first", -1)
        queue.add("pending", 1)
        self._insert(queue.message_id("first"), entry)
        self.ready.append(queue.name)

    def _append(
        self, queue: QueueRow, clients: str, payload: bytes, sent_at: float, attempts: int
    ) -> None:
        message_id = queue.message_id("behind")
        queue.add("behind", 1)
        queue.add("pending", 1)
        self._sql.execute(
            "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, 0)",
            (message_id, clients, payload, sent_at, sent_at + queue.expiry_s, attempts),
        )
        self.ready.append(queue.name)

    def _insert(self, message_id: int, entry: Entry) -> None:
        self._sql.execute(
            "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                message_id,
                " ".join(entry.clients),
                entry.payload,
                entry.sent_at,
                entry.expires_at,
                entry.attempts,
                getattr(entry, "deliveries", 0),
            ),
        )

    def _with_due(self, queue: QueueRow) -> QueueRow:
        """Let what is due be received."""
        if queue.next_due is not None and queue.next_due <= self._now:
            rows = self._sql.execute(
                "SELECT id, clients, payload, due, attempts FROM late "
                "WHERE queue = ? AND due <= ? ORDER BY due, id",
                (queue.name, self._now),
            ).fetchall()
            for late_id, clients, payload, due, attempts in rows:
                self._sql.execute("DELETE FROM late WHERE id = ?", (late_id,))
                self._append(queue, clients, payload, due, attempts)
            found = self._sql.execute("SELECT min(due) FROM late WHERE queue = ?", (queue.name,))
            queue.set("next_due", found.fetchone()[0])
        return queue

    # -- taking out ---------------------------------------------------------------------------

    def catch_up(self, queue: QueueRow) -> QueueRow:
        """Let what is due come, and what has expired go."""
        self._with_due(queue)
        while queue.pending:
            entry_id, entry = self._head(queue)
            if entry is None or entry.expires_at > self._now:
                break
            self._remove_head(queue, entry_id)
            self._expire(queue, entry)
        return queue

    def pop_whole(self, queue: QueueRow) -> StoredEntry | None:
        """Take the first message that has not expired, with all of its clients."""
        self._with_due(queue)
        while queue.pending:
            entry_id, entry = self._head(queue)
            if entry is None:
                break
            self._remove_head(queue, entry_id)
            if entry.expires_at > self._now:
                return entry
            self._expire(queue, entry)
        return None

    def pop(self, queue: QueueRow) -> StoredEntry | None:
        """The same for one client; others of the message stay where they are."""
        entry = self.pop_whole(queue)
        if entry is not None and len(entry.clients) > 1:
            rest = dataclasses.replace(entry, clients=entry.clients[1:])
            entry = dataclasses.replace(entry, clients=entry.clients[:1])
            queue.add("first", -1)
            queue.add("pending", 1)
            self._insert(queue.message_id("first"), rest)
        return entry

    def oldest_sent_at(self, queue: QueueRow) -> float | None:
        """When the first message was sent, or None."""
        _, entry = self._head(queue) if queue.pending else (0, None)
        return None if entry is None else entry.sent_at

    def _head(self, queue: QueueRow) -> tuple[int, StoredEntry | None]:
        row = self._sql.execute(
            f"SELECT {_TAKEN} FROM messages WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1",
            queue.ids(),
        ).fetchone()
        if row is None:
            queue.set("pending", 0)
            return 0, None
        clients = tuple(row[1].split(" "))
        return row[0], StoredEntry(queue.name, clients, *row[2:])

    def _remove_head(self, queue: QueueRow, message_id: int) -> None:
        self._sql.execute("DELETE FROM messages WHERE id = ?", (message_id,))
        first = message_id - (queue.values["id"] << PLACE_BITS) + 1  # type: ignore[operator]
        queue.set("first", first)
        queue.add("pending", -1)

    def _expire(self, queue: QueueRow, entry: Entry) -> None:
        queue.add("expired_count", len(entry.clients))
        self.expired[queue.name] = self.expired.get(queue.name, 0) + len(entry.clients)
        if queue.is_acknowledged:
            self.bury(queue, entry, EXPIRED)

    # -- dead letters -------------------------------------------------------------------------

    def bury(self, queue: QueueRow, entry: Entry, reason: str) -> None:
        """Keep an entry among the dead letters; the oldest goes if there are too many."""
        self._sql.execute(
            "INSERT INTO dead_letters (queue, at, reason, clients, payload, attempts) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                queue.name,
                self._now,
                reason,
                " ".join(entry.clients),
                entry.payload,
                entry.attempts,
            ),
        )
        queue.add("dead_letter_count", 1)
        too_many = self._sql.execute(
            "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE queue = ? "
            f"ORDER BY id DESC LIMIT -1 OFFSET {DEAD_LETTERS})",
            (queue.name,),
        ).rowcount
        queue.add("dropped_count", too_many)

    # -- statistics ---------------------------------------------------------------------------

    def statistics(self, queue: QueueRow) -> dict[str, float]:
        """The counts of a queue that has caught up, as `channel_statistics` returns them."""
        oldest = self.oldest_sent_at(queue)
        return {
            **{key: int(queue.values[key]) for key in COUNTED},  # type: ignore[call-overload]
            "messages_count_per_second": queue.per_second(self._now),
            "messages_pending": queue.pending,
            "messages_max_age": 0.0 if oldest is None else self._now - oldest,
        }


def _is_one_of(names: Collection[str]) -> str:
    """The condition that a queue's name is one of these, which are the statement's parameters."""
    return f"name IN ({', '.join('?' * len(names))})"
