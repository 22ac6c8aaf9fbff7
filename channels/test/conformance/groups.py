"""Groups: who is a member, who gets what, what a group send costs."""

from channels.exceptions import InvalidMessage, InvalidName
from channels.test.conformance.harness import sync_and_async
from channels.test.conformance.messages import BAD_CHANNELS, BAD_GROUPS


@sync_and_async
class GroupPromises:
    def add(self, layer, group, *channels):
        for channel in channels:
            layer.group_add(group, channel)

    # -- members ------------------------------------------------------------------------------

    def test_a_group_lists_its_members(self, make):
        layer = make("groups")
        members = ["plain", "body?x", "proc!a", "proc!b", "other!a"]
        self.add(layer, "group", *members)
        channels = layer.group_channels("group")
        self.assertIsInstance(channels, list)
        self.assertEqual(sorted(channels), sorted(members))

    def test_an_unknown_group_is_empty(self, make):
        layer = make("groups")
        self.assertEqual(layer.group_channels("nobody"), [])
        layer.send_group("nobody", {})

    def test_a_member_added_twice_is_one_member(self, make):
        layer = make("groups")
        self.add(layer, "group", "plain", "plain", "proc!a", "proc!a")
        self.assertEqual(sorted(layer.group_channels("group")), ["plain", "proc!a"])
        layer.send_group("group", {})
        self.assertEqual(len(layer.receive_all(["plain", "proc!"])), 2)

    def test_a_discarded_member_is_no_member(self, make):
        layer = make("groups")
        self.add(layer, "group", "one", "two", "proc!a", "proc!b")
        layer.group_discard("group", "one")
        layer.group_discard("group", "proc!a")
        self.assertEqual(sorted(layer.group_channels("group")), ["proc!b", "two"])
        layer.send_group("group", {})
        received = [channel for channel, _ in layer.receive_all(["one", "two", "proc!"])]
        self.assertEqual(sorted(received), ["proc!b", "two"])

    def test_discarding_who_is_no_member_is_fine(self, make):
        layer = make("groups")
        layer.group_discard("group", "stranger")
        layer.group_add("group", "member")
        layer.group_discard("group", "stranger")
        self.assertEqual(layer.group_channels("group"), ["member"])

    def test_a_channel_can_be_added_again(self, make):
        layer = make("groups")
        layer.group_add("group", "proc!a")
        layer.group_discard("group", "proc!a")
        layer.group_add("group", "proc!a")
        self.assertEqual(layer.group_channels("group"), ["proc!a"])

    def test_a_channel_leaves_all_of_its_groups_at_once(self, make):
        layer = make("groups")
        for group in ("one", "two"):
            self.add(layer, group, "proc!a", "proc!b")
        self.assertEqual(sorted(layer.group_discard_all("proc!a")), ["one", "two"])
        self.assertEqual(layer.group_channels("one"), ["proc!b"])
        self.assertEqual(layer.group_channels("two"), ["proc!b"])
        self.assertEqual(layer.group_discard_all("proc!a"), [])

    def test_another_process_sees_the_members(self, make):
        layer = make("groups")
        twin = self.open_twin(layer.real)
        layer.group_add("group", "proc!a")
        self.assertEqual(twin.group_channels("group"), ["proc!a"])

    def test_bad_names_are_refused(self, make):
        layer = make("groups")
        for name in BAD_GROUPS:
            for use in (
                lambda name: layer.group_add(name, "fine"),
                lambda name: layer.group_discard(name, "fine"),
                lambda name: layer.send_group(name, {}),
                layer.group_channels,
            ):
                with self.assertRaises(InvalidName, msg=repr(name)):
                    use(name)
        for name in BAD_CHANNELS:
            with self.assertRaises(InvalidName, msg=repr(name)):
                layer.group_add("fine", name)
            with self.assertRaises(InvalidName, msg=repr(name)):
                layer.group_discard("fine", name)

    def test_memberships_of_no_server_expire(self, make):
        layer = make("groups", group_expiry=self.short_expiry_s)
        self.add(layer, "group", "plain", "proc!a")
        self.let_expire(layer.real)
        self.assertEqual(layer.group_channels("group"), [])
        layer.send_group("group", {})
        self.assertEqual(layer.receive(["plain", "proc!"]), (None, None))

    def test_adding_again_renews_a_membership(self, make):
        layer = make("groups", group_expiry=3 * self.short_expiry_s)
        self.add(layer, "group", "plain", "renewed", "proc!a", "proc!renewed")
        for _ in range(2):
            self.let_time_pass(layer.real, 2 * self.short_expiry_s)
            self.add(layer, "group", "renewed", "proc!renewed")
        self.assertEqual(sorted(layer.group_channels("group")), ["proc!renewed", "renewed"])

    # -- sends --------------------------------------------------------------------------------

    def test_each_member_gets_a_group_send_once(self, make):
        layer = make("groups")
        members = ["plain", "body?x", "proc!a", "proc!b", "other!a"]
        self.add(layer, "group", *members)
        layer.group_add("another", "proc!c")
        layer.send_group("group", {"n": 1})
        received = layer.receive_all(["plain", "body?x", "proc!", "other!", "stranger"])
        self.assertEqual(sorted(channel for channel, _ in received), sorted(members))
        self.assertTrue(all(message == {"n": 1} for _, message in received), received)

    def test_a_change_after_the_group_send_has_no_effect(self, make):
        layer = make("groups")
        self.add(layer, "group", "one", "proc!a")
        message = {"list": [1]}
        layer.send_group("group", message)
        message["list"].append(2)
        received = [message for _, message in layer.receive_all(["one", "proc!"])]
        self.assertEqual(received, [{"list": [1]}] * 2)

    def test_each_receiver_has_a_message_of_its_own(self, make):
        layer = make("groups")
        self.add(layer, "group", "proc!a", "proc!b")
        layer.send_group("group", {"list": []})
        _, first = layer.receive(["proc!"])
        first["list"].append("mine")
        first["new"] = 1
        self.assertEqual(layer.receive(["proc!"])[1], {"list": []})

    def test_group_sends_and_sends_keep_their_order(self, make):
        layer = make("groups")
        self.add(layer, "group", "proc!a", "proc!b")
        for n in range(0, 40, 2):
            layer.send("proc!a", {"n": n})
            layer.send_group("group", {"n": n + 1})
        received = layer.receive_all(["proc!"])
        of_a = [message["n"] for channel, message in received if channel == "proc!a"]
        self.assertEqual(of_a, [*range(40)])

    def test_bad_messages_are_refused(self, make):
        layer = make("groups")
        layer.group_add("group", "plain")
        for message in (None, "text", {"value": object()}):
            with self.assertRaises(InvalidMessage, msg=message):
                layer.send_group("group", message)
        with self.assertRaises(layer.MessageTooLarge):
            layer.send_group("group", {"body": b"x" * (1024 * 1024 + 1)})
        self.assertEqual(layer.receive(["plain"]), (None, None))

    def test_a_group_send_counts_once_however_many_clients_a_process_has(self, make):
        layer = make("groups", "statistics", capacity=3)
        self.add(layer, "group", *(f"proc!{n}" for n in range(50)))
        for n in range(3):
            layer.send_group("group", {"n": n})
        self.assertEqual(layer.channel_statistics("proc!")["dropped_count"], 0)
        self.assertEqual(len(layer.receive_all(["proc!"])), 150)

    def test_members_of_a_full_process_miss_a_group_send_and_each_miss_is_counted(self, make):
        layer = make("groups", "statistics", capacity=3)
        self.add(layer, "group", *(f"proc!{n}" for n in range(50)), "other!a")
        for n in range(4):
            layer.send("proc!x", {}) if n < 3 else layer.send_group("group", {"n": n})
        self.assertEqual(layer.receive_all(["other!"]), [("other!a", {"n": 3})])
        self.assertEqual(len(layer.receive_all(["proc!"])), 3)
        self.assertEqual(layer.channel_statistics("proc!")["dropped_count"], 50)

    def test_a_full_member_misses_a_group_send_and_the_others_do_not(self, make):
        layer = make("groups", "statistics", capacity=1)
        self.add(layer, "group", "full", "empty")
        layer.send("full", {"n": 1})
        layer.send_group("group", {"n": 2})
        self.assertEqual(layer.receive_all(["empty"]), [("empty", {"n": 2})])
        self.assertEqual(layer.receive_all(["full"]), [("full", {"n": 1})])
        self.assertEqual(layer.channel_statistics("full")["dropped_count"], 1)

    def test_flush_removes_groups(self, make):
        layer = make("groups", "flush")
        self.add(layer, "group", "plain", "proc!a")
        layer.flush()
        self.assertEqual(layer.group_channels("group"), [])
        layer.send_group("group", {})
        self.assertEqual(layer.receive(["plain", "proc!"]), (None, None))
