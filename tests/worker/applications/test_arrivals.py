"""Frames and messages of an instance are taken once, and a frame that is lost shows."""

from worker.applications.arrivals import Arrival, Arrivals


def test_frames_come_one_after_the_other():
    arrivals = Arrivals()
    assert [arrivals.note_frame(order) for order in (1, 2, 3)] == [Arrival.NEXT] * 3


def test_a_frame_that_was_sent_again_is_known():
    arrivals = Arrivals(order=4)
    assert arrivals.note_frame(4) is Arrival.KNOWN
    assert arrivals.note_frame(5) is Arrival.NEXT
    assert arrivals.note_frame(5) is Arrival.KNOWN


def test_a_frame_after_a_gap_is_never_taken():
    arrivals = Arrivals(order=4)
    assert arrivals.note_frame(6) is Arrival.TOO_FAR
    assert arrivals.note_frame(7) is Arrival.TOO_FAR


def test_messages_may_leave_places_out_and_come_once():
    arrivals = Arrivals(place=10)
    assert [arrivals.note_message(place) for place in (10, 13, 13, 12, 20)] == [
        Arrival.KNOWN,
        Arrival.NEXT,
        Arrival.KNOWN,
        Arrival.KNOWN,
        Arrival.NEXT,
    ]
