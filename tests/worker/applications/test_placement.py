import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.applications.placement import MOST_AT_ONCE, Room, plan_moves


@pytest.mark.parametrize(
    ("own", "loads", "moves"),
    [
        (100, [100], 0),
        (100, [100, 100], 0),
        (104, [104, 96], 0),
        (100, [100, 60], 20),
        (100, [100, 0], MOST_AT_ONCE),
        (0, [100, 0], 0),
        (5, [5, 0], 0),
    ],
)
def test_a_worker_gives_away_what_it_has_above_the_average(own, loads, moves):
    assert plan_moves(own, loads) == moves


@given(st.lists(st.integers(0, 3_000), min_size=2, max_size=6))
def test_loads_even_out_and_then_stay_as_they_are(loads):
    for _ in range(1_000):
        moves = [plan_moves(own, loads) for own in loads]
        if not any(moves):
            break
        for place, count in enumerate(moves):
            loads[place] -= count
            for _ in range(count):
                loads[loads.index(min(loads))] += 1
    assert not any(plan_moves(own, loads) for own in loads)


def test_a_worker_that_is_full_takes_no_sockets():
    room = Room(2)
    assert (room.takes_new(1), room.takes_new(2)) == (True, False)
    assert Room(None).takes_new(10_000)


def test_a_worker_above_the_average_takes_new_sockets_but_none_that_others_give_away():
    room = Room(None)
    room.is_above_average = True
    assert (room.takes_new(1), room.takes_moved(1)) == (True, False)
