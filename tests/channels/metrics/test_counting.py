"""What is counted, and by what labels."""

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from channels.layers.memory import MemoryChannelLayer
from channels.metrics import hooks
from channels.metrics.counting import BOUNDS_S, MOST_CHANNELS, OTHERS, CountingMeter, Histogram
from channels.metrics.exposition import Collector, QueueFigures, make_registry
from channels.metrics.names import METRICS


class Watched:
    channels = ("http.request",)

    def __init__(self, place):
        self.place = place

    def received(self):
        return {"replies": 5}

    def gauges(self):
        if self.place == "server":
            return {}
        return {
            "channels_worker_threads": 2,
            "channels_worker_threads_busy": 1,
            "channels_worker_sockets": 0,
        }


class Layer:
    """A layer whose one channel has three messages, the oldest 4 s old, and one worker."""

    extensions = ("statistics", "status")

    def channel_statistics(self, channel):
        return {"messages_pending": 3, "messages_max_age": 4.0}

    def living_workers(self):
        return [{"channels": ["http.request"]}, {"channels": ["mail"]}]


def consumer(message):
    pass


def tell_everything(meter):
    meter.message_sent("http.request")
    meter.group_sent()
    meter.messages_received("websocket.receive", 2)
    meter.messages_lost("mail", "full", 3)
    meter.consumed("mail", consumer, 0.3, 0.02)
    meter.handed_over("given")
    meter.hand_over_took(0.02)
    meter.retried("mail")
    meter.dead_lettered("mail")
    meter.round_trip(0.002)
    meter.connection_lost()
    meter.link_restarted()
    meter.request_opened()
    meter.request_answered(0.004)
    meter.request_refused("channel full")
    meter.socket_opened()
    meter.socket_refused("denied")
    meter.socket_closed(1001)


def read(registry):
    """Return the metrics of a registry: (name, labels as a dict's items) -> value."""
    text = generate_latest(registry).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize("place", ["server", "worker"])
def test_every_metric_that_is_named_is_shown_and_no_other(place):
    meter = CountingMeter()
    tell_everything(meter)
    registry = CollectorRegistry(auto_describe=False)
    watched = Watched(place)
    registry.register(Collector(meter, watched, QueueFigures(Layer(), watched)))
    shown = {family.name: family for family in registry.collect()}
    assert set(shown) == {name for name, it in METRICS.items() if it.where in ("both", place)}
    for name, family in shown.items():
        assert family.type == METRICS[name].kind, name
        assert family.samples, name
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(METRICS[name].labels), name


def test_figures_are_those_that_were_told():
    meter = CountingMeter()
    tell_everything(meter)
    shown = read(make_registry(meter, Watched("worker"), Layer()))
    assert shown["channels_messages_sent_total", (("channel", "http.request"),)] == 1
    assert shown["channels_messages_received_total", (("channel", "websocket.receive"),)] == 2
    assert shown["channels_messages_received_total", (("channel", "replies"),)] == 5
    lost = (("channel", "mail"), ("reason", "full"))
    assert shown["channels_messages_lost_total", lost] == 3
    who = (("channel", "mail"), ("consumer", "tests.channels.metrics.test_counting.consumer"))
    assert shown["channels_consumer_run_seconds_count", who] == 1
    for bound, count in (("0.025", 1), ("0.01", 0)):
        labels = tuple(sorted((*who, ("le", bound))))
        assert shown["channels_consumer_run_seconds_bucket", labels] == count
    assert shown["channels_message_wait_seconds_sum", (("channel", "mail"),)] == 0.3
    assert shown["channels_channel_messages", (("channel", "http.request"),)] == 3
    assert shown["channels_channel_workers", (("channel", "http.request"),)] == 1
    assert shown["channels_engine_up", ()] == 1


def test_handlers_of_class_consumers_are_shown_by_event_and_class():
    meter = CountingMeter()
    meter.handled("chat.message", Layer, 0.02)
    shown = read(make_registry(meter, Watched("worker"), Layer()))
    who = (("channel", "chat.message"), ("consumer", "tests.channels.metrics.test_counting.Layer"))
    assert shown["channels_consumer_run_seconds_count", who] == 1
    assert not [
        name
        for name, labels in shown
        if name == "channels_messages_received_total" and ("channel", "chat.message") in labels
    ]


def test_open_is_what_was_opened_and_has_not_ended():
    meter = CountingMeter()
    for _ in range(3):
        meter.request_opened()
        meter.socket_opened()
    meter.request_ended()
    meter.socket_closed(1000)
    shown = read(make_registry(meter, Watched("server"), Layer()))
    assert shown["channels_requests_open", ()] == 2
    assert shown["channels_sockets_open", ()] == 2


@pytest.mark.parametrize(
    ("channel", "kind"),
    [
        ("http.request", "http.request"),
        ("http.request.body?aXb4", "http.request.body"),
        ("websocket.send.Hk3f!2a", "websocket.send"),
        ("http.response.Hk3f!", "http.response"),
        ("mine!xyz", "mine"),
    ],
)
def test_channel_of_one_client_is_shown_as_its_kind(channel, kind):
    assert CountingMeter().kind_of(channel) == kind


@given(st.lists(st.text("abcdefgh-.", min_size=1, max_size=12), max_size=600))
def test_labels_have_bounds_whatever_channels_a_project_makes_up(names):
    meter = CountingMeter()
    for name in names:
        meter.message_sent(name)
        meter.message_sent(f"{name}!{name}")
    sent = meter.copy().sent
    assert len(sent) <= MOST_CHANNELS + 1
    assert sum(sent.values()) == 2 * len(names)
    assert len(sent) <= MOST_CHANNELS or OTHERS in sent


def test_codes_that_clients_choose_are_summed_up():
    meter = CountingMeter()
    for code in range(4000, 5000):
        meter.socket_closed(code)
    assert dict(meter.closed_sockets) == {"4xxx": 1000}


def test_no_count_is_lost_between_threads():
    meter = CountingMeter()

    def tell():
        for _ in range(2_000):
            meter.message_sent("mail")
            meter.round_trip(0.001)

    threads = [threading.Thread(target=tell) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    figures = meter.copy()
    assert figures.sent["mail"] == 16_000
    assert figures.round_trips.counts[BOUNDS_S.index(0.001)] == 16_000


@given(st.lists(st.one_of(st.sampled_from(BOUNDS_S), st.floats(0, 100)), max_size=700))
def test_each_value_is_counted_below_the_first_bound_that_it_does_not_exceed(values):
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    bounds = (-math.inf, *BOUNDS_S, math.inf)
    counted = histogram.copy()
    assert counted.counts == [
        sum(low < value <= high for value in values)
        for low, high in zip(bounds, bounds[1:], strict=False)
    ]
    assert counted.sum == pytest.approx(sum(values))


def test_nothing_is_counted_until_it_is_asked_for():
    tell_everything(hooks.Meter())
    assert not hooks.meter.is_on


def test_layers_of_entries_tell_how_long_a_message_has_waited():
    layer = MemoryChannelLayer(clock=lambda: 1_000.0)
    layer.send("mail", {})
    reader = layer.open_reader(["mail"])
    _, delivery = reader.take()
    assert delivery.sent_at == 1_000.0
