"""A worker is known to live from before its first message until after its last."""

import threading

import pytest

from channels.asgi import ChannelLayerWrapper
from channels.layers.memory import MemoryChannelLayer
from channels.routing import route
from channels.worker import Worker
from tests.processes import wait_until
from worker import process


class NotingLayer(MemoryChannelLayer):
    """Notes when workers keep house."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def keep_house(self, worker_id, facts, channels):
        self.calls.append("keep")

    def leave_house(self, worker_id):
        self.calls.append("leave")

    def open_reader(self, channels):
        self.calls.append("read")
        return super().open_reader(channels)


@pytest.fixture
def layer():
    return NotingLayer()


def start(layer, consumer):
    """Start a worker in a thread; returns it and the thread."""
    worker = Worker(
        ChannelLayerWrapper(layer, "default", [route("work", consumer)]),
        signal_handlers=False,
        only_channels=["work"],
    )
    thread = threading.Thread(target=worker.run)
    thread.start()
    return worker, thread


def test_a_worker_shows_that_it_lives_before_it_takes_a_message(layer):
    worker, thread = start(layer, lambda message: None)
    worker.stop()
    thread.join()
    assert layer.calls == ["keep", "read", "leave"]


def test_a_worker_that_drains_shows_that_it_lives_until_its_last_consumer_has_ended(
    layer, monkeypatch
):
    monkeypatch.setattr(process, "HOUSEKEEPING_S", 0.02)
    running, may_end = threading.Event(), threading.Event()

    def consumer(message):
        running.set()
        may_end.wait(10)

    layer.send("work", {})
    worker, thread = start(layer, consumer)
    assert running.wait(10)
    worker.stop()
    known = len(layer.calls)
    wait_until(lambda: len(layer.calls) > known + 2, what="keeping house while it drains")
    may_end.set()
    thread.join()
    assert layer.calls[-1] == "leave"
