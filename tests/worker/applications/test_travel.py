import asyncio
import collections
import contextlib
import datetime
import decimal
import threading
import uuid
import zoneinfo

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.applications import travelling_classes
from tests.worker.applications.travelling_classes import Colour, Move, Player, Point, Right
from worker.applications.travel import CannotTravel, UnreadableState, pack_state, unpack_state
from worker.applications.travel.kinds import Kind

KEYS = st.one_of(
    st.integers(), st.text(), st.binary(), st.booleans(), st.tuples(st.integers(), st.text())
)
SINGLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.datetimes(timezones=st.none() | st.just(datetime.timezone.utc)),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.sampled_from([*Colour, Right.READ, Right.READ | Right.WRITE]),
    st.builds(Point, st.integers(), st.integers()),
)
VALUES = st.recursive(
    SINGLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.sets(KEYS, max_size=4),
        st.frozensets(KEYS, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        st.lists(inner, max_size=4).map(collections.deque),
    ),
    max_leaves=12,
)


def travel(value):
    return unpack_state(pack_state({"value": value}))["value"]


@given(VALUES)
def test_what_can_travel_arrives_as_it_was(value):
    arrived = travel(value)
    assert arrived == value
    assert type(arrived) is type(value)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_state_are_refused_and_nothing_else(data):
    with contextlib.suppress(UnreadableState):
        unpack_state(data)


@given(st.sampled_from(Kind), VALUES)
def test_a_known_kind_with_wrong_parts_is_refused_and_nothing_else(kind, parts):
    inner = pack_state({"value": parts})
    packed = msgpack.packb({"value": msgpack.ExtType(kind, inner)})
    with contextlib.suppress(UnreadableState):
        unpack_state(packed)


def test_a_deque_keeps_its_length_limit():
    assert travel(collections.deque([1, 2], maxlen=2)).maxlen == 2


def test_a_time_zone_arrives_by_its_name():
    moment = datetime.datetime(2026, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Vienna"))
    arrived = travel(moment)
    assert arrived == moment
    assert arrived.tzinfo is moment.tzinfo


def test_a_dataclass_is_rebuilt_without_its_own_code():
    player = Player("ann", 5, [Point(1, 2)])
    assert player.score == 105
    arrived = travel(player)
    assert (arrived.name, arrived.score, arrived.friends) == ("ann", 105, [Point(1, 2)])


def test_a_frozen_dataclass_with_slots_arrives():
    move = Move(Point(0, 0), Point(1, 1))
    assert travel(move) == move


def test_a_field_that_new_code_has_added_gets_its_default(monkeypatch):
    packed = pack_state({"value": Player("ann")})

    @travelling_classes.dataclasses.dataclass
    class NewPlayer:
        name: str
        level: int = 7

    monkeypatch.setattr(travelling_classes, "Player", NewPlayer)
    arrived = unpack_state(packed)["value"]
    assert (type(arrived), arrived.name, arrived.level) == (NewPlayer, "ann", 7)


def test_a_class_that_new_code_no_longer_has_is_refused_by_its_name(monkeypatch):
    packed = pack_state({"value": Player("ann")})
    monkeypatch.delattr(travelling_classes, "Player")
    with pytest.raises(UnreadableState, match="no class 'Player'"):
        unpack_state(packed)


def test_a_module_that_is_not_loaded_is_not_imported():
    inner = msgpack.packb(["antigravity:Player", {}])
    with pytest.raises(UnreadableState, match="not loaded"):
        unpack_state(msgpack.packb({"value": msgpack.ExtType(Kind.DATACLASS, inner)}))


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (threading.Lock(), "value is a _thread.lock"),
        ({"a": [threading.Lock()]}, r"value\['a'\]\[0\] is a _thread.lock"),
        (Player("x", friends=[object()]), r"value\.friends\[0\] is a builtins.object"),
        (test_a_deque_keeps_its_length_limit, "value is a builtins.function"),
    ],
)
def test_what_cannot_travel_is_named_with_its_place(value, where):
    with pytest.raises(CannotTravel, match=where):
        pack_state({"value": value})


def test_a_task_cannot_travel():
    async def main():
        task = asyncio.ensure_future(asyncio.sleep(0))
        with pytest.raises(CannotTravel, match="task is a _?asyncio.*Task"):
            pack_state({"task": task})
        await task

    asyncio.run(main())


def test_a_list_that_holds_itself_cannot_travel():
    knot = []
    knot.append(knot)
    with pytest.raises(CannotTravel, match="holds itself"):
        pack_state({"value": knot})


def test_numbers_that_python_alone_has_arrive():
    assert travel([2**200, -(2**70), decimal.Decimal("1.10"), uuid.UUID(int=5)]) == [
        2**200,
        -(2**70),
        decimal.Decimal("1.10"),
        uuid.UUID(int=5),
    ]
