"""The figures of a process as Prometheus reads them (needs prometheus-client)."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from channels.exceptions import LayerUnavailable
from channels.metrics.counting import BOUNDS_S, CountingMeter, Histogram
from channels.metrics.names import METRICS
from channels.utils import name_that_thing

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer

#: Looks at the engine are remembered for this long: two Prometheus servers cost no more than one.
LOOK_EVERY_S = 1.0


class Watched(Protocol):
    """What a process shows beside its counts.

    Attributes:
        place: "server" or "worker": which metrics it has (see names.py).
    """

    place: str

    @property
    def channels(self) -> Iterable[str]:
        """The channels whose queues it shows."""
        ...

    def received(self) -> Mapping[str, int]:
        """Messages that came in besides those that were counted, by channel."""
        ...

    def gauges(self) -> Mapping[str, float]:
        """Figures of this moment, by the names of their metrics."""
        ...


class QueueFigures:
    """What waits on channels, and who takes it, as the layer's engine says."""

    def __init__(self, layer: BaseChannelLayer, watched: Watched) -> None:
        self._layer, self._watched = layer, watched
        self._lock = threading.Lock()
        self._looked_at = 0.0
        self._seen: dict[str, dict[str, float]] = {}
        self.is_up = False

    def look(self) -> Mapping[str, Mapping[str, float]]:
        """Return lengths, ages and takers by channel; all empty while the engine is away."""
        with self._lock:
            if time.monotonic() - self._looked_at >= LOOK_EVERY_S:
                self._seen, self._looked_at = self._ask(), time.monotonic()
            return self._seen

    def _ask(self) -> dict[str, dict[str, float]]:
        names = sorted(self._watched.channels)
        seen: dict[str, dict[str, float]] = {"lengths": {}, "ages": {}, "takers": {}}
        try:
            for name in names:
                if "statistics" in self._layer.extensions:
                    found = self._layer.channel_statistics(name)
                    seen["lengths"][name] = found["messages_pending"]
                    seen["ages"][name] = found["messages_max_age"]
            if "status" in self._layer.extensions:
                takers = [set(w.get("channels", ())) for w in self._layer.living_workers()]
                seen["takers"] = {name: sum(name in took for took in takers) for name in names}
        except LayerUnavailable:
            self.is_up = False
            return {"lengths": {}, "ages": {}, "takers": {}}
        self.is_up = True
        return seen


class Collector:
    """Gives prometheus-client the metrics of a process."""

    def __init__(self, meter: CountingMeter, watched: Watched, queues: QueueFigures) -> None:
        self._meter, self._watched, self._queues = meter, watched, queues

    def collect(self) -> Iterator[Metric]:
        """Yield every metric that this kind of process has."""
        for metric in self._collect_all():
            if METRICS[metric.name].where in ("both", self._watched.place):
                yield metric

    def _collect_all(self) -> Iterator[Metric]:
        figures = self._meter.copy()
        for channel, count in self._watched.received().items():
            figures.messages_received(channel, count)
        yield from _counters(figures)
        yield from _histograms(figures)
        gauges = dict(self._watched.gauges())
        gauges["channels_requests_open"] = (
            figures.totals["requests_opened"] - figures.totals["requests_ended"]
        )
        gauges["channels_sockets_open"] = figures.totals["sockets_opened"] - sum(
            figures.closed_sockets.values()
        )
        seen = self._queues.look()
        gauges["channels_engine_up"] = float(self._queues.is_up)
        for name, value in gauges.items():
            yield _gauge(name, {(): value})
        for name, key in (
            ("channels_channel_messages", "lengths"),
            ("channels_channel_oldest_message_seconds", "ages"),
            ("channels_channel_workers", "takers"),
        ):
            yield _gauge(name, {(channel,): value for channel, value in seen[key].items()})


def make_registry(
    meter: CountingMeter, watched: Watched, layer: BaseChannelLayer
) -> CollectorRegistry:
    """Return what `prometheus_client.generate_latest` turns into text."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(Collector(meter, watched, QueueFigures(layer, watched)))
    return registry


def _counters(figures: CountingMeter) -> Iterator[Metric]:
    by_channel = {
        "channels_messages_sent": figures.sent,
        "channels_messages_received": figures.received,
        "channels_messages_retried": figures.retries,
        "channels_messages_dead_lettered": figures.dead_letters,
        "channels_requests_refused": figures.refused_requests,
        "channels_sockets_refused": figures.refused_sockets,
        "channels_sockets_closed": figures.closed_sockets,
        "channels_hand_overs": figures.hand_overs,
    }
    for name, counts in by_channel.items():
        yield _counter(name, {(label,): count for label, count in counts.items()})
    yield _counter("channels_messages_lost", figures.lost)
    for what in (
        "group_sends",
        "requests_opened",
        "sockets_opened",
        "engine_connections_lost",
        "link_restarts",
    ):
        yield _counter(f"channels_{what}", {(): figures.totals[what]})


def _histograms(figures: CountingMeter) -> Iterator[Metric]:
    runs = {
        (channel, name_that_thing(consumer)): histogram
        for (channel, consumer), (_, histogram) in figures.runs.items()
    }
    for (event, consumer), histogram in figures.handlers.items():
        runs[event, name_that_thing(consumer)] = histogram
    yield _histogram("channels_consumer_run_seconds", runs)
    yield _histogram("channels_message_wait_seconds", _by_channel(figures))
    yield _histogram("channels_engine_round_trip_seconds", {(): figures.round_trips})
    yield _histogram("channels_request_first_byte_seconds", {(): figures.first_bytes})
    yield _histogram("channels_hand_over_seconds", {(): figures.hand_over_times})


def _by_channel(figures: CountingMeter) -> dict[tuple[str], Histogram]:
    """The waits on each channel, whichever consumer its messages went to."""
    waits: dict[tuple[str], Histogram] = {}
    for (channel, _), (histogram, _) in figures.runs.items():
        whole = waits.setdefault((channel,), Histogram())
        whole.counts = [a + b for a, b in zip(whole.counts, histogram.counts, strict=True)]
        whole.sum += histogram.sum
    return waits


# `values` below are by the values of the labels, as tuples in the order of Described.labels.


def _counter(name: str, values: Mapping[Any, float]) -> Metric:
    described = METRICS[name]
    family = CounterMetricFamily(name, described.help, labels=described.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _gauge(name: str, values: Mapping[Any, float]) -> Metric:
    described = METRICS[name]
    family = GaugeMetricFamily(name, described.help, labels=described.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _histogram(name: str, values: Mapping[Any, Histogram]) -> Metric:
    described = METRICS[name]
    family = HistogramMetricFamily(name, described.help, labels=described.labels)
    for labels, histogram in values.items():
        sums = list(itertools.accumulate(histogram.counts))
        bounds = [*map(str, BOUNDS_S), "+Inf"]
        family.add_metric(labels, list(zip(bounds, sums, strict=True)), histogram.sum)
    return family
