"""Replies are left to gather in a rush, as long as that does not slow anybody down."""

import itertools

import pytest

from channels.layers.redis.presence.replies import (
    COMPARE_S,
    COMPARISONS,
    GATHER_S,
    LOOK_S,
    RUSH_CLIENTS,
    RUSH_RATE,
    SINGLY,
    Rush,
)

FAST = 4 * RUSH_RATE


class Traffic:
    """Replies that come at a steady rate, to one client after another."""

    def __init__(self, rush, clients=4 * RUSH_CLIENTS):
        self.rush = rush
        self.now_s = 1000.0
        self._names = itertools.cycle(range(clients))

    def run(self, seconds, rate, rate_with_pauses=None, together=4):
        """Let time pass; return the share of the trips that were followed by a pause."""
        until_s, pauses, trips = self.now_s + seconds, 0, 0
        is_paused = False
        while self.now_s < until_s:
            found = together if is_paused else 1
            self.now_s += found / ((rate_with_pauses or rate) if is_paused else rate)
            names = list(itertools.islice(self._names, found))
            is_paused = self.rush.note(names, self.now_s) == GATHER_S
            pauses, trips = pauses + is_paused, trips + 1
        return pauses / trips

    def is_gathering(self, **options):
        return self.run(LOOK_S, FAST, **options) > 0.5


@pytest.fixture
def traffic():
    return Traffic(Rush())


def test_there_is_no_pause_before_it_is_a_rush(traffic):
    assert traffic.run(LOOK_S, FAST) == 0


def test_many_clients_answered_in_quick_succession_make_a_rush(traffic):
    traffic.run(4 * LOOK_S, FAST)
    assert traffic.is_gathering()


def test_few_clients_make_none_however_often_they_are_answered():
    traffic = Traffic(Rush(), clients=RUSH_CLIENTS - 1)
    assert traffic.run(10, FAST) == 0


def test_many_clients_answered_at_leisure_make_none(traffic):
    assert traffic.run(10, RUSH_RATE * 0.9) == 0


def test_replies_after_a_silence_are_no_rush_yet(traffic):
    for _ in range(10):
        traffic.now_s += 10 * LOOK_S
        assert traffic.run(LOOK_S, FAST) == 0


@pytest.mark.parametrize("gain", [1.5, 1.0, 0.9])
def test_pauses_go_on_while_replies_come_about_as_fast_as_before(traffic, gain):
    traffic.run(4 * LOOK_S, FAST)
    assert traffic.run(5, FAST, gain * FAST) > 0.9


def test_pauses_that_slow_everybody_down_end_and_are_tried_ever_less_often(traffic):
    traffic.run(4 * LOOK_S, FAST)
    shares = [traffic.run(2, FAST, FAST / 2) for _ in range(5)]
    assert 0 < shares[0] < 0.2
    assert shares[-1] < shares[0] / 3


def test_once_pauses_pay_they_are_tried_again_soon(traffic):
    traffic.run(4 * LOOK_S, FAST)
    traffic.run(10, FAST, FAST / 2)
    assert traffic.run(6, FAST, 2 * FAST) > 0.1
    assert traffic.is_gathering(rate_with_pauses=2 * FAST)


def test_a_pause_for_nothing_is_followed_by_replies_taken_singly():
    traffic = Traffic(Rush())
    traffic.run(4 * LOOK_S, FAST)
    assert traffic.is_gathering()
    rush, now_s = traffic.rush, traffic.now_s
    pauses = [rush.note(["one"], now_s + number / FAST) for number in range(SINGLY)]
    assert pauses == [0.0] * SINGLY
    assert rush.note(["one"], now_s + SINGLY / FAST) == GATHER_S


def test_a_lone_client_after_a_rush_is_not_kept_waiting(traffic):
    traffic.run(4 * LOOK_S, FAST)
    assert traffic.is_gathering()
    traffic.now_s += 60
    assert traffic.run(10, RUSH_RATE / 100, together=1) == 0


def test_pauses_are_tried_again_at_once_in_the_next_rush(traffic):
    for _ in range(10):
        traffic.run(4 * LOOK_S, FAST)
        assert traffic.is_gathering()
        traffic.now_s += 5 * COMPARE_S


def test_now_and_then_the_rate_without_pauses_is_measured_anew(traffic):
    traffic.run(4 * LOOK_S, FAST)
    rush, rates = traffic.rush, set()
    for _ in range(3 * COMPARISONS):
        traffic.run(0.02, FAST, 2 * FAST)
        rates.add(rush._rate is None)
    assert rates == {True, False}
