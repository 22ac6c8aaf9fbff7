"""Histories of class consumers' sockets: each broken promise is found, one that is kept is not."""

import itertools

import pytest

from tests.faults.checker.judgement import Past, check


class Story:
    """Writes the history of one socket, whose instance lives on worker 1 first."""

    def __init__(self):
        self.events, self._times = [], itertools.count(1_000.0, 1.0)
        self._frames = self._places = 0
        self.frames = self.messages = self.latest = 0
        self.stint, self.pid = None, 1

    def add(self, event, **facts):
        self.events.append({"event": event, "at": next(self._times), **facts})
        return self

    def _note(self, event, **facts):
        state = {"frames": self.frames, "messages": self.messages, "in_scope": self.frames}
        where = {"socket": "s", "stint": self.stint, "pid": self.pid}
        return self.add(event, **{**where, **state, **facts})

    def open(self):
        self.add("opened", conn=1, kind="async", port=80)
        self.stint = "a"
        return self._note("hosted", after=None)

    def frame(self, **facts):
        """A frame that is sent, handled and answered."""
        self._frames += 1
        self._places += 1
        self.frames += 1
        self.add("sent", conn=1, n=self._frames, place=self._places)
        self._note("handled", what="frame", n=self._frames, **facts)
        return self.add("reply", conn=1, n=self._frames, frames=self.frames, messages=self.messages)

    def lost_frame(self):
        """A frame that is sent, and never handled."""
        self._frames += 1
        self._places += 1
        return self.add("sent", conn=1, n=self._frames, place=self._places)

    def call(self, n, **facts):
        """A message that is handled and answered."""
        self.messages += 1
        self._note("handled", what="call", n=n, latest=self.latest, **facts)
        self.latest = n
        return self.add("called", conn=1, n=n, frames=self.frames, messages=self.messages)

    def move(self, stint="b", pid=2, after=None, **facts):
        """The instance goes on on another worker."""
        after, self.stint, self.pid = after or self.stint, stint, pid
        return self._note("hosted", after=after, **facts)

    def end(self):
        self._note("let go", code=1000)
        return self.add("closed", conn=1, code=None, socket="s", was_idle=True)

    def fault(self, name, lasts_s=0.5, **facts):
        at = next(self._times)
        self.events.append({"event": "fault", "name": name, "at": at, "until": at + lasts_s})
        self.events[-1].update(facts)
        return self

    def promises(self):
        """The promises that are found broken."""
        return {finding.promise for finding in check(Past(self.events))}


def story():
    return Story().open().frame().call(3)


def test_a_history_as_it_should_be_has_no_finding():
    assert story().frame().move().frame().call(4).move("c", 1).frame().end().promises() == set()


def test_state_that_is_lost_in_a_hand_over_is_found():
    told = story()
    told.frames = 0
    assert "a hand-over loses nothing" in told.move().end().promises()


def test_state_that_is_old_after_a_hand_over_is_found():
    told = story().frame()
    told.frames -= 1
    assert "a hand-over loses nothing" in told.move().end().promises()


def test_scope_that_does_not_travel_is_found():
    assert story().move(in_scope=0).frame().end().promises() == {"scope travels"}


def test_a_handler_whose_count_is_lost_is_found():
    told = story().frame()
    told.frames -= 1
    assert "state counts on" in told.frame().end().promises()


def test_a_frame_that_is_lost_is_found_by_the_next_one():
    assert "no frame is lost or doubled" in story().lost_frame().frame().end().promises()


def test_a_frame_that_is_handled_twice_is_found():
    told = story()
    told._frames -= 1
    told._places -= 1
    assert "no frame is lost or doubled" in told.frame().end().promises()


@pytest.mark.parametrize("n", [3, 2])
def test_a_message_that_comes_again_or_late_is_found(n):
    assert "messages come once and in order" in story().call(n).end().promises()


def test_two_instances_that_go_on_from_the_same_one_are_found():
    told = story().move("b", 2).frame()
    told.move("c", 3, after="a")
    assert "one instance for each socket" in told.frame().end().promises()


def test_an_instance_that_never_had_its_socket_is_no_finding():
    told = story()
    told.move("b", 2).move("c", 3, after="a")
    assert told.frame().end().promises() == set()


def test_a_second_connect_is_found():
    told = story()
    told.frames = told.messages = told.latest = 0
    told.stint = "z"
    told._note("hosted", after=None)
    assert "one instance for each socket" in told.promises()


def test_a_handshake_that_redis_has_given_twice_is_no_finding_if_it_leads_to_nothing():
    told = story().fault("lose last moments")
    stint, told.stint = told.stint, "z"
    told._note("hosted", after=None, frames=0, messages=0, in_scope=0)
    told.stint = stint
    assert told.frame().end().promises() == set()


def test_a_second_disconnect_is_found():
    assert "one disconnect" in story().end().end().promises()


def test_a_socket_that_changes_its_worker_as_redis_is_wiped_may_have_two_disconnects():
    def told():
        return story().move().fault("wipe Redis").end()

    assert told().end().promises() == set()
    assert "one disconnect" in told().end().end().promises()
    assert "one disconnect" in story().fault("wipe Redis").end().end().promises()


def test_a_disconnect_that_never_runs_is_found():
    assert story().promises() == {"one disconnect"}


def test_a_worker_that_is_killed_runs_no_disconnect():
    assert story().fault("kill worker", pids=[1]).promises() == set()
    assert story().fault("kill worker", pids=[7]).promises() == set()  # near a loss


def test_an_instance_whose_worker_dies_goes_on_from_a_checkpoint():
    told = story().frame().fault("kill worker", pids=[1])
    told.frames -= 1
    told.messages, told._frames, told._places = 1, told._frames - 1, told._places - 1
    # the frame runs again, but its answer has not been seen before
    told.events = [
        event for event in told.events if event.get("n") != 2 or event["event"] != "reply"
    ]
    assert told.move().frame().end().promises() == set()


def test_a_checkpoint_that_never_was_is_found():
    told = story().fault("kill worker", pids=[1])
    told.frames, told.messages = 0, 5
    assert "a checkpoint is a state" in told.move().promises()


def test_a_worker_that_stands_still_for_a_moment_keeps_its_instances():
    told = story().frame().fault("freeze worker", lasts_s=3.0, frozen=[1])
    told.frames -= 1
    assert "a hand-over loses nothing" in told.move().promises()


def test_a_client_that_hears_an_old_state_is_found():
    told = story().frame()
    told.add("reply", conn=1, n=2, frames=1, messages=1)
    assert "clients see state grow" in told.promises()


def test_an_answer_that_never_comes_is_found():
    told = story().lost_frame().end()
    assert told.promises() == {"frames are answered"}
    assert story().lost_frame().fault("kill worker", pids=[9]).end().promises() == {
        "frames are answered"
    }
    assert story().lost_frame().fault("cut connections").end().promises() == set()
