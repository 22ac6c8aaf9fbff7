"""The host of applications in a worker, and the instances that it takes."""

import pytest

from channels.layers.memory import MemoryChannelLayer
from worker.applications.finding import Hosted
from worker.applications.host import ApplicationHost


class Instance:
    """One that ends at once."""

    channel_name, task = "websocket.send.server!client", None

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


@pytest.mark.parametrize(("number", "is_closed"), [(1, False), (2, False), (3, True)])
def test_a_late_frame_for_an_instance_that_has_ended_here_closes_nothing(
    host, monkeypatch, number, is_closed
):
    sent = []
    monkeypatch.setattr(host.outbox, "put", lambda *message: sent.append(message))
    instance = Instance(host, 2)
    host._start_instance(instance)
    host.loop.run_until_complete(instance.task)
    frame = {"type": "websocket.receive", "reply_channel": Instance.channel_name, "number": number}
    host._dispatch_for_sockets(frame)
    assert bool(sent) is is_closed
