"""The Meter that counts. Cheap where things happen; put into order when somebody looks."""

import bisect
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from channels.metrics.hooks import Meter

#: Upper bounds in seconds: from what a round trip takes to what a visitor does not wait for.
BOUNDS_S = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
#: Channels that are told apart; names that a project makes up as it runs are summed up as OTHERS.
MOST_CHANNELS = 200
OTHERS = "(others)"


class Histogram:
    """How many values lie below each of BOUNDS_S, and their sum."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect.bisect_left(BOUNDS_S, seconds)] += 1
        self.sum += seconds


class CountingMeter(Meter):
    """Counts what it is told. May be told from any thread."""

    is_on = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: dict[str, str] = {}
        self.sent: Counter[str] = Counter()
        self.received: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self.dead_letters: Counter[str] = Counter()
        self.lost: Counter[tuple[str, str]] = Counter()
        self.refused_requests: Counter[str] = Counter()
        self.refused_sockets: Counter[str] = Counter()
        self.closed_sockets: Counter[str] = Counter()
        #: Single numbers, by the part of the metric's name that is its own.
        self.totals: Counter[str] = Counter()
        self.waits: defaultdict[str, Histogram] = defaultdict(Histogram)
        self.runs: defaultdict[tuple[str, Callable[..., Any]], Histogram] = defaultdict(Histogram)
        self.round_trips = Histogram()
        self.first_bytes = Histogram()

    def kind_of(self, channel: str) -> str:
        """Return what a channel is shown as: never the name of one client's channel."""
        kind = self._kinds.get(channel)
        if kind is None:
            kind = _without_client(channel)
            if kind != channel:
                return self.kind_of(kind)  # not remembered: there is one for each client
            if len(self._kinds) >= MOST_CHANNELS:
                return OTHERS
            self._kinds[channel] = kind
        return kind

    # -- messages -----------------------------------------------------------------------------

    def message_sent(self, channel: str) -> None:
        with self._lock:
            self.sent[self.kind_of(channel)] += 1

    def group_sent(self) -> None:
        self._count("group_sends")

    def messages_received(self, channel: str, count: int = 1) -> None:
        with self._lock:
            self.received[self.kind_of(channel)] += count

    def messages_lost(self, channel: str, reason: str, count: int = 1) -> None:
        with self._lock:
            self.lost[self.kind_of(channel), reason] += count

    def consumed(
        self, channel: str, consumer: Callable[..., Any], waited_s: float | None, ran_s: float
    ) -> None:
        with self._lock:
            kind = self.kind_of(channel)
            self.received[kind] += 1
            if waited_s is not None:
                self.waits[kind].add(max(waited_s, 0.0))
            self.runs[kind, consumer].add(ran_s)

    def retried(self, channel: str) -> None:
        with self._lock:
            self.retries[self.kind_of(channel)] += 1

    def dead_lettered(self, channel: str) -> None:
        with self._lock:
            self.dead_letters[self.kind_of(channel)] += 1

    # -- the engine ---------------------------------------------------------------------------

    def round_trip(self, seconds: float) -> None:
        with self._lock:
            self.round_trips.add(seconds)

    def connection_lost(self) -> None:
        self._count("engine_connections_lost")

    def link_restarted(self) -> None:
        self._count("link_restarts")

    # -- clients ------------------------------------------------------------------------------

    def request_opened(self) -> None:
        self._count("requests_opened")

    def request_ended(self) -> None:
        self._count("requests_ended")

    def request_answered(self, seconds: float) -> None:
        with self._lock:
            self.first_bytes.add(seconds)

    def request_refused(self, reason: str) -> None:
        with self._lock:
            self.refused_requests[reason] += 1

    def socket_opened(self) -> None:
        self._count("sockets_opened")

    def socket_refused(self, reason: str) -> None:
        with self._lock:
            self.refused_sockets[reason] += 1

    def socket_closed(self, code: int) -> None:
        with self._lock:
            self.closed_sockets[_kind_of_code(code)] += 1

    def _count(self, what: str) -> None:
        with self._lock:
            self.totals[what] += 1

    # -- looking ------------------------------------------------------------------------------

    def copy(self) -> "CountingMeter":
        """Return the figures of this moment, which nobody changes any more."""
        copied = CountingMeter()
        with self._lock:
            for name, value in vars(self).items():
                if isinstance(value, Counter):
                    setattr(copied, name, Counter(value))
            for name in ("waits", "runs"):
                table = getattr(copied, name)
                table.update((key, _copy(value)) for key, value in getattr(self, name).items())
            copied.round_trips = _copy(self.round_trips)
            copied.first_bytes = _copy(self.first_bytes)
        return copied


def _copy(histogram: Histogram) -> Histogram:
    copied = Histogram()
    copied.counts, copied.sum = list(histogram.counts), histogram.sum
    return copied


def _without_client(channel: str) -> str:
    """`http.response.SERVER!CLIENT` is an `http.response`; `http.request.body?NAME` is a body."""
    name, mark, _ = channel.partition("?")
    if mark:
        return name
    name, mark, _ = channel.partition("!")
    return name.rpartition(".")[0] or name if mark else channel


def _kind_of_code(code: int) -> str:
    """Codes of an application's own are summed up by their thousand: clients choose them freely."""
    return str(code) if 1000 <= code < 1016 else f"{code // 1000}xxx"
