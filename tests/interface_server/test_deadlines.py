"""Tests of the deadline that can be moved."""

import pytest

from interface_server.deadlines import Deadline


class FakeTimer:
    def __init__(self, due_s, callback):
        self.due_s, self.callback = due_s, callback
        self.is_over = False

    def when(self):
        return self.due_s

    def cancel(self):
        self.is_over = True


class FakeLoop:
    """A loop whose time is moved by hand."""

    def __init__(self):
        self.now_s = 100.0
        self.timers = []

    def time(self):
        return self.now_s

    def call_at(self, due_s, callback):
        self.timers.append(FakeTimer(due_s, callback))
        return self.timers[-1]

    @property
    def waiting(self):
        return [timer for timer in self.timers if not timer.is_over]

    def pass_time(self, seconds):
        until_s = self.now_s + seconds
        while due := [timer for timer in self.waiting if timer.due_s <= until_s]:
            timer = min(due, key=FakeTimer.when)
            timer.is_over, self.now_s = True, max(self.now_s, timer.due_s)
            timer.callback()
        self.now_s = until_s


@pytest.fixture
def loop():
    return FakeLoop()


@pytest.fixture
def expiries():
    return []


@pytest.fixture
def deadline(loop, expiries):
    return Deadline(loop, lambda: expiries.append(loop.time()))


def test_it_expires_once(deadline, loop, expiries):
    deadline.allow(5)
    loop.pass_time(20)
    assert expiries == [105]


def test_moved_forward_again_and_again_it_has_one_timer(deadline, loop, expiries):
    for _ in range(100):
        deadline.allow(5)
        loop.pass_time(1)
        assert len(loop.waiting) == 1
    assert len(loop.timers) < 30
    loop.pass_time(10)
    assert expiries == [204]


def test_it_can_be_moved_to_an_earlier_time(deadline, loop, expiries):
    deadline.allow(50)
    deadline.allow(5)
    loop.pass_time(100)
    assert expiries == [105]


def test_nothing_expires_while_nothing_is_due(deadline, loop, expiries):
    deadline.allow(5)
    deadline.allow(None)
    loop.pass_time(20)
    assert expiries == [] and loop.waiting == []
    deadline.allow(5)
    loop.pass_time(20)
    assert expiries == [125]


def test_a_cancelled_one_leaves_no_timer_and_can_be_set_again(deadline, loop, expiries):
    deadline.allow(5)
    deadline.cancel()
    assert loop.waiting == []
    deadline.allow(7)
    loop.pass_time(20)
    assert expiries == [107]
