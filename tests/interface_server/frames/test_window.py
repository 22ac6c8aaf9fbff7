import pytest
from hypothesis import given
from hypothesis import strategies as st

from interface_server.frames.window import Allowance, FrameGone, FrameWindow, WindowFull


def make_window(*texts, frames=10, size_bytes=1000, shared=None):
    window = FrameWindow(frames, size_bytes, shared)
    for text in texts:
        window.add(text, len(text))
    return window


def take(window, limit=None):
    return [(each.number, each.frame) for each in window.take_due(limit)]


def test_frames_are_numbered_from_1_and_given_out_once_in_their_order():
    window = make_window("a", "b", "c")

    assert take(window, limit=2) == [(1, "a"), (2, "b")]
    assert take(window) == [(3, "c")]
    assert take(window) == []


def test_room_is_made_by_what_is_acknowledged_and_not_by_what_is_under_way():
    window = make_window("a", "b", frames=2)

    window.take_due()
    assert not window.has_room
    window.acknowledge(1)

    assert window.has_room
    assert (len(window), window.acknowledged, window.size_bytes) == (1, 1, 1)


def test_a_frame_beyond_the_window_is_refused():
    window = make_window("a", frames=1)

    with pytest.raises(WindowFull):
        window.add("b", 1)


def test_a_frame_larger_than_the_window_passes_if_it_is_alone():
    window = make_window("x" * 50, size_bytes=10)

    assert not window.has_room
    assert take(window) == [(1, "x" * 50)]


def test_what_has_not_arrived_is_due_again_under_its_old_number():
    window = make_window("a", "b", "c")
    window.take_due()

    window.acknowledge(1)
    window.take_back(3)
    assert take(window) == [(3, "c")]
    window.take_back()

    assert take(window) == [(2, "b"), (3, "c")]


def test_a_held_window_takes_frames_in_and_gives_none_out():
    window = make_window("a")

    window.hold()
    window.add("b", 1)
    assert take(window) == []
    window.release()

    assert take(window) == [(1, "a"), (2, "b")]


def test_after_a_hand_over_the_new_consumer_gets_all_that_the_old_one_had_not_consumed():
    window = make_window("a", "b", "c")
    window.take_due()

    window.hold()
    window.add("d", 1)
    window.release(after=1)

    assert take(window) == [(2, "b"), (3, "c"), (4, "d")]


def test_a_frame_that_was_acknowledged_can_not_be_asked_for_again():
    window = make_window("a", "b")
    window.take_due()
    window.acknowledge(2)

    with pytest.raises(FrameGone, match="frame 2"):
        window.release(after=1)


def test_sockets_share_what_their_process_allows():
    shared = Allowance(3, 1000)
    one, other = make_window("a", "b", shared=shared), make_window("c", shared=shared)

    assert not one.has_room
    assert not other.has_room
    one.clear()

    assert other.has_room
    assert (shared.used_frames, shared.used_bytes) == (1, 1)


#: What may happen to a window, each with a number that the step may use.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "take", "acknowledge", "take_back", "hold", "release", "move"]),
        st.integers(0, 20),
    )
)


@given(STEPS)
def test_whatever_happens_no_frame_is_lost_or_overtaken(steps):
    window, given_out = FrameWindow(8, 1000), []
    for step, number in steps:
        if step == "add" and window.has_room:
            window.add(f"frame {window.last_number + 1}", 7)
        elif step == "take":
            given_out = [*given_out, *window.take_due(number)]
        elif step == "acknowledge":
            window.acknowledge(min(number, len(given_out)))
        elif step == "take_back":
            window.take_back()
            given_out = given_out[: window.acknowledged]
        elif step == "hold":
            window.hold()
        elif step == "release":
            window.release()
        elif step == "move" and window.acknowledged <= number <= len(given_out):
            window.release(after=number)
            given_out = given_out[:number]
    window.release()
    given_out = [*given_out, *window.take_due()]

    assert [each.number for each in given_out] == list(range(1, window.last_number + 1))
    assert all(each.frame == f"frame {each.number}" for each in given_out)
