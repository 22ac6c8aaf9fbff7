"""What belongs to one socket, as it lies in a drawer: its record, its session, its order."""

from __future__ import annotations

from typing import Any

from channels.layers.entries import Entry
from channels.layers.memory.sockets import FORGOTTEN_S, Condition, SocketOrder
from channels.layers.operations import Turn
from channels.layers.rabbitmq.drawers import Record


class KeptOrder(SocketOrder):
    """A SocketOrder in a record. What was set free stays parked until it begins, as the worker that
    was told of it may die."""

    def __init__(self, record: Record, first: int) -> None:
        super().__init__(first)
        self._record = record
        self.owner: str | None = None
        kept = record.get("order")
        if kept is not None:
            condition, self.next, self.running, self.missed_at, self.moved_at, self.owner = kept
            self.condition = Condition(condition)
        parked = record.get("parked", {})
        self.parked = {order: entry_of(values) for order, values in parked.items()}

    def begin(self, order: int, entry: Entry, now: float) -> Turn:
        is_next = order == self.next and self.running is None
        if self.condition is Condition.IN_ORDER and is_next:
            self.parked.pop(order, None)
        turn: Turn = super().begin(order, entry, now)
        return turn

    def finish(self, order: int, now: float) -> Entry | None:
        if self.condition is Condition.IN_ORDER and order == self.next - 1 and self.running is None:
            return self.parked.get(self.next)  # asked again: the answer may have got lost
        if order < self.next or self.condition is not Condition.IN_ORDER:
            return None
        self.moved_at = now
        self.next = order + 1
        self.running = self.missed_at = self.owner = None
        return self.parked.get(self.next)

    def save(self) -> None:
        """Put it back into the record."""
        self._record["order"] = [
            self.condition.value,
            self.next,
            self.running,
            self.missed_at,
            self.moved_at,
            self.owner,
        ]
        self._record["parked"] = {
            order: [entry.queue, entry.payload, entry.attempts]
            for order, entry in self.parked.items()
        }


def entry_of(values: list[Any]) -> Entry:
    """The parked Entry of what a record keeps of it."""
    queue, payload, attempts = values
    return Entry(queue, ("",), payload, 0.0, 0.0, attempts)


def record_of(state: dict[str, Record], channel: str) -> Record:
    """The record of a socket, made if there is none."""
    record: Record = state.setdefault(channel, {})
    return record


def is_forgotten(state: dict[str, Record], channel: str, now: float) -> bool:
    """Whether a socket's disconnect has been consumed: stragglers are stale."""
    return bool(state.get(channel, {}).get("forgotten", now) > now)


def forget(state: dict[str, Record], channel: str, now: float) -> list[Entry]:
    """Let a socket go; return what was still parked of it."""
    record = state.pop(channel, {})
    state[channel] = {"forgotten": now + FORGOTTEN_S}
    if record.get("groups"):
        state[channel]["groups"] = record["groups"]
    return [entry_of(values) for values in record.get("parked", {}).values()]
