"""Uploads under Daphne: how the connection is paused."""

import asyncio

import pytest
from twisted.internet.task import Clock
from twisted.protocols.policies import TimeoutMixin

from interface_server.hosts.daphne_upload import BodyQueue

PIECE = {"type": "http.request", "body": bytes(300_000), "more_body": True}
IDLE_S = 60


class Transport:
    is_paused = False

    def pauseProducing(self):
        self.is_paused = True

    def resumeProducing(self):
        self.is_paused = False


class Channel(TimeoutMixin):
    """A connection, as far as a body's queue knows it."""

    def __init__(self):
        self.transport, self.clock, self.is_cut = Transport(), Clock(), False
        self.callLater = self.clock.callLater
        self.setTimeout(IDLE_S)

    def timeoutConnection(self):
        self.is_cut = True


@pytest.fixture
def channel():
    return Channel()


def take(queue):
    return asyncio.run(queue())


def test_a_client_that_is_kept_waiting_is_not_cut_off(channel):
    queue = BodyQueue(channel)
    queue.put(PIECE)
    assert channel.transport.is_paused
    channel.clock.advance(10 * IDLE_S)
    assert not channel.is_cut


def test_a_client_that_falls_silent_after_that_is_cut_off(channel):
    queue = BodyQueue(channel)
    queue.put(PIECE)
    assert take(queue)["body"] == PIECE["body"]
    assert not channel.transport.is_paused
    channel.clock.advance(IDLE_S - 1)
    assert not channel.is_cut
    channel.clock.advance(1)
    assert channel.is_cut


def test_the_time_out_of_a_connection_whose_upload_is_complete_is_for_twisted(channel):
    queue = BodyQueue(channel)
    queue.put(PIECE)
    saved = channel.setTimeout(None)  # what Twisted does when all of the content is there
    assert saved == IDLE_S
    take(queue)
    channel.clock.advance(10 * IDLE_S)
    assert not channel.is_cut
