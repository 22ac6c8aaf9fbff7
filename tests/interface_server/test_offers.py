"""An instance whose worker is dead is offered until somebody has it."""

import asyncio

import pytest

from channels.layers import hosting
from interface_server.owners import sending


class Process:
    """Counts what is sent, and says whether there are workers."""

    def __init__(self, are_there):
        self.loop, self.sent, self._are_there = asyncio.get_running_loop(), [], are_there
        self.link = self.takers = self

    async def send(self, channel, message):
        self.sent.append(channel)

    async def are_there(self):
        return self._are_there


@pytest.fixture
def offer(monkeypatch):
    """Offer an instance that is free until it was asked about `asked` times; return the offers."""
    monkeypatch.setattr(sending, "OFFER_AGAIN_S", 0.001)

    def offer(asked, are_there=True):
        async def scenario():
            process = Process(are_there)
            process.options = type("Options", (), {"websocket_patience_s": 1.0})
            answers = iter([True] * asked)
            await sending.OwnerSender(process).offer({}, lambda: next(answers, False))
            return process.sent

        return asyncio.run(scenario())

    return offer


def test_an_instance_that_somebody_has_taken_is_offered_once(offer):
    assert offer(asked=0) == [hosting.RESUME]


def test_an_instance_that_went_to_a_worker_that_stands_still_is_offered_again(offer):
    assert offer(asked=2) == [hosting.RESUME] * 2


def test_nobody_is_offered_anything_while_there_are_no_workers(offer):
    assert offer(asked=30, are_there=False) == [hosting.RESUME]


def test_offers_come_to_an_end(offer):
    assert offer(asked=1_000) == [hosting.RESUME] * sending.OFFERS
