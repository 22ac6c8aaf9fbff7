"""The host of applications in a worker, and the instances that it takes."""

import pytest

from channels.layers import hosting
from channels.layers.memory import MemoryChannelLayer
from worker.applications.finding import Hosted
from worker.applications.host import ApplicationHost


class Instance:
    """One that ends at once."""

    channel_name, task, has_ended = "websocket.send.server!client", None, True

    def __init__(self, host, number):
        self.host, self.number, self.has_run = host, number, False

    async def run(self):
        self.has_run = True
        self.host.forget(self)


@pytest.fixture
def host():
    host = ApplicationHost(MemoryChannelLayer(), Hosted(None, True, False), "worker")
    yield host
    host.loop.close()


def test_a_copy_of_an_instance_that_has_ended_here_is_not_started(host):
    has_run = []
    for number in (2, 2, 1, 3):
        instance = Instance(host, number)
        host._start_instance(instance)
        if instance.task is not None:
            host.loop.run_until_complete(instance.task)
        has_run.append(instance.has_run)
    assert has_run == [True, False, False, True]


@pytest.mark.parametrize(
    ("number", "had_gone", "is_closed"),
    [(1, True, False), (2, True, False), (3, True, True), (1, False, False), (2, False, True)],
)
def test_a_late_frame_closes_a_socket_only_if_none_of_it_went_elsewhere(
    host, monkeypatch, number, had_gone, is_closed
):
    """If its application ended by itself, the close that this has sent may be lost."""
    sent = []
    monkeypatch.setattr(host.outbox, "put", lambda *message: sent.append(message))
    instance = Instance(host, 2)
    instance.has_ended = had_gone
    host._start_instance(instance)
    host.loop.run_until_complete(instance.task)
    frame = {"type": "websocket.receive", "reply_channel": Instance.channel_name, "number": number}
    host._dispatch_for_sockets(frame)
    assert bool(sent) is is_closed


@pytest.mark.parametrize(
    ("number", "is_let_go"), [(1, False), (2, False), (3, True), (4, True), (None, True)]
)
def test_word_that_is_late_takes_no_socket_from_an_instance_that_has_come_since(
    host, number, is_let_go
):
    """A worker that stood still is told for each old message, and may get the socket back."""
    let_go = []
    instance = Instance(host, 3)
    instance.let_go = lambda *, is_closed: let_go.append(is_closed)
    host._instances[instance.channel_name] = instance
    gone = {"type": hosting.GONE, "reply_channel": instance.channel_name, "number": number}
    host._dispatch_for_sockets({**gone, "is_closed": False})
    assert bool(let_go) is is_let_go
