"""Routings, names and patterns that Hypothesis makes up."""

import copy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.layers.names import check_channel_name
from channels.routing import InvalidRoute, Router, include, route
from tests.routing.messages import make_message

CHANNELS = ("websocket.connect", "websocket.receive", "background")
KEYS = ("path", "method")

parts = st.sampled_from(["a", "b", "[ab]", "(?P<one>a)", "(?P<two>b)?", "(?P<one>[ab])", "$"])


def join_parts(some):
    """Join parts of a pattern; only the first keeps its group, so that no name stands twice."""
    return "".join(part for at, part in enumerate(some) if "<" not in part or at == 0)


patterns = st.lists(parts, max_size=2).map(join_parts)
filters = st.dictionaries(st.sampled_from(KEYS), patterns, max_size=2)
values = st.text("abc", max_size=4) | st.text("ab", max_size=4).map(str.encode) | st.none()
contents = st.dictionaries(st.sampled_from(KEYS), values, max_size=2)


def make_consumer(number):
    def consumer(message, **kwargs):
        return number

    return consumer


def make_leaf(channel, number, kwargs):
    return ("route", channel, make_consumer(number), kwargs)


leaves = st.builds(make_leaf, st.sampled_from(CHANNELS), st.integers(), filters)
trees = st.recursive(
    leaves,
    lambda inner: st.tuples(st.just("include"), st.lists(inner, max_size=4), filters),
    max_leaves=12,
)


def build(node):
    if node[0] == "route":
        return route(node[1], node[2], **node[3])
    return include([build(inner) for inner in node[1]], **node[2])


def match_by_copying(node, channel, content):
    """What 1.x did: work on a copy of the message, from the outside in."""
    content, kwargs = copy.deepcopy(content), {}
    for key, pattern in node[-1].items():
        value = content.get(key)
        value = value.decode() if isinstance(value, bytes) else value
        found = None if value is None else re.match(pattern, value)
        if not found:
            return None
        kwargs.update(found.groupdict())
        content[key] = value[found.end() :]
    if node[0] == "route":
        return (node[2], kwargs) if node[1] == channel else None
    for inner in node[1]:
        found = match_by_copying(inner, channel, content)
        if found:
            return found[0], {**kwargs, **found[1]}
    return None


@given(st.lists(trees, max_size=4), st.sampled_from(CHANNELS), contents)
def test_the_router_finds_what_a_walk_over_copies_would_find(nodes, channel, content):
    message = make_message(channel, **copy.deepcopy(content))
    found = Router([build(node) for node in nodes]).match(message)
    assert found == match_by_copying(("include", nodes, {}), channel, content)
    assert message.content == content


@given(st.text(max_size=12) | st.binary(max_size=12) | st.integers())
def test_any_name_is_either_routable_and_sendable_or_refused(name):
    made = route(name, make_consumer(1))
    try:
        router = Router([made])
    except InvalidRoute:
        return
    check_channel_name(*made.channels)
    assert router.match(make_message(*made.channels)) == (made.consumer, {})


last_parts = st.from_regex(r"[a-zA-Z0-9\-_.]{1,12}", fullmatch=True)


@given(st.sampled_from(["http.", "websocket."]), last_parts)
def test_any_name_in_a_known_protocol_is_routable_or_refused_with_a_real_name(family, rest):
    try:
        Router([route(family + rest, make_consumer(1))])
    except InvalidRoute as error:
        hint = str(error).partition("did you mean '")[2].partition("'")[0]
        assert route(hint, make_consumer(1)).channels == [hint]


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@given(st.text("ab/()[]?P<>^$|*+.\\{}-:1", max_size=10), st.text("ab/1", max_size=10))
def test_any_pattern_is_either_used_or_refused(pattern, path):
    made = route("x", make_consumer(1), path=pattern)
    try:
        router = Router([made])
    except InvalidRoute as error:
        assert repr(pattern) in str(error)
        return
    found = router.match(make_message("x", path=path))
    assert found is None or set(found[1]) == set(made.filters["path"].groupindex)
