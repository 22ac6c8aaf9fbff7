"""Signs of life that Redis has lost again: how much it has lost by that."""

import pytest

from channels.layers.redis.presence.beats import KEPT_BEATS, Beats


def give(beats, *times_s):
    """Give beats at these times, each of which Redis takes."""
    for at_s in times_s:
        beat = beats.give(at_s)
        assert beats.note_answer(beat, beat.answered)


def test_who_has_lost_none_that_it_answered_takes_the_next():
    beats = Beats()
    give(beats, 1.0, 2.0)
    unanswered = beats.give(3.0)
    assert beats.note_answer(beats.give(4.0), unanswered.number)


def test_who_has_lost_one_does_not_take_the_next():
    beats = Beats()
    give(beats, 1.0, 2.0)
    assert not beats.note_answer(beats.give(3.0), known=1)


@pytest.mark.parametrize(
    ("times_s", "known", "since_s"),
    [
        ((1.0, 2.0), 1, 1.0),
        ((1.0, 6.0), 1, 1.0),  # between two beats it may have lost as much
        ((1.0, 2.0, 3.0, 5.0), 1, 1.0),
        ((1.0, 2.0, 3.0, 5.5), 1, None),  # what was sent then is not known any more
        ((1.0, 2.0), 0, None),
        (range(KEPT_BEATS + 1), 1, None),
    ],
)
def test_it_has_lost_its_last_moments_or_everything(times_s, known, since_s):
    beats = Beats()
    give(beats, *times_s)
    assert beats.find_loss(known) == since_s


def test_beats_whose_answer_was_lost_date_nothing():
    beats = Beats()
    give(beats, 1.0)
    unanswered = beats.give(2.0)
    give(beats, 3.0)
    assert beats.find_loss(unanswered.number) == 1.0


def test_after_a_loss_is_dealt_with_the_next_one_begins_later():
    beats = Beats()
    give(beats, 1.0, 2.0)
    beats.go_on_from(1)
    give(beats, 3.0, 4.0)
    assert beats.find_loss(3) == 3.0
    assert beats.find_loss(2) == 1.0


def test_a_server_that_begins_anew_is_taken_by_a_redis_that_knows_nothing():
    beats = Beats()
    give(beats, 1.0)
    beats.begin_anew()
    assert beats.note_answer(beats.give(2.0), known=0)
