"""Commands are packed as Redis reads them, and its replies are read as it writes them."""

import hiredis
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from channels.layers.redis.transport import wire
from channels.layers.redis.transport.complaints import Complaints

#: Large ones repeat a few bytes: Hypothesis makes up only so many.
large = st.binary(min_size=1, max_size=9).map(lambda some: some * wire.LARGE_BYTES)
arguments = st.one_of(st.text(), st.binary(), st.integers(), large)


def read_all(data):
    reader = wire.make_reader(lambda: None)
    reader.feed(data)
    found = []
    while (reply := reader.gets()) is not wire.NOT_YET:
        found.append(reply)
    return found


@given(st.lists(st.lists(arguments, min_size=1, max_size=5).map(tuple), min_size=1, max_size=3))
def test_large_commands_are_packed_as_small_ones_are(commands):
    all_large = [wire.LargeCommand(command) for command in commands]
    assert b"".join(wire.pack(all_large)) == b"".join(map(hiredis.pack_command, commands))
    assert b"".join(wire.pack(commands)) == b"".join(map(hiredis.pack_command, commands))


def test_a_large_argument_is_not_copied():
    data = bytes(wire.LARGE_BYTES * 8)
    pieces = wire.pack([wire.sized(("SET", "key", data), len(data)), ("GET", "key")])
    assert any(piece is data for piece in pieces)


def test_small_commands_are_one_piece():
    assert len(wire.pack([("GET", "a"), ("GET", "b")])) == 1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"-ERR no\r\n", redis.ResponseError),
        (b"-NOSCRIPT none\r\n", redis.exceptions.NoScriptError),
        (b"-LOADING wait\r\n", redis.exceptions.BusyLoadingError),
    ],
)
def test_a_refusal_is_a_reply(text, kind):
    first, second = read_all(text + b":1\r\n")
    assert type(first) is kind
    assert second == 1


def test_commands_that_did_not_run_are_named():
    replies = read_all(b":1\r\n-NOSCRIPT none\r\n-ERR no\r\n-NOSCRIPT none\r\n")
    assert wire.missing_scripts(replies, Complaints(str)) == [1, 3]


def test_a_redis_that_is_loading_its_data_is_away():
    with pytest.raises(redis.ConnectionError):
        wire.missing_scripts(read_all(b":1\r\n-LOADING wait\r\n"), Complaints(str))
