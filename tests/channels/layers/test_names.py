import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.exceptions import InvalidName
from channels.layers import names

PART = string.ascii_letters + string.digits + "-_."
GOOD_CHANNELS = [
    "a",
    "http.request",
    "chat-messages",
    "A_1.b-",
    "http.request.body?x7Qd",
    "websocket.send.Hk3f!",
    "websocket.send.Hk3f!2a",
    "a" * 199,
    "a!" + "b" * 197,
]
BAD_CHANNELS = [
    "",
    "?",
    "!",
    "a?",
    "?a",
    "!a",
    "a!b!c",
    "a?b?c",
    "a!b?c",
    "a?b!c",
    "a b",
    "a\n",
    "a:b",
    "ä",
    "a" * 200,
    "a!" + "b" * 198,
]

parts = st.text(PART, min_size=1, max_size=60)
channels = st.one_of(
    parts, st.builds("{}?{}".format, parts, parts), st.builds("{}!{}".format, parts, parts)
)


@pytest.mark.parametrize("name", GOOD_CHANNELS)
def test_a_good_channel_name_is_returned(name):
    assert names.check_channel_name(name) == name


@pytest.mark.parametrize("name", BAD_CHANNELS)
def test_a_bad_channel_name_is_refused_with_the_rule(name):
    with pytest.raises(InvalidName, match=re.escape(repr(name)) + ".*at most 199 characters"):
        names.check_channel_name(name)


@pytest.mark.parametrize("name", [None, 7, b"bytes", ("a",)])
def test_a_name_that_is_no_text_is_refused_with_its_type(name):
    for check in (names.check_channel_name, names.check_group_name):
        with pytest.raises(InvalidName, match=f"must be str, got {type(name).__name__}"):
            check(name)


def test_invalid_names_are_type_errors_as_in_1x():
    assert issubclass(InvalidName, TypeError)


def test_only_a_whole_process_can_be_received_from():
    assert names.check_receive_name("proc!") == "proc!"
    assert names.check_receive_name("body?x") == "body?x"
    with pytest.raises(InvalidName, match="name the whole process, 'proc!'"):
        names.check_receive_name("proc!client")


@pytest.mark.parametrize("name", ["a", "room-1.x_", "a" * 199])
def test_a_good_group_name_is_returned(name):
    assert names.check_group_name(name) == name


@pytest.mark.parametrize("name", ["", "a!b", "a?b", "a b", "a\n", "ä", "a" * 200])
def test_a_bad_group_name_is_refused(name):
    with pytest.raises(InvalidName, match=re.escape(repr(name))):
        names.check_group_name(name)


@given(channels)
def test_generated_channel_names_pass(name):
    assert names.check_channel_name(name) == name


@given(st.text(max_size=210))
def test_what_passes_has_only_what_a_name_may_have(name):
    try:
        names.check_channel_name(name)
    except InvalidName:
        return
    assert 0 < len(name) < 200
    assert set(name) <= set(PART + "?!")
    assert name.count("?") + name.count("!") <= 1


@given(channels)
def test_a_name_is_its_queue_and_its_local_part(name):
    queue, local = names.split_local(name)
    assert queue + local == name
    assert names.queue_name(name) == queue
    assert queue.endswith("!") == ("!" in name)
    assert local == "" or "!" in name


@pytest.mark.parametrize("pattern", ["body?", "proc!", "a" * 186 + "?"])
def test_new_channel_names_extend_their_pattern(pattern):
    first, second = names.new_channel_name(pattern), names.new_channel_name(pattern)
    assert first != second
    assert first.startswith(pattern)
    assert names.check_channel_name(first) == first


@pytest.mark.parametrize("pattern", ["body", "bo?dy", "", None, b"a?", "a b?", "a" * 190 + "?"])
def test_a_bad_pattern_for_new_channels_is_refused(pattern):
    with pytest.raises(InvalidName):
        names.new_channel_name(pattern)


def test_random_suffixes_have_the_length_asked_for():
    assert [len(names.random_suffix(n)) for n in (1, 12, 40)] == [1, 12, 40]


def test_the_first_glob_that_matches_decides():
    table = names.GlobTable({"http.*": 1, "http.request": 2, "*!*": 3, re.compile("a+$"): 4}, 9)
    found = [table.get(name) for name in ("http.request", "proc!x", "aaa", "aab", "https")]
    assert found == [1, 3, 4, 9, 9]


def test_a_table_without_globs_gives_its_default():
    assert names.GlobTable(None, 5).get("anything") == 5
