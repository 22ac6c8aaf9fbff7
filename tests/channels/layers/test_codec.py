import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.exceptions import InvalidMessage, MessageTooLarge
from channels.layers.codec import Codec, UndecodableMessage

CODEC = Codec(max_bytes=1_000)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)


@pytest.fixture(params=["plain", "encrypted"])
def codec(request):
    if request.param == "plain":
        return CODEC
    pytest.importorskip("cryptography")
    return Codec(1_000, ["key"])


@given(st.dictionaries(st.text(), values, max_size=5))
def test_a_message_comes_back_as_it_was_packed(message):
    codec = Codec(max_bytes=10_000_000)
    assert repr(codec.unpack_message(codec.pack_message(message, "a"), "a")) == repr(message)


def test_a_message_comes_back_with_and_without_encryption(codec):
    message = {"text": "ü", "bytes": b"\xff", "list": [1, {"a": None}]}
    assert codec.unpack_message(codec.pack_message(message, "a"), "a") == message


def test_tuples_come_back_as_lists(codec):
    assert codec.unpack_value(codec.pack_value((1, (2,)), "a pair")) == [1, [2]]


@pytest.mark.parametrize("message", [None, "text", b"bytes", ["list"], 1])
def test_what_is_no_dict_is_refused_with_its_type_and_channel(message):
    with pytest.raises(
        InvalidMessage, match=f"'chat' must be a dict, got {type(message).__name__}"
    ):
        CODEC.pack_message(message, "chat")


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, 2**64, -(2**63) - 1, test_tuples_come_back_as_lists]
)
def test_what_can_not_be_packed_is_refused_with_its_channel(value):
    with pytest.raises(InvalidMessage, match="the message for 'chat' can't be packed"):
        CODEC.pack_message({"value": value}, "chat")


def test_a_message_that_contains_itself_is_refused():
    message = {}
    message["self"] = message
    with pytest.raises(InvalidMessage):
        CODEC.pack_message(message, "chat")


def test_a_message_may_be_as_large_as_the_limit_and_no_larger(codec):
    overhead = len(CODEC.pack_message({"b": b"x" * 300}, "a")) - 300
    codec.pack_message({"b": b"x" * (1_000 - overhead)}, "a")
    with pytest.raises(MessageTooLarge) as caught:
        codec.pack_message({"b": b"x" * (1_001 - overhead)}, "chat")
    error = caught.value
    assert (error.channel, error.size, error.limit) == ("chat", 1_001, 1_000)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_undecodable(data):
    try:
        message = CODEC.unpack_message(data)
    except UndecodableMessage:
        return
    assert isinstance(message, dict)


@given(st.binary(max_size=200))
def test_bytes_that_were_not_encrypted_are_undecodable_with_keys(data):
    pytest.importorskip("cryptography")
    with pytest.raises(UndecodableMessage):
        Codec(1_000, ["key"]).unpack_message(data)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x81", b"\xdf\xff\xff\xff\xff", b"\x80\x00"])
def test_bytes_that_are_no_messagepack_are_undecodable(data):
    with pytest.raises(UndecodableMessage, match="not MessagePack"):
        CODEC.unpack_message(data)


def test_a_packed_value_that_is_no_dict_is_no_message():
    with pytest.raises(UndecodableMessage, match="expected a packed dict, got list"):
        CODEC.unpack_message(CODEC.pack_value([1], "a list"))


def test_the_first_key_encrypts_and_all_decrypt():
    pytest.importorskip("cryptography")
    old, both, new = (Codec(1_000, keys) for keys in (["old"], ["new", b"old"], ["new"]))
    assert both.unpack_message(old.pack_message({"n": 1}, "a"), "a") == {"n": 1}
    assert new.unpack_message(both.pack_message({"n": 2}, "a"), "a") == {"n": 2}
    with pytest.raises(UndecodableMessage, match="which is not among this process's"):
        old.unpack_message(both.pack_message({"n": 3}, "a"), "a")


def test_encrypted_messages_do_not_show_their_content():
    pytest.importorskip("cryptography")
    assert b"secret" not in Codec(1_000, ["key"]).pack_message({"secret": "secret"}, "a")


@pytest.mark.parametrize("keys", ["one key", b"one key"])
def test_one_key_instead_of_a_list_is_refused(keys):
    with pytest.raises(ValueError, match="must be a list of keys, not one key"):
        Codec(1_000, keys)


def test_missing_cryptography_is_said_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    with pytest.raises(ValueError, match=r"pip install channels-classic\[crypto\]"):
        Codec(1_000, ["key"])


def nest(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


strange_keys = st.recursive(scalars, lambda inner: st.tuples(inner, inner), max_leaves=3)
strange_values = st.recursive(
    scalars | st.builds(object) | st.integers() | st.characters(),
    lambda inner: st.lists(inner) | st.dictionaries(strange_keys, inner) | st.tuples(inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), strange_values))
def test_what_is_accepted_can_be_read_back(message):
    try:
        packed = CODEC.pack_message(message, "a")
    except (InvalidMessage, MessageTooLarge):
        return
    assert CODEC.unpack_message(packed).keys() == message.keys()


@pytest.mark.parametrize("depth", [400, 498, 499, 500, 1_000, 1_022, 1_023, 1_100])
def test_a_nested_message_can_be_read_back_or_is_refused(depth):
    codec = Codec(100_000)
    try:
        packed = codec.pack_message({"deep": nest(depth)}, "a")
    except InvalidMessage as error:
        assert depth >= 500
        assert "nested deeper than 500 levels" in str(error)
        return
    assert codec.unpack_message(packed) == {"deep": nest(depth)}
    parked = codec.pack_value(["a", 0, codec.unpack_message(packed)], "it", is_ours=True)
    assert codec.unpack_value(parked)[2] == {"deep": nest(depth)}


def test_a_message_that_holds_itself_is_refused():
    message = {}
    message["again"] = message
    with pytest.raises(InvalidMessage, match="nested deeper"):
        CODEC.pack_message(message, "a")


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ({"s": {(0, 1): "x"}}, r"\['s'\] has the key \(0, 1\), a tuple"),
        ({("a",): 1}, r"it has the key \('a',\)"),
        ({"a": [1, {"b": {(): 1}}]}, r"\['a'\]\[1\]\['b'\] has the key \(\)"),
        ({"a": [1, {"b": object()}]}, r"at \['a'\]\[1\]\['b'\]: "),
        ({"big": [2**64]}, r"at \['big'\]\[0\]: "),
        ({"text": {"half": "\ud800"}}, r"at \['text'\]\['half'\]: "),
    ],
)
def test_who_sends_what_can_not_be_read_back_is_told_where_it_is(message, where):
    with pytest.raises(InvalidMessage, match=where):
        CODEC.pack_message(message, "job")
    with pytest.raises(InvalidMessage, match=where):
        CODEC.pack_group_message(message, "room")
    with pytest.raises(InvalidMessage, match=where):
        CODEC.pack_value(message, "channel_session['a']")
