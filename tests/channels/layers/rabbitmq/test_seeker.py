"""Who seeks a message in some queues, and is called off."""

import asyncio
from unittest import mock

import pytest

from channels.layers.rabbitmq.reader import Seeker


def make_seeker():
    """One that finds nothing."""
    engine = mock.Mock(run=mock.AsyncMock(return_value=None))
    engine.queues.is_acknowledged.return_value = False
    return Seeker(engine, ["work"])


def test_who_is_called_off_before_it_waits_does_not_wait():
    """As a receive that is cancelled before the transport's loop has begun with it."""

    async def scenario():
        seeker = make_seeker()
        seeker.call_off()
        return await asyncio.wait_for(seeker.wait(None), 5)

    assert asyncio.run(scenario()) is None


def test_who_waits_is_called_off_once():
    async def scenario():
        seeker = make_seeker()
        waiting = asyncio.ensure_future(seeker.wait(None))
        await asyncio.sleep(0.01)
        seeker.call_off()
        assert await asyncio.wait_for(waiting, 5) is None
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(seeker.wait(None), 0.05)

    asyncio.run(scenario())
