"""How often the layer is asked for what the live page shows."""

import pytest

from channels.exceptions import LayerUnavailable
from channels.monitor.reading import FRESH_S, StatusReader


class CountingLayer:
    """A layer whose status says how often it was asked."""

    def __init__(self):
        self.asked = 0
        self.error = None

    def status(self, names_age_s=0.0):
        if self.error:
            raise self.error
        self.asked += 1
        return {"servers": [{"id": str(self.asked)}], "workers": [], "channels": [], "groups": []}


@pytest.fixture
def layer():
    return CountingLayer()


@pytest.fixture
def clock():
    return [1000.0]


@pytest.fixture
def reader(layer, clock):
    return StatusReader(lambda: layer, clock=lambda: clock[0])


def test_many_who_look_ask_the_layer_once(reader, layer, clock):
    for _ in range(20):
        clock[0] += FRESH_S / 40
        reader.read()
    assert layer.asked == 1


def test_next_second_is_read_anew(reader, clock):
    first = reader.read()
    clock[0] += 1.0
    assert reader.read()["servers"] != first["servers"]


def test_what_was_changed_shows_at_once(reader, layer):
    reader.read()
    reader.forget()
    reader.read()
    assert layer.asked == 2


def test_clock_that_was_put_back_does_not_stop_the_page(reader, layer, clock):
    reader.read()
    clock[0] -= 3600
    reader.read()
    assert layer.asked == 2


def test_layer_that_is_away_is_asked_again(reader, layer):
    layer.error = LayerUnavailable("Redis is unreachable")
    with pytest.raises(LayerUnavailable):
        reader.read()
    layer.error = None
    assert reader.read()["servers"] == [{"id": "1"}]
