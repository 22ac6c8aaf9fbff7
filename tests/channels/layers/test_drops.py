"""What is lost is told at once, then not too often, and all of it in the end."""

import logging

import pytest

from channels.layers.drops import EVERY_S, Drops


@pytest.fixture
def drops(clock):
    return Drops(logging.getLogger("channels.layers"), clock)


def lose(drops, channel="mail", reason="expired", count=1):
    drops.warn(channel, reason, count, "%d of %s expired", count, channel)


def test_the_first_loss_is_told_at_once(drops, caplog):
    lose(drops, count=3)
    assert caplog.messages == ["3 of mail expired"]


def test_losses_that_follow_are_summed_up(drops, clock, caplog):
    for _ in range(1_000):
        lose(drops)
    assert len(caplog.messages) == 1
    clock.now_s += EVERY_S
    drops.sum_up()
    assert caplog.messages[1:] == ["999 more message(s) on mail were lost: expired"]
    drops.sum_up()
    assert len(caplog.messages) == 2


def test_a_loss_after_a_while_tells_what_was_left_out_with_it(drops, clock, caplog):
    for _ in range(3):
        lose(drops)
    clock.now_s += EVERY_S
    lose(drops)
    assert caplog.messages[1:] == [
        "1 of mail expired",
        "2 more message(s) on mail were lost: expired",
    ]


def test_channels_and_reasons_are_told_apart(drops, caplog):
    lose(drops)
    lose(drops, channel="billing")
    lose(drops, reason="undecodable")
    assert len(caplog.messages) == 3


def test_a_loss_is_told_anew_after_a_quiet_time(drops, clock, caplog):
    lose(drops)
    clock.now_s += EVERY_S
    lose(drops)
    assert caplog.messages == ["1 of mail expired"] * 2


def test_channels_that_lose_nothing_any_more_are_not_remembered(drops, clock):
    for n in range(100):
        lose(drops, channel=f"body{n}")
    clock.now_s += EVERY_S
    drops.sum_up()
    assert drops._throttle._told == {}


def test_errors_are_errors(drops, caplog):
    drops.error("mail", "undecodable", 1, "can't be read")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
