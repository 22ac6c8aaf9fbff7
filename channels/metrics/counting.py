"""The Meter that counts. Cheap where things happen; put into order when somebody looks.

What it costs is measured by `python -m tests.benchmarks.overhead`. What comes with each message is
noted with an append, which needs no lock, and summed up now and then; all else is in plain dicts,
read and written under one lock.
"""

import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from channels.metrics.hooks import Meter

#: Upper bounds in seconds: from what a round trip takes to what a visitor does not wait for.
BOUNDS_S = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
#: Channels that are told apart; names that a project makes up as it runs are summed up as OTHERS.
MOST_CHANNELS = 200
OTHERS = "(others)"
#: Names whose kind is remembered: a worker meets two for each interface server there ever was.
MOST_REMEMBERED = 10_000

#: Values that are noted before they are summed up: many, as that is cheaper; few, as nobody notices
#: the time that it takes.
MOST_NOTED = 256

Value = TypeVar("Value")
#: What ran: the kind of its channel, and the consumer.
Ran = tuple[str, Callable[..., Any]]


class Histogram:
    """How many values lie below each of BOUNDS_S, and their sum.

    A value is noted with one append, and summed up with some hundred others: 0.13 us for each,
    where counting it at once, under a lock, takes 0.29.
    """

    __slots__ = ("_lock", "_noted", "counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum = 0.0
        self._noted: list[float] = []
        self._lock = threading.Lock()

    def add(self, seconds: float) -> None:
        """Count a value. From any thread."""
        noted = self._noted
        noted.append(seconds)
        if len(noted) > MOST_NOTED:
            self._sum_up()

    def _sum_up(self) -> None:
        with self._lock:
            values = _take(self._noted)
            values.sort()
            below = 0
            for place, bound in enumerate(BOUNDS_S):
                up_to = bisect_right(values, bound)
                self.counts[place] += up_to - below
                below = up_to
                if up_to == len(values):
                    break
            self.counts[-1] += len(values) - below
            self.sum += sum(values)

    def copy(self) -> "Histogram":
        """Return one that nobody adds to, with all that was added up to now."""
        self._sum_up()
        copied = Histogram()
        with self._lock:
            copied.counts, copied.sum = list(self.counts), self.sum
        return copied


def _take(noted: list[Value]) -> list[Value]:
    """Empty a list that other threads append to; return what was in it."""
    taken = noted[:]
    del noted[: len(taken)]
    return taken


class CountingMeter(Meter):
    """Counts what it is told. May be told from any thread."""

    is_on = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: dict[str, str] = {}
        self._shown: set[str] = set()
        #: Channels that messages went to since they were last summed up.
        self._sent_to: list[str] = []
        #: By the kind of a channel.
        self.sent: dict[str, int] = {}
        self.received: dict[str, int] = {}
        self.retries: dict[str, int] = {}
        self.dead_letters: dict[str, int] = {}
        self.lost: dict[tuple[str, str], int] = {}
        #: By reason, and by close code.
        self.refused_requests: dict[str, int] = {}
        self.refused_sockets: dict[str, int] = {}
        self.closed_sockets: dict[str, int] = {}
        #: By what came of them.
        self.hand_overs: dict[str, int] = {}
        #: Single numbers, by the part of the metric's name that is its own.
        self.totals: dict[str, int] = dict.fromkeys(
            (
                *("group_sends", "engine_connections_lost", "link_restarts"),
                *("requests_opened", "requests_ended", "sockets_opened"),
            ),
            0,
        )
        #: What ran -> how long its messages had waited, and how long it took.
        self.runs: dict[Ran, tuple[Histogram, Histogram]] = {}
        #: The same for handlers of class consumers, by the type of their event.
        self.handlers: dict[Ran, Histogram] = {}
        self.round_trips = Histogram()
        self.first_bytes = Histogram()
        self.hand_over_times = Histogram()

    def kind_of(self, channel: str) -> str:
        """Return what a channel is shown as: never the name of one client's channel."""
        # What comes before a mark is of a server, or of all: few, unlike what follows.
        head = channel.partition("!")[0]
        return self._kinds.get(head) or self._find_kind(channel, head)

    def _find_kind(self, channel: str, head: str) -> str:
        kind = kind_of_channel(channel)
        if kind not in self._shown:
            if len(self._shown) >= MOST_CHANNELS:
                return OTHERS
            self._shown.add(kind)
        if "?" not in head and len(self._kinds) < MOST_REMEMBERED:
            self._kinds[head] = kind
        return kind

    # -- messages -----------------------------------------------------------------------------

    def message_sent(self, channel: str) -> None:
        noted = self._sent_to
        noted.append(channel)
        if len(noted) > MOST_NOTED:
            self._sum_up_sent()

    def _sum_up_sent(self) -> None:
        with self._lock:
            for channel, count in Counter(_take(self._sent_to)).items():
                kind = self.kind_of(channel)
                self.sent[kind] = self.sent.get(kind, 0) + count

    def group_sent(self) -> None:
        self._add(self.totals, "group_sends")

    def messages_received(self, channel: str, count: int = 1) -> None:
        self._add(self.received, self.kind_of(channel), count)

    def messages_lost(self, channel: str, reason: str, count: int = 1) -> None:
        self._add(self.lost, (self.kind_of(channel), reason), count)

    def consumed(
        self, channel: str, consumer: Callable[..., Any], waited_s: float | None, ran_s: float
    ) -> None:
        found = self.runs.get((channel, consumer)) or self._begin_to_count(channel, consumer)
        waits, runs = found
        if waited_s is not None:
            waits.add(waited_s)
        runs.add(ran_s)

    def _begin_to_count(
        self, channel: str, consumer: Callable[..., Any]
    ) -> tuple[Histogram, Histogram]:
        with self._lock:
            return self.runs.setdefault(
                (self.kind_of(channel), consumer), (Histogram(), Histogram())
            )

    def handled(self, event: str, consumer: Callable[..., Any], ran_s: float) -> None:
        found = self.handlers.get((event, consumer))
        if found is None:
            with self._lock:
                found = self.handlers.setdefault((self.kind_of(event), consumer), Histogram())
        found.add(ran_s)

    def handed_over(self, result: str) -> None:
        self._add(self.hand_overs, result)

    def hand_over_took(self, seconds: float) -> None:
        self.hand_over_times.add(seconds)

    def retried(self, channel: str) -> None:
        self._add(self.retries, self.kind_of(channel))

    def dead_lettered(self, channel: str) -> None:
        self._add(self.dead_letters, self.kind_of(channel))

    # -- the engine ---------------------------------------------------------------------------

    def round_trip(self, seconds: float) -> None:
        self.round_trips.add(seconds)

    def connection_lost(self) -> None:
        self._add(self.totals, "engine_connections_lost")

    def link_restarted(self) -> None:
        self._add(self.totals, "link_restarts")

    # -- clients ------------------------------------------------------------------------------

    def request_opened(self) -> None:
        with self._lock:
            self.totals["requests_opened"] += 1

    def request_ended(self) -> None:
        with self._lock:
            self.totals["requests_ended"] += 1

    def request_answered(self, seconds: float) -> None:
        self.first_bytes.add(seconds)

    def request_refused(self, reason: str) -> None:
        self._add(self.refused_requests, reason)

    def socket_opened(self) -> None:
        self._add(self.totals, "sockets_opened")

    def socket_refused(self, reason: str) -> None:
        self._add(self.refused_sockets, reason)

    def socket_closed(self, code: int) -> None:
        self._add(self.closed_sockets, _kind_of_code(code))

    def _add(self, table: dict[Any, int], key: Any, count: int = 1) -> None:
        with self._lock:
            table[key] = table.get(key, 0) + count

    # -- looking ------------------------------------------------------------------------------

    def copy(self) -> "CountingMeter":
        """Return the figures of this moment, which nobody changes any more."""
        self._sum_up_sent()
        copied = CountingMeter()
        with self._lock:
            for name, value in vars(self).items():
                if isinstance(value, dict):
                    setattr(copied, name, {key: _copy(one) for key, one in value.items()})
                elif isinstance(value, Histogram):
                    setattr(copied, name, value.copy())
        for (kind, _), (_, runs) in copied.runs.items():
            copied.messages_received(kind, sum(runs.counts))
        return copied


def _copy(value: Any) -> Any:
    if isinstance(value, Histogram):
        return value.copy()
    return tuple(one.copy() for one in value) if isinstance(value, tuple) else value


def kind_of_channel(channel: str) -> str:
    """`http.response.SERVER!CLIENT` is an `http.response`; `http.request.body?NAME` is a body."""
    name, mark, _ = channel.partition("?")
    if mark:
        return name
    name, mark, _ = channel.partition("!")
    return name.rpartition(".")[0] or name if mark else channel


def _kind_of_code(code: int) -> str:
    """Codes of an application's own are summed up by their thousand: clients choose them freely."""
    return str(code) if 1000 <= code < 1016 else f"{code // 1000}xxx"
