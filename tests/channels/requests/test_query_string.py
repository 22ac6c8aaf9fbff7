"""Query strings that are text and bytes at once, as the consumers of 1.x expect of them."""

import copy
import json
from urllib.parse import parse_qs, parse_qsl

import msgpack
import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from channels.message import Message
from channels.requests.head import QueryString


def receive(query_string):
    """Return the query string as a consumer gets it."""
    return Message({"query_string": query_string}, "websocket.connect", None)["query_string"]


@pytest.mark.parametrize("sent", [b"username=J%C3%BCrgen+W.", "username=J%C3%BCrgen+W."])
def test_every_way_in_which_consumers_of_1_x_read_it_works(sent):
    query_string = receive(sent)
    params = parse_qs(query_string)
    assert "username" in params and params["username"] == ["Jürgen W."]
    assert b"username" in params and params[b"username"][0].decode("utf8") == "Jürgen W."
    assert params.get(b"token", [b""])[0].decode("utf8") == ""
    assert parse_qs(query_string.decode())["username"] == ["Jürgen W."]
    assert dict(parse_qsl(query_string))["username"] == "Jürgen W."
    assert QueryDict(query_string)["username"] == "Jürgen W."
    assert query_string.split("=")[1] == "J%C3%BCrgen+W."
    assert "username=" in query_string


@pytest.mark.parametrize("sent", [b"a=1", "a=1"])
def test_it_equals_its_text_and_its_bytes(sent):
    query_string = receive(sent)
    assert query_string == "a=1" and query_string == b"a=1"
    assert b"a=1" == query_string  # noqa: SIM300
    assert query_string != "a=2" and query_string != b"a=2" and query_string != 1
    assert hash(query_string) == hash("a=1") == hash(b"a=1")


@given(st.text(alphabet="ab=&+%;é\N{SNOWMAN}c20 \x00", max_size=30), st.booleans())
def test_it_is_parsed_like_any_text(text, keep_blank):
    parsed = parse_qsl(QueryString(text), keep_blank_values=keep_blank)
    assert parsed == parse_qsl(text, keep_blank_values=keep_blank)


@given(st.binary(max_size=20))
def test_any_bytes_from_the_network_are_kept(sent):
    assert receive(sent).to_bytes() == sent


def test_what_is_neither_text_nor_bytes_is_left_as_it_is():
    assert receive(None) is None


def test_its_parts_can_be_kept_in_messages_and_sessions():
    params = parse_qs(receive(b"username=bob"))
    assert json.loads(json.dumps(params)) == {"username": ["bob"]}
    assert msgpack.unpackb(msgpack.packb(params)) == {"username": ["bob"]}
    assert copy.deepcopy(params) == params
    assert type(params["username"][0].decode()) is str


@pytest.mark.parametrize(
    "use",
    [
        lambda q, b: b(b"token") in q and b(b"tokens") not in q,
        lambda q, b: q.startswith(b(b"token=")) and q.endswith((b(b"x"), b(b"?"))),
        lambda q, b: q.find(b(b"=")) == q.index(b(b"=")) == 5 and q.find(b(b"=b"), 3) == -1,
        lambda q, b: q.rfind(b(b"=")) == q.rindex(b(b"=")) == 9 and q.count(b(b"=")) == 2,
        lambda q, b: q.split(b(b"&")) == [b(b"token=a"), b(b"b=c?")],
        lambda q, b: q.split(sep=b(b"="), maxsplit=1) == [b(b"token"), b(b"a&b=c?")],
        lambda q, b: q.split() == q.rsplit() == [b(b"token=a&b=c?")],
        lambda q, b: q.rsplit(b(b"="), 1) == [b(b"token=a&b"), b(b"c?")],
        lambda q, b: q.partition(b(b"=")) == (b(b"token"), b(b"="), b(b"a&b=c?")),
        lambda q, b: q.rpartition(b(b"=")) == (b(b"token=a&b"), b(b"="), b(b"c?")),
        lambda q, b: q.replace(b(b"a"), b(b"")) == b(b"token=&b=c?"),
        lambda q, b: q.replace(b(b"a"), b(b""), 0) == b(b"token=a&b=c?"),
        lambda q, b: q.strip(b(b"?t")) == b(b"oken=a&b=c"),
        lambda q, b: q.lstrip(b(b"t")).rstrip(b(b"?")) == b(b"oken=a&b=c"),
        lambda q, b: q.removeprefix(b(b"token=")).removesuffix(b(b"?")) == b(b"a&b=c"),
        lambda q, b: q + b(b"x") == b(b"token=a&b=c?x"),
        lambda q, b: b(b"x") + q == b(b"xtoken=a&b=c?"),
        lambda q, b: q[6:] == b(b"a&b=c?") and q[6:7] in {b(b"a"): 1},
        lambda q, b: q.upper().lower() == b(b"token=a&b=c?"),
        lambda q, b: bytes(q) == b"token=a&b=c?",
        lambda q, b: b"%b" % q == b"token=a&b=c?",
    ],
)
@pytest.mark.parametrize("kind", [bytes, bytes.decode])
def test_the_methods_of_text_and_of_bytes_take_either(use, kind):
    assert use(receive(b"token=a&b=c?"), kind)


def test_parts_of_parts_are_text_and_bytes_too():
    value = receive(b"a=1&token=J\xc3\xbc%20").split(b"&")[1].partition(b"=")[2].strip(b"%20")
    assert value == b"J\xc3\xbc" and value == "J\N{LATIN SMALL LETTER U WITH DIAERESIS}"


@pytest.mark.parametrize("add", [lambda q: q + 1, lambda q: 1 + q, lambda q: q + None])
def test_what_is_neither_text_nor_bytes_is_not_added(add):
    with pytest.raises(TypeError):
        add(receive(b"a=1"))


@given(st.binary(max_size=12), st.binary(max_size=4))
def test_it_finds_and_adds_any_bytes_as_bytes_do(sent, part):
    query_string = receive(sent)
    assert bytes(query_string + part) == sent + part
    assert bytes(part + query_string) == part + sent
    assert part in query_string + part
