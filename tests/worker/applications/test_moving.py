"""How much of an instance may travel."""

import asyncio

import pytest

from worker.applications.moving import MOST_STATE_BYTES, Baseline
from worker.applications.travel import CannotTravel


class Consumer:
    """One that says itself what to go on with: so many letters."""

    def __init__(self, count):
        self.scope, self.say = {}, lambda: "x" * count

    async def hand_over(self):
        return self.say()


def pack(consumer, **attributes):
    baseline = Baseline(consumer)
    vars(consumer).update(attributes)
    return asyncio.run(baseline.pack(consumer))


def test_what_hand_over_returns_is_named_if_it_makes_the_state_too_large():
    with pytest.raises(CannotTravel, match=r"what hand_over\(\) returned is a builtins.str: all"):
        pack(Consumer(MOST_STATE_BYTES), held="x")


def test_what_is_largest_on_the_consumer_is_named():
    with pytest.raises(CannotTravel, match=r"self\.held is a builtins.str: all of the state"):
        pack(Consumer(1), held="x" * MOST_STATE_BYTES, other="x")


def test_a_state_that_just_fits_travels():
    packed = pack(Consumer(MOST_STATE_BYTES // 2 - 200), held="x" * (MOST_STATE_BYTES // 2))
    assert MOST_STATE_BYTES - 300 < sum(map(len, packed.values())) <= MOST_STATE_BYTES
