"""The suite's smaller form, set up as asgiref 1.x's conformance suite was.

    class MyLayerTests(ConformanceTestCase):
        channel_layer = MyLayer(expiry=1, group_expiry=2, capacity=5)
        expiry_delay = 1.1
        capacity_limit = 5

It tests one layer, with what 1.x promised. `ConformanceSuite` tests much more.
"""

import time
import unittest

from channels.test.conformance.messages import BAD_CHANNELS


class ConformanceTestCase(unittest.TestCase):
    """What a 1.x layer promised.

    Attributes:
        channel_layer: the layer, empty, with a short expiry.
        expiry_delay: seconds after which a message has expired.
        capacity_limit: the layer's capacity; None skips the tests of it.
        receive_tries: how often an unsuccessful `receive` is repeated.
    """

    channel_layer = None
    expiry_delay = None
    capacity_limit = None
    receive_tries = 1

    @classmethod
    def setUpClass(cls):
        if cls is ConformanceTestCase:
            raise unittest.SkipTest("subclass it, and set channel_layer and expiry_delay")
        super().setUpClass()

    def setUp(self):
        for name in ("channel_layer", "expiry_delay"):
            if getattr(self, name) is None:
                raise ValueError(f"{type(self).__name__} must set {name}")
        if "flush" in self.channel_layer.extensions:
            self.channel_layer.flush()

    def skip_if_no_extension(self, extension):
        """Skip the test if the layer does not name `extension`."""
        if extension not in self.channel_layer.extensions:
            raise unittest.SkipTest(f"no {extension!r} extension")

    def receive(self, channels):
        """Receive, `receive_tries` times if need be."""
        for _ in range(self.receive_tries):
            channel, message = self.channel_layer.receive(channels)
            if channel is not None:
                return channel, message
        return None, None

    def receive_all(self, channels):
        """Receive until nothing is left: a list of (channel, message)."""
        return list(iter(lambda: self.receive(channels), (None, None)))

    def need_capacity(self, at_least=1):
        """Skip the test if the capacity is not known, or is too small for it."""
        if self.capacity_limit is None or self.capacity_limit < at_least:
            raise unittest.SkipTest(f"capacity_limit is {self.capacity_limit}")

    # -- channels -----------------------------------------------------------------------------

    def test_messages_arrive_once(self):
        for colour in ("blue", "green", "yellow"):
            self.channel_layer.send("classic", {"value": colour})
        received = [message["value"] for _, message in self.receive_all(["classic", "other"])]
        self.assertEqual(sorted(received), ["blue", "green", "yellow"])

    def test_a_process_receives_for_its_clients(self):
        self.channel_layer.send("classic!a", {"n": 1})
        self.assertEqual(self.receive(["classic!"]), ("classic!a", {"n": 1}))

    def test_a_client_is_not_received_from(self):
        with self.assertRaises(TypeError):
            self.channel_layer.receive(["classic!a"])

    def test_bad_names_are_refused(self):
        for name in BAD_CHANNELS:
            with self.assertRaises(TypeError, msg=name):
                self.channel_layer.send(name, {})

    def test_messages_expire(self):
        self.channel_layer.send("classic", {})
        time.sleep(self.expiry_delay)
        self.assertEqual(self.receive(["classic"]), (None, None))

    def test_new_channels_are_fresh(self):
        one, other = (self.channel_layer.new_channel("classic?") for _ in range(2))
        self.assertNotEqual(one, other)
        self.assertTrue(one.startswith("classic?") and len(one) > len("classic?"), one)
        self.channel_layer.send(one, {"n": 1})
        self.assertEqual(self.receive([other, one]), (one, {"n": 1}))

    def test_new_channels_need_a_pattern(self):
        with self.assertRaises(TypeError):
            self.channel_layer.new_channel("classic")

    def test_text_and_bytes_stay_what_they_are(self):
        message = {"values": {"bytes": b"\xc2\xa3", "text": "\u00a3", "control": b"\x01\x00"}}
        self.channel_layer.send("classic", message)
        self.assertEqual(self.receive(["classic"]), ("classic", message))

    def test_a_change_after_the_send_has_no_effect(self):
        message = {"value": [1, 2, 3]}
        self.channel_layer.send("classic", message)
        message["value"][0] = "new"
        self.assertEqual(self.receive(["classic"]), ("classic", {"value": [1, 2, 3]}))

    def test_the_exceptions_are_on_the_layer(self):
        for name in ("ChannelFull", "MessageTooLarge"):
            self.assertTrue(issubclass(getattr(self.channel_layer, name), Exception))

    # -- capacity -----------------------------------------------------------------------------

    def test_capacity_is_kept(self):
        self.need_capacity()
        for _ in range(self.capacity_limit):
            self.channel_layer.send("classic", {})
        with self.assertRaises(self.channel_layer.ChannelFull):
            self.channel_layer.send("classic", {})

    def test_clients_of_a_process_share_its_capacity(self):
        self.need_capacity(at_least=2)
        for n in range(self.capacity_limit):
            self.channel_layer.send(f"classic!{n}", {})
        with self.assertRaises(self.channel_layer.ChannelFull):
            self.channel_layer.send("classic!last", {})

    def test_a_group_send_to_a_full_member_is_not_refused(self):
        self.skip_if_no_extension("groups")
        self.need_capacity()
        self.channel_layer.group_add("classics", "classic")
        for _ in range(self.capacity_limit + 1):
            self.channel_layer.send_group("classics", {})
        self.assertEqual(len(self.receive_all(["classic"])), self.capacity_limit)

    # -- groups -------------------------------------------------------------------------------

    def join(self, *channels):
        self.skip_if_no_extension("groups")
        for channel in channels:
            self.channel_layer.group_add("classics", channel)

    def test_members_get_group_sends(self):
        self.join("one", "two", "gone", "proc!a", "proc!b", "proc!gone")
        for channel in ("gone", "proc!gone"):
            self.channel_layer.group_discard("classics", channel)
        self.channel_layer.send_group("classics", {"n": 1})
        received = [channel for channel, _ in self.receive_all(["one", "two", "gone", "proc!"])]
        self.assertEqual(sorted(received), ["one", "proc!a", "proc!b", "two"])

    def test_a_group_lists_its_members(self):
        self.join("one", "two", "gone")
        self.channel_layer.group_discard("classics", "gone")
        self.assertEqual(set(self.channel_layer.group_channels("classics")), {"one", "two"})

    def test_memberships_expire(self):
        self.skip_if_no_extension("groups")
        if self.channel_layer.group_expiry > 20:
            raise unittest.SkipTest(f"group_expiry is {self.channel_layer.group_expiry} s")
        self.join("one")
        margin_s = max(self.expiry_delay - self.channel_layer.expiry, 0)
        time.sleep(self.channel_layer.group_expiry + margin_s)
        self.channel_layer.send_group("classics", {})
        self.assertEqual(self.receive(["one"]), (None, None))

    # -- flush --------------------------------------------------------------------------------

    def test_flush_removes_messages_and_groups(self):
        self.skip_if_no_extension("flush")
        self.channel_layer.send("classic", {})
        if "groups" in self.channel_layer.extensions:
            self.join("one")
        self.channel_layer.flush()
        if "groups" in self.channel_layer.extensions:
            self.channel_layer.send_group("classics", {})
        self.assertEqual(self.receive(["classic", "one"]), (None, None))
