"""What belongs to one socket, by its reply channel: its session and the order of its messages."""

import sqlite3
from collections.abc import Mapping

from channels.layers.entries import Entry
from channels.layers.local.queues import StoredEntry
from channels.layers.memory.sockets import FORGOTTEN_S, Condition, SocketOrder
from channels.layers.operations import SaveSession, Turn


class Parked:
    """The parked messages of a socket: a mapping of their order that lies in the file."""

    def __init__(self, sql: sqlite3.Connection, channel: str) -> None:
        self._sql, self._channel = sql, channel

    def __len__(self) -> int:
        found = self._sql.execute("SELECT count(*) FROM parked WHERE channel = ?", (self._channel,))
        return int(found.fetchone()[0])

    def __contains__(self, order: int) -> bool:
        return self.get(order) is not None

    def __setitem__(self, order: int, entry: Entry) -> None:
        self._sql.execute(
            "INSERT INTO parked VALUES (?, ?, ?, ?, ?)",
            (self._channel, order, entry.queue, entry.payload, entry.attempts),
        )

    def get(self, order: int) -> StoredEntry | None:
        row = self._sql.execute(
            "SELECT queue, payload, attempts FROM parked WHERE channel = ? AND number = ?",
            (self._channel, order),
        ).fetchone()
        return None if row is None else StoredEntry(row[0], ("",), row[1], 0.0, 0.0, row[2])

    def remove(self, order: int) -> None:
        self._sql.execute(
            "DELETE FROM parked WHERE channel = ? AND number = ?", (self._channel, order)
        )

    def take_all(self) -> list[StoredEntry]:
        """Remove all of them, and return them in order."""
        rows = self._sql.execute(
            "SELECT queue, payload, attempts FROM parked WHERE channel = ? ORDER BY number",
            (self._channel,),
        ).fetchall()
        self._sql.execute("DELETE FROM parked WHERE channel = ?", (self._channel,))
        return [StoredEntry(row[0], ("",), row[1], 0.0, 0.0, row[2]) for row in rows]


class StoredOrder(SocketOrder):
    """A SocketOrder that lies in the file. What was set free stays parked until it begins, as the
    worker that was told of it may die."""

    def __init__(self, sql: sqlite3.Connection, channel: str, first: int) -> None:
        super().__init__(first)
        self.channel = channel
        #: The id of the worker that runs what runs.
        self.owner: str | None = None
        self._sql = sql
        self.parked: Parked = Parked(sql, channel)  # type: ignore[assignment]

    def begin(self, order: int, entry: Entry, now: float) -> Turn:
        is_next = order == self.next and self.running is None
        if self.condition is Condition.IN_ORDER and is_next:
            self.parked.remove(order)
        turn: Turn = super().begin(order, entry, now)
        return turn

    def finish(self, order: int, now: float) -> StoredEntry | None:
        if self.condition is Condition.IN_ORDER and order == self.next - 1 and self.running is None:
            return self.parked.get(self.next)  # asked again: the answer may have got lost
        if order < self.next or self.condition is not Condition.IN_ORDER:
            return None
        self.moved_at = now
        self.next = order + 1
        self.running = self.missed_at = self.owner = None
        return self.parked.get(self.next)

    def give_up(self) -> list[StoredEntry]:
        return self.parked.take_all()

    def save(self) -> None:
        """Write it into the file."""
        self._sql.execute(
            "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                self.channel,
                self.condition.value,
                self.next,
                self.running,
                self.owner,
                self.missed_at,
                self.moved_at,
            ),
        )


class Sockets:
    """The state of all sockets."""

    def __init__(self, sql: sqlite3.Connection, now: float) -> None:
        self._sql, self._now = sql, now

    # -- sessions -----------------------------------------------------------------------------

    def load(self, channel: str) -> dict[str, bytes]:
        """The session, as {key: packed value}."""
        found = self._sql.execute("SELECT key, value FROM sessions WHERE channel = ?", (channel,))
        return dict(found.fetchall())

    def save(self, operation: SaveSession) -> None:
        """Merge what has changed; a socket that has been forgotten stays so."""
        channel = operation.reply_channel
        if self._is_forgotten(channel):
            return
        changed: Mapping[str, bytes] = operation.changed
        self._sql.executemany(
            "DELETE FROM sessions WHERE channel = ? AND key = ?",
            [(channel, key) for key in operation.removed],
        )
        self._sql.executemany(
            "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)",
            [(channel, key, value) for key, value in changed.items()],
        )
        self._touch(channel)

    # -- order --------------------------------------------------------------------------------

    def order(self, channel: str, first: int) -> StoredOrder | None:
        """The order, begun at `first` if there is none; None for a forgotten socket."""
        if self._is_forgotten(channel):
            return None
        self._touch(channel)
        return self.known_order(channel) or StoredOrder(self._sql, channel, first)

    def known_order(self, channel: str) -> StoredOrder | None:
        """The order if there is one, or else None."""
        row = self._sql.execute("SELECT * FROM orders WHERE channel = ?", (channel,)).fetchone()
        return None if row is None else self._read(row)

    def orders_with(self, condition: str, *values: object) -> list[StoredOrder]:
        """The orders for which an SQL condition holds."""
        rows = self._sql.execute(f"SELECT * FROM orders WHERE {condition}", values).fetchall()
        return [self._read(row) for row in rows]

    def _read(self, row: tuple[object, ...]) -> StoredOrder:
        channel, condition, next_order, running, owner, missed_at, moved_at = row
        order = StoredOrder(self._sql, str(channel), 0)
        order.condition = Condition(condition)
        order.next, order.running, order.owner = next_order, running, owner  # type: ignore[assignment]
        order.missed_at, order.moved_at = missed_at, moved_at  # type: ignore[assignment]
        return order

    # -- the end ------------------------------------------------------------------------------

    def forget(self, channel: str) -> list[StoredEntry]:
        """Let a socket go; return what was still parked of it."""
        self._remove(channel)
        self._sql.execute(
            "INSERT OR REPLACE INTO touched VALUES (?, ?, 1)", (channel, self._now + FORGOTTEN_S)
        )
        return Parked(self._sql, channel).take_all()

    def sweep(self, life_s: float) -> None:
        """Remove what nobody has used for `life_s`, but for the sockets of live servers."""
        self._sql.execute("DELETE FROM touched WHERE forgotten AND at <= ?", (self._now,))
        old = self._sql.execute(
            "SELECT channel FROM touched WHERE NOT forgotten AND at <= ? AND "
            "substr(channel, 1, instr(channel, '!')) NOT IN "
            "(SELECT queue FROM states WHERE state = 'live')",
            (self._now - life_s,),
        ).fetchall()
        for (channel,) in old:
            self._remove(channel)
            Parked(self._sql, channel).take_all()
            self._sql.execute("DELETE FROM touched WHERE channel = ?", (channel,))

    def _remove(self, channel: str) -> None:
        self._sql.execute("DELETE FROM sessions WHERE channel = ?", (channel,))
        self._sql.execute("DELETE FROM orders WHERE channel = ?", (channel,))

    def _is_forgotten(self, channel: str) -> bool:
        found = self._sql.execute(
            "SELECT 1 FROM touched WHERE channel = ? AND forgotten AND at > ?",
            (channel, self._now),
        )
        return found.fetchone() is not None

    def _touch(self, channel: str) -> None:
        self._sql.execute("INSERT OR REPLACE INTO touched VALUES (?, ?, 0)", (channel, self._now))
