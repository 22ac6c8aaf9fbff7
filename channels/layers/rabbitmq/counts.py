"""What is counted of channels: in this process at first, and now and then in a drawer for all."""

from __future__ import annotations

import collections
from collections.abc import Callable

from channels.layers.counts import tell_lost
from channels.layers.memory.queues import RATE_WINDOW_S
from channels.layers.rabbitmq.drawers import Drawers
from channels.layers.rabbitmq.transport import Session

#: What is kept of one channel.
Kept = dict[str, float]


class BrokerCounts:
    """Counts by channel and key."""

    def __init__(self, drawers: Drawers, clock: Callable[[], float]) -> None:
        self._drawers, self._clock = drawers, clock
        self._counted: dict[str, collections.Counter[str]] = {}

    def add(self, name: str, key: str, number: int = 1) -> None:
        """Count something of a channel; others see it when it is written down."""
        if number:
            self._counted.setdefault(name, collections.Counter())[key] += number
            tell_lost(name, key, number)

    def clear(self) -> None:
        """Forget what was not written down."""
        self._counted.clear()

    async def write(self, session: Session) -> dict[str, Kept]:
        """Add what this process has counted to what all have; return that."""
        counted, self._counted = self._counted, {}
        now = self._clock()
        async with self._drawers.open(session, "counts") as state:
            for name, numbers in counted.items():
                kept = state.setdefault(name, {})
                for key, number in numbers.items():
                    kept[key] = kept.get(key, 0) + number
                turn_rate(kept, now)
                kept["rate_now"] += numbers["messages_count"]
            return {name: dict(kept) for name, kept in state.items()}


def turn_rate(kept: Kept, now: float) -> None:
    """Bring the two counters of messages a second up to date."""
    age = now - kept.setdefault("rate_began", 0.0)
    kept.setdefault("rate_now", 0)
    kept.setdefault("rate_before", 0)
    if age >= RATE_WINDOW_S:
        kept["rate_before"] = kept["rate_now"] if age < 2 * RATE_WINDOW_S else 0
        kept["rate_now"] = 0
        kept["rate_began"] = now - now % RATE_WINDOW_S
