"""What is left of a message that found no room."""

import asyncio
import contextlib
import gc
from collections.abc import Iterator

import pytest

from channels.exceptions import ChannelFull
from channels.layers.base import BaseChannelLayer
from channels.layers.memory import MemoryChannelLayer
from channels.layers.redis import RedisChannelLayer
from tests.processes import RedisServer


@pytest.fixture(params=["memory", "redis"])
def layer(request: pytest.FixtureRequest) -> Iterator[BaseChannelLayer]:
    if request.param == "memory":
        yield MemoryChannelLayer(capacity=1)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    layer = RedisChannelLayer(hosts=[server.url], capacity=1)
    yield layer
    layer.close()


@pytest.fixture
def refusals_before() -> Iterator[int]:
    """How many there are in memory as the test begins; garbage is not collected meanwhile."""
    gc.collect()
    gc.disable()
    yield refusals_in_memory()
    gc.enable()


def refusals_in_memory() -> int:
    return sum(isinstance(one, ChannelFull) for one in gc.get_objects())


def test_a_refused_message_does_not_wait_for_the_garbage_collection(
    layer: BaseChannelLayer, refusals_before: int
) -> None:
    layer.send("jobs", {"n": 1})
    for _ in range(3):
        with contextlib.suppress(ChannelFull):
            layer.send("jobs", {"n": 2})
    assert refusals_in_memory() == refusals_before


def test_neither_does_one_that_a_coroutine_sends(
    layer: BaseChannelLayer, refusals_before: int
) -> None:
    async def scenario() -> int:
        await layer.asend("jobs", {"n": 1})
        for _ in range(3):
            with contextlib.suppress(ChannelFull):
                await layer.asend("jobs", {"n": 2})
        count = refusals_in_memory()
        await layer.aclose()
        return count

    assert asyncio.run(scenario()) == refusals_before
