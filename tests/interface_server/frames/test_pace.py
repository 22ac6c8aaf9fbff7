from hypothesis import given
from hypothesis import strategies as st

from interface_server.frames.pace import (
    FIRST_DELAY_S,
    LARGEST_BURST,
    LONGEST_DELAY_S,
    Pace,
)


def test_as_long_as_all_is_taken_twice_as_many_follow():
    pace = Pace()

    for burst in (1, 2, 4, 8):
        assert pace.burst == burst
        pace.note(taken=burst, refused=0)

    assert pace.delay_s == FIRST_DELAY_S


def test_a_layer_that_takes_nothing_is_asked_less_and_less_often():
    pace = Pace()

    for _ in range(20):
        pace.note(taken=0, refused=pace.burst)

    assert (pace.burst, pace.delay_s) == (1, LONGEST_DELAY_S)


def test_what_is_taken_of_a_burst_is_what_is_tried_next():
    pace = Pace()
    for _ in range(6):
        pace.note(taken=pace.burst, refused=0)

    pace.note(taken=5, refused=59)

    assert pace.burst == 5


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000))))
def test_there_is_always_a_next_try_within_a_quarter_of_a_second(rounds):
    pace = Pace()
    for taken, refused in rounds:
        pace.note(taken, refused)

    assert 1 <= pace.burst <= max(LARGEST_BURST, *[taken for taken, _ in rounds], 1)
    assert FIRST_DELAY_S <= pace.delay_s <= LONGEST_DELAY_S
