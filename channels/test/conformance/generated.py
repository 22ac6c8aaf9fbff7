"""Names and messages that Hypothesis makes up."""

import string
import unittest

from channels.exceptions import InvalidName
from channels.layers import names

try:
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st
except ImportError:  # the suite is part of the package, hypothesis is not
    given = None

_PART = string.ascii_letters + string.digits + "-_."


def _no_more_than_fit(value):
    return len(value) <= names.MAX_NAME_LENGTH


if given is None:

    class GeneratedPromises:
        def test_generated_names_and_messages(self):
            raise unittest.SkipTest("hypothesis is not installed: pip install hypothesis")

else:
    #: Subclasses share these tests, each layer is real, and no database is left behind.
    quick = settings(
        max_examples=60,
        deadline=None,
        database=None,
        suppress_health_check=[
            HealthCheck.differing_executors,
            HealthCheck.too_slow,
            HealthCheck.function_scoped_fixture,
        ],
    )
    parts = st.text(_PART, min_size=1, max_size=100)
    valid_names = st.one_of(
        parts,
        st.builds("{}?{}".format, parts, parts),
        st.builds("{}!{}".format, parts, st.text(_PART, max_size=100)),
    ).filter(_no_more_than_fit)
    almost_names = st.text(_PART + "?!" + " \n/ü:", max_size=210)
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False),
        st.text(),
        st.binary(),
    )
    values = st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=5), st.dictionaries(st.text(), inner, max_size=5)
        ),
        max_leaves=20,
    )
    messages = st.dictionaries(st.text(), values, max_size=6)

    class GeneratedPromises:
        def layer_of_generated(self):
            """One layer for all examples of a test."""
            if not hasattr(self, "_layer_of_generated"):
                self._layer_of_generated = self.open_layer()
            return self._layer_of_generated

        def receive_generated(self, layer, channel):
            for _ in range(self.receive_tries):
                received = layer.receive([names.queue_name(channel)])
                if received[0] is not None:
                    return received
            return None, None

        @quick
        @given(messages)
        def test_any_message_comes_back_as_it_was(self, message):
            layer = self.layer_of_generated()
            layer.send("generated", message)
            channel, received = self.receive_generated(layer, "generated")
            self.assertEqual(channel, "generated")
            self.assert_same(received, message)

        def assert_same(self, one, other):
            """Equal, and of the same types all the way down."""
            self.assertEqual(one, other)
            self.assertEqual(repr(one), repr(other))

        @quick
        @given(valid_names)
        def test_any_valid_name_can_be_used(self, name):
            layer = self.layer_of_generated()
            layer.send(name, {"to": name})
            self.assertEqual(self.receive_generated(layer, name), (name, {"to": name}))

        @quick
        @given(almost_names)
        def test_any_text_is_a_name_or_refused(self, name):
            layer = self.layer_of_generated()
            try:
                layer.send(name, {"to": name})
            except InvalidName:
                return
            self.assertEqual(self.receive_generated(layer, name), (name, {"to": name}))

        @quick
        @given(st.text(_PART, min_size=1, max_size=names.MAX_NAME_LENGTH), valid_names)
        def test_any_valid_group_name_can_be_used(self, group, channel):
            layer = self.layer_of_generated()
            if "groups" not in layer.extensions:
                self.skipTest(f"{type(layer).__name__} has no 'groups' extension")
            if channel.startswith(("http.response.", "websocket.send.")):
                return  # these belong to servers, which may be unknown
            layer.group_add(group, channel)
            self.assertEqual(layer.group_channels(group), [channel])
            layer.send_group(group, {"group": group})
            self.assertEqual(self.receive_generated(layer, channel), (channel, {"group": group}))
            layer.group_discard(group, channel)
            self.assertEqual(layer.group_channels(group), [])
