"""Something is told at once, and then not too often."""

import pytest

from channels.layers.throttle import Throttle


@pytest.fixture
def throttle(clock):
    return Throttle(5.0, clock)


def test_what_happens_first_is_told_at_once(throttle):
    assert throttle.note("full") == 0
    assert throttle.note("away") == 0


def test_what_happens_soon_after_is_told_with_the_next_one(throttle, clock):
    throttle.note("full")
    assert throttle.note("full", 3) is None
    assert throttle.note("full") is None
    clock.now_s += 5.0
    assert throttle.note("full") == 4


def test_what_does_not_happen_again_is_summed_up_once(throttle, clock):
    throttle.note("full")
    throttle.note("full", 3)
    assert throttle.take_due() == []
    clock.now_s += 5.0
    assert throttle.take_due() == [("full", 3)]
    assert throttle.take_due() == []


def test_what_has_been_told_is_forgotten_in_the_end(throttle, clock):
    for number in range(100):
        throttle.note(number)
    clock.now_s += 5.0
    assert throttle.take_due() == [] and not throttle._told
