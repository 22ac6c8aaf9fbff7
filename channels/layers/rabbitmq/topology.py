"""Which queues and exchanges there are, by what they are for.

Below the layer's prefix:

    q.<name>      the messages of a channel (or process): as many as its capacity allows
    f.<name>      what goes in front of them, whatever the capacity: put back, due, replayed
    l.<name>.<ms> messages that wait for so many milliseconds, and then go to f.<name>
    d.<name>      its dead letters, the last 1,000
    drawer.<name> state that is no message: see drawers.py
    expired       what has expired, to be counted
    due, wake     exchanges: what f.<name> gets, and word of what is new, for those who wait
    news          exchange: which clients can't be written to
"""

from __future__ import annotations

import dataclasses
from typing import Any

from channels.layers.memory.queues import DEAD_LETTERS
from channels.layers.names import is_of_process, is_response, is_socket

#: Seconds for which a queue is kept that nobody reads or declares again.
IDLE_S = 3_600
#: The same for single-reader queues, beyond the expiry of their messages.
SINGLE_READER_IDLE_S = 60
#: Expired messages that are kept until they are counted.
EXPIRED_KEPT = 10_000


def written(name: str) -> str:
    """A channel's name in that of a queue: AMQP libraries refuse some characters there."""
    return name.replace("!", "@").replace("?", "#")


def is_consumed(name: str) -> bool:
    """Whether a link consumes the queue of a channel, so that nobody has to be told of what is new
    there: replies to the clients of a server, and the channels of a process of its own."""
    return name.endswith("!") and (is_socket(name) or is_response(name) or is_of_process(name))


@dataclasses.dataclass(frozen=True)
class Topology:
    """Names and arguments of queues below a prefix."""

    prefix: str

    def main(self, name: str) -> str:
        return f"{self.prefix}q.{written(name)}"

    def front(self, name: str) -> str:
        return f"{self.prefix}f.{written(name)}"

    def late(self, name: str, delay_ms: int) -> str:
        return f"{self.prefix}l.{written(name)}.{delay_ms}"

    def dead(self, name: str) -> str:
        return f"{self.prefix}d.{written(name)}"

    def drawer(self, name: str) -> str:
        return f"{self.prefix}drawer.{name}"

    @property
    def expired(self) -> str:
        return f"{self.prefix}expired"

    @property
    def due(self) -> str:
        return f"{self.prefix}due"

    @property
    def wake(self) -> str:
        return f"{self.prefix}wake"

    @property
    def news(self) -> str:
        return f"{self.prefix}news"

    def name_of(self, queue: str) -> str:
        """The channel that a main or front queue is of."""
        return queue[len(self.prefix) + 2 :].replace("@", "!").replace("#", "?")

    def arguments(self, name: str, expiry_s: float, capacity: int | None) -> dict[str, Any]:
        """Arguments of the main queue, or of the front one (`capacity` is None)."""
        idle_s = 2 * expiry_s + SINGLE_READER_IDLE_S if "?" in name else IDLE_S + 2 * expiry_s
        limits: dict[str, Any] = {}
        if capacity is not None:
            limits = {"x-max-length": capacity, "x-overflow": "reject-publish"}
        return {
            "x-message-ttl": int(expiry_s * 1000),
            "x-expires": int(idle_s * 1000),
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self.expired,
            **limits,
        }

    def late_arguments(self, name: str, delay_ms: int) -> dict[str, Any]:
        return {
            "x-message-ttl": delay_ms,
            "x-expires": delay_ms + 60_000,
            "x-dead-letter-exchange": self.due,
            "x-dead-letter-routing-key": name,
        }

    @staticmethod
    def dead_arguments() -> dict[str, Any]:
        return {"x-max-length": DEAD_LETTERS, "x-overflow": "drop-head"}
