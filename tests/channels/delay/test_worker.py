"""The delay server's loop, in this process."""

import logging
import os
import signal
import threading
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from channels.asgi import ChannelLayerWrapper, channel_layers
from channels.delay.sending import DueSender
from channels.delay.worker import Worker
from channels.exceptions import LayerUnavailable


class Ending(threading.Thread):
    """Stops a worker once `condition()` is true; the worker must then end within a second."""

    def __init__(self, worker, condition):
        super().__init__()
        self.worker, self.condition = worker, condition

    def run(self):
        deadline = time.monotonic() + 20
        while not self.condition() and time.monotonic() < deadline:
            threading.Event().wait(0.005)
        self.was_met = time.monotonic() < deadline
        started = time.monotonic()
        self.worker.stop()
        self.took_s = time.monotonic() - started


@pytest.fixture
def run_until(layer, table):
    """Run a worker over the layer until a condition is true."""

    def run(condition, **options):
        worker = Worker(layer, signal_handlers=False, **options)
        ending = Ending(worker, condition)
        ending.start()
        worker.run()
        ending.join()
        assert ending.was_met
        assert ending.took_s < 1
        assert worker.termed

    return run


def count(layer, channel):
    return layer.channel_statistics(channel)["messages_count"]


def test_a_message_comes_when_it_is_due_and_not_before(layer, run_until):
    sent_at = time.monotonic()
    layer.send("asgi.delay", {"channel": "later", "content": {"n": 1}, "delay": 300})
    run_until(lambda: count(layer, "later"), database_sleep_duration=9)
    assert 0.3 <= time.monotonic() - sent_at < 3
    assert layer.receive(["later"]) == ("later", {"n": 1})


def test_an_idle_server_stops_at_once(run_until):
    run_until(lambda: True, database_sleep_duration=60)


@pytest.mark.parametrize(
    "error", [OperationalError("gone"), LayerUnavailable("away"), LookupError("a bug")]
)
def test_it_goes_on_after_an_error(layer, run_until, put, monkeypatch, caplog, error):
    put()
    send_due = DueSender.send_due
    errors = [error, error]

    def fail_twice(self):
        if errors:
            raise errors.pop()
        return send_due(self)

    monkeypatch.setattr(DueSender, "send_due", fail_twice)
    monkeypatch.setattr("channels.delay.worker.FIRST_PAUSE_S", 0.001)
    with caplog.at_level(logging.ERROR):
        run_until(lambda: count(layer, "later"))
    assert len(caplog.records) == 2
    assert all("tries again in 0.0 s" in message for message in caplog.messages)


def test_sigterm_stops_it(layer, table):
    worker = Worker(layer)
    old = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        killer = threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGTERM])
        killer.start()
        worker.run()
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), old, strict=True):
            signal.signal(number, handler)
    assert worker.termed


# -- the command ----------------------------------------------------------------------------------


def test_a_layer_of_one_process_is_refused(layer):
    channel_layers.set("default", ChannelLayerWrapper(layer, "default", []))
    with pytest.raises(CommandError, match="works within one process only.*RedisChannelLayer"):
        call_command("rundelay")


def test_an_unknown_layer_is_refused():
    with pytest.raises(CommandError, match="no channel layer 'other' in CHANNEL_LAYERS"):
        call_command("rundelay", layer="other")


def test_no_sleep_is_refused(layer):
    wrapper = ChannelLayerWrapper(layer, "default", [])
    wrapper.local_only = lambda: False
    channel_layers.set("default", wrapper)
    with pytest.raises(CommandError, match="--sleep must be more than 0 seconds, got -1"):
        call_command("rundelay", sleep=-1.0)


class CountingWorker(Worker):
    """Ends after so many looks: `termed` is how many are left. As in the tests of 1.1.8."""

    left = 0

    @property
    def termed(self):
        if not self.left:
            return True
        self.left -= 1
        return False

    @termed.setter
    def termed(self, value):
        self.left = value


def test_a_worker_whose_termed_counts_ends_and_runs_again(layer, table):
    layer.send("asgi.delay", {"channel": "later", "content": {"n": 1}, "delay": 0})
    worker = CountingWorker(layer, signal_handlers=False, database_sleep_duration=0.01)
    worker.termed = 1
    worker.run()
    assert table.count() == 1
    worker.termed = 1
    worker.run()
    assert table.count() == 0
    assert count(layer, "later") == 1


def test_termed_true_ends_it(layer, table):
    worker = Worker(layer, signal_handlers=False)
    worker.termed = True
    worker.run()
    assert worker.termed
