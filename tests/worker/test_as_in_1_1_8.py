"""What tests and programs of 1.1.8 do with a worker."""

import threading
from unittest import mock

import pytest
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.management import call_command
from django.http.request import RawPostDataException
from django.test import override_settings

from channels.asgi import ChannelLayerWrapper, channel_layers
from channels.handler import AsgiRequest
from channels.layers.memory import MemoryChannelLayer
from channels.routing import route
from channels.worker import Worker
from tests.worker.test_loop import receive


class Counting(Worker):
    """Ends after so many messages: `termed` is how many are left."""

    left = 0

    def get_termed(self):
        if not self.left:
            return True
        self.left -= 1
        return False

    def set_termed(self, value):
        self.left = value

    termed = property(get_termed, set_termed)


def make_layer(*routes):
    return ChannelLayerWrapper(MemoryChannelLayer(), "default", list(routes))


def run_to_its_end(worker):
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("count", [1, 3])
def test_a_worker_whose_termed_counts_ends_after_so_many_messages(count):
    seen = []
    layer = make_layer(route("in", lambda message: seen.append(message["n"])))
    for n in range(5):
        layer.send("in", {"n": n})
    worker = Counting(layer, signal_handlers=False)
    worker.termed = count
    run_to_its_end(worker)
    assert seen == list(range(count))


def test_a_worker_with_nothing_to_do_ends_too():
    worker = Counting(make_layer(route("in", print)), signal_handlers=False)
    worker.termed = 2
    run_to_its_end(worker)


def test_what_the_last_consumer_sent_goes_out():
    layer = make_layer(route("in", lambda message: message.reply_channel.send({"n": 1})))
    layer.send("in", {"reply_channel": "out"})
    worker = Counting(layer, signal_handlers=False)
    worker.termed = 1
    run_to_its_end(worker)
    assert layer.receive(["out"]) == ("out", {"n": 1})


def test_termed_true_ends_a_worker():
    def consume(message):
        worker.termed = True

    layer = make_layer(route("in", consume))
    worker = Worker(layer, signal_handlers=False)
    assert not worker.termed
    layer.send("in", {})
    run_to_its_end(worker)
    assert worker.termed


def test_channel_filters_give_a_list_in_its_order():
    worker = Worker(
        make_layer(route("yes.1", print)), only_channels=["yes.*"], exclude_channels=["yes.3"]
    )
    names = ["yes.2", "no.1", "yes.1", "yes.3"]
    assert worker.apply_channel_filters(names) == ["yes.2", "yes.1"]


def test_the_worker_of_runworker_can_be_replaced():
    layer = make_layer(route("in", print))
    layer.local_only = lambda: False
    old = channel_layers.set("fake", layer)
    try:
        with (
            mock.patch("channels.management.commands.runworker.Worker") as worker,
            override_settings(CHANNEL_LAYERS={"fake": {}}),
        ):
            call_command("runworker", "--layer", "fake", skip_checks=True)
    finally:
        channel_layers.set("fake", old)
    assert worker.call_args.kwargs["only_channels"] == []
    worker.return_value.run.assert_called_once_with()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SuspiciousOperation("odd"), 400),
        (BadRequest("odd"), 400),
        (RawPostDataException("odd"), 500),
        (ValueError("odd"), 500),
    ],
)
def test_a_consumer_of_requests_that_fails_answers_as_a_view_does(run_worker, error, status):
    def consume(message):
        raise error

    layer = run_worker([route("http.request", consume)])
    layer.send("http.request", {"reply_channel": "http.response.x!1", "path": "/"})
    assert receive(layer, "http.response.x!")["status"] == status


def test_a_body_that_django_finds_too_large_is_a_400_and_the_log_names_the_setting(
    run_worker, caplog
):
    def consume(message):
        message.reply_channel.send({"status": 200, "content": AsgiRequest(message).body})

    layer = run_worker([route("http.request", consume)])
    content = {"path": "/", "method": "POST", "body": b"x" * 20, "headers": []}
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=10):
        layer.send("http.request", {"reply_channel": "http.response.x!1", **content})
        assert receive(layer, "http.response.x!")["status"] == 400
    assert "DATA_UPLOAD_MAX_MEMORY_SIZE" in caplog.text
