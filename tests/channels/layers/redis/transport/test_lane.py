"""Numbered batches: each message takes effect once, whatever becomes of the replies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.exceptions import LayerUnavailable
from channels.layers.redis.transport.lane import Lane, NoRoom

LOST = LayerUnavailable("the connection broke")
AWAY = LayerUnavailable("Redis is away", was_sent=False)


class Engine:
    """What send_batch.lua does, in Python."""

    def __init__(self, capacity=100):
        self.capacity = capacity
        self.queue, self.latest = [], None

    def run(self, command):
        number, before, rests = command
        known, taken = self.latest or (0, 0)
        if known >= number:
            return [taken, 0, 0]
        if known < before:
            return [-1, known, 0]
        room = max(self.capacity - len(self.queue), 0)
        self.queue += rests[:room]
        self.latest = number, len(rests[:room])
        return [self.latest[1], len(self.queue), 0]

    def snapshot(self):
        return list(self.queue), self.latest

    def restore(self, state):
        queue, self.latest = state
        self.queue = list(queue)


def make_lane(*rests):
    lane = Lane(lambda *command: command)
    for rest in rests:
        lane.add(rest, rest.decode())
    return lane


def exchange(lane, engine, now_s=0.0):
    return lane.note_reply(engine.run(lane.next_command()), now_s)


def test_what_waits_goes_out_as_one_batch():
    lane, engine = make_lane(b"a", b"b"), Engine()

    assert exchange(lane, engine) == [("a", None), ("b", None)]
    assert engine.queue == [b"a", b"b"]
    assert not lane.has_work


def test_what_finds_no_room_is_told_and_what_does_is_taken():
    lane, engine = make_lane(b"a", b"b", b"c"), Engine(capacity=2)

    assert exchange(lane, engine) == [("a", None), ("b", None), ("c", NoRoom(2))]


def test_a_batch_whose_answer_was_lost_takes_effect_once():
    lane, engine = make_lane(b"a"), Engine()

    engine.run(lane.next_command())
    assert lane.note_reply(LOST, 0.0) == []
    lane.add(b"b", "b")

    assert exchange(lane, engine) == [("a", None)]
    assert exchange(lane, engine) == [("b", None)]
    assert engine.queue == [b"a", b"b"]


def test_a_batch_that_did_not_arrive_is_sent_again():
    lane, engine = make_lane(b"a"), Engine()

    lane.next_command()
    lane.note_reply(LOST, 0.0)

    assert exchange(lane, engine) == [("a", None)]
    assert engine.queue == [b"a"]


def test_what_arrives_late_over_a_dead_connection_changes_nothing():
    lane, engine = make_lane(b"a"), Engine()
    stray = lane.next_command()
    lane.note_reply(LOST, 0.0)
    exchange(lane, engine)
    lane.add(b"b", "b")
    exchange(lane, engine)

    engine.run(stray)

    assert engine.queue == [b"a", b"b"]


def test_while_redis_is_away_messages_are_given_back_at_once():
    lane = make_lane(b"a", b"b")

    lane.next_command()

    assert lane.note_reply(AWAY, 0.0) == [("a", AWAY), ("b", AWAY)]
    assert not lane.has_work


def test_a_batch_of_unknown_fate_is_not_given_back_while_redis_is_away():
    lane, engine = make_lane(b"a"), Engine()
    engine.run(lane.next_command())
    lane.note_reply(LOST, 0.0)

    lane.next_command()
    assert lane.note_reply(AWAY, 1.0) == []

    assert exchange(lane, engine) == [("a", None)]
    assert engine.queue == [b"a"]


def test_a_batch_that_redis_refuses_to_run_was_not_taken():
    lane = make_lane(b"a")

    lane.next_command()
    ((token, fate),) = lane.note_reply(RuntimeError("OOM command not allowed"), 0.0)

    assert (token, fate.was_sent) == ("a", False)
    assert "OOM" in str(fate)


def test_an_empty_redis_gets_nothing_again_that_it_had_taken():
    lane, engine = make_lane(b"a"), Engine()
    exchange(lane, engine)

    engine.restore(([], None))
    lane.add(b"b", "b")
    fates = []
    while lane.has_work:
        fates += exchange(lane, engine)

    assert engine.queue == [b"b"]
    assert fates == [("b", None)]


def test_large_messages_are_not_all_in_one_batch():
    lane, engine = make_lane(*[b"x" * 100_000] * 10), Engine()

    exchange(lane, engine)

    assert len(engine.queue) == 3
    assert lane.has_work


STEPS = st.lists(
    st.sampled_from(
        ["add", "exchange", "answer lost", "request lost", "away", "reconnect", "stray", "take"]
    ),
    max_size=60,
)


@pytest.mark.parametrize("capacity", [2, 1000])
@given(steps=STEPS)
def test_whatever_happens_each_message_is_taken_once_or_known_not_to_be(steps, capacity):
    lane, engine = make_lane(), Engine(capacity)
    added, taken, commands, consumed = [], set(), [], []

    def note(fates):
        for token, fate in fates:
            if fate is None:
                assert token not in taken
                taken.add(token)

    def step(name):
        if name == "add":
            added.append(b"%d" % len(added))
            lane.add(added[-1], added[-1])
        elif name == "reconnect":
            lane.note_new_connection()
        elif name == "take":
            consumed.extend(engine.queue)
            engine.queue.clear()
        elif name == "stray" and commands:
            engine.run(commands[0])
        elif lane.has_work:
            command = lane.next_command()
            if name in ("exchange", "answer lost"):
                reply = engine.run(command)
                note(lane.note_reply(reply if name == "exchange" else LOST, 0.0))
            elif name == "request lost":
                commands.append(command)
                note(lane.note_reply(LOST, 0.0))
            else:
                note(lane.note_reply(AWAY, 0.0))

    for name in steps:
        step(name)
    while lane.has_work:
        step("exchange")
    step("take")

    assert len(consumed) == len(set(consumed))
    assert set(consumed) == taken
    assert consumed == sorted(consumed, key=int)


def test_a_lane_that_is_given_up_says_whose_messages_it_had():
    lane = make_lane(b"a", b"b")
    lane.next_command()
    lane.note_reply(LOST, 0.0)
    lane.add(b"c", "c")

    assert lane.give_up() == ["a", "b", "c"]
    assert not lane.has_work


def test_since_when_messages_may_be_lost_is_told_and_they_are_not_sent_again():
    lane, engine = make_lane(), Engine()
    for now_s, rest in ((0.0, b"early"), (2.4, b"before")):
        lane.add(rest, rest.decode())
        exchange(lane, engine, now_s)
    state = engine.snapshot()
    for now_s, rest in ((2.6, b"lost"), (2.8, b"lost, too")):
        lane.add(rest, rest.decode())
        exchange(lane, engine, now_s)

    engine.restore(state)
    lane.note_new_connection()
    while lane.has_work:
        exchange(lane, engine, 3.0)

    assert lane.lost_since_s == 2.6
    lane.add(b"next", "next")
    assert exchange(lane, engine, 4.0) == [("next", None)]
    assert engine.queue == [b"early", b"before", b"next"]
