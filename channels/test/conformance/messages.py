"""Sending and receiving: what arrives, where, in which order, and what is refused."""

from channels.exceptions import ChannelsError, InvalidMessage, InvalidName
from channels.layers.limits import MAX_MESSAGE_BYTES
from channels.test.conformance.harness import sync_and_async

BAD_CHANNELS = [
    "",
    "a b",
    "a/b",
    "a:b",
    "ü",
    "a?",
    "?a",
    "!a",
    "a!b!c",
    "a?b?c",
    "a!b?c",
    "a\n",
    "a" * 200,
    b"a",
    None,
    7,
]
BAD_GROUPS = ["", "a b", "a!b", "a?b", "a:b", "ü", "a\n", "a" * 200, b"a", None, 7]


@sync_and_async
class MessagePromises:
    def test_a_message_arrives_as_it_was_sent(self, make):
        layer = make()
        message = {
            "text": "Grüße, 世界 \U0001f600 \x00",
            "bytes": b"\x00\xff\xc2\xa3",
            "numbers": [0, -1, 2**63, 1.5, float("inf")],
            "none": None,
            "bools": [True, False],
            "nested": {"list": [[b"a", "a"], {}], "": {"deep": {"deeper": []}}},
        }
        layer.send("a.channel-of_1", message)
        self.assertEqual(layer.receive(["a.channel-of_1"]), ("a.channel-of_1", message))

    def test_text_and_bytes_stay_what_they_are(self, make):
        layer = make()
        layer.send("kinds", {"text": "a", "bytes": b"a", "list": ["a", b"a"]})
        _, message = layer.receive(["kinds"])
        kinds = [type(value) for value in (message["text"], message["bytes"], *message["list"])]
        self.assertEqual(kinds, [str, bytes, str, bytes])

    def test_tuples_arrive_as_lists(self, make):
        layer = make()
        layer.send("tuples", {"pair": (1, (2,))})
        self.assertEqual(layer.receive(["tuples"]), ("tuples", {"pair": [1, [2]]}))

    def test_an_empty_message_arrives(self, make):
        layer = make()
        layer.send("empty", {})
        self.assertEqual(layer.receive(["empty"]), ("empty", {}))

    def test_nothing_is_received_where_nothing_was_sent(self, make):
        layer = make()
        layer.send("elsewhere", {})
        self.assertEqual(layer.receive(["nowhere", "neither!", "nor?here"]), (None, None))

    def test_a_message_is_received_once(self, make):
        layer = make()
        layer.send("once", {})
        layer.receive(["once"])
        self.assertEqual(layer.receive(["once"]), (None, None))

    def test_another_process_receives_what_was_sent(self, make):
        layer = make()
        twin = self.open_twin(layer.real)
        layer.send("between", {"n": 1})
        self.wait_until(lambda: twin.receive(["between"]) == ("between", {"n": 1}), "it arrives")

    def test_one_of_several_channels_is_received_from(self, make):
        layer = make()
        layer.send("second", {"n": 2})
        self.assertEqual(layer.receive(["first", "second", "third"]), ("second", {"n": 2}))

    def test_receive_many_is_receive(self, make):
        layer = make()
        layer.send("many", {"n": 1})
        self.wait_until(
            lambda: layer.receive_many(["many"]) == ("many", {"n": 1}), "it is received"
        )

    def test_a_change_after_the_send_has_no_effect(self, make):
        layer = make()
        message = {"list": [1, 2]}
        layer.send("changed", message)
        message["list"].append(3)
        message["new"] = 1
        self.assertEqual(layer.receive(["changed"]), ("changed", {"list": [1, 2]}))

    def test_a_process_receives_for_all_its_clients_under_their_full_names(self, make):
        layer = make()
        layer.send("proc.x!a", {"n": 1})
        layer.send("proc.x!b", {"n": 2})
        layer.send("proc.y!a", {"n": 3})
        received = layer.receive_all(["proc.x!"])
        self.assertEqual(received, [("proc.x!a", {"n": 1}), ("proc.x!b", {"n": 2})])
        self.assertEqual(layer.receive(["proc.y!"]), ("proc.y!a", {"n": 3}))

    def test_a_client_can_not_be_received_from_without_its_process(self, make):
        layer = make()
        with self.assertRaises(InvalidName):
            layer.receive(["proc.x!a"])

    def test_single_reader_channels_do_not_mix(self, make):
        layer = make()
        one, other = layer.new_channel("body?"), layer.new_channel("body?")
        layer.send(other, {"n": 2})
        layer.send(one, {"n": 1})
        self.assertEqual(layer.receive([one]), (one, {"n": 1}))
        self.assertEqual(layer.receive([other]), (other, {"n": 2}))

    def test_single_reader_channels_keep_order(self, make):
        layer = make()
        channel = layer.new_channel("body?")
        sent = [(channel, {"n": n}) for n in range(80)]
        for name, message in sent:
            layer.send(name, message)
        self.assertEqual(layer.receive_all([channel]), sent)

    def test_process_channels_keep_order(self, make):
        layer = make()
        sent = [(f"proc!{n % 3}", {"n": n}) for n in range(80)]
        for name, message in sent:
            layer.send(name, message)
        self.assertEqual(layer.receive_all(["proc!"]), sent)

    def test_new_channels_start_with_their_pattern_and_differ(self, make):
        layer = make()
        for pattern in ("http.request.body?", "my-process!"):
            new = {layer.new_channel(pattern) for _ in range(50)}
            self.assertEqual(len(new), 50)
            self.assertTrue(all(name.startswith(pattern) for name in new), new)
            self.assertTrue(all(len(name) > len(pattern) for name in new), new)
            layer.send(new.pop(), {})

    def test_new_channels_need_a_pattern_with_a_mark_at_its_end(self, make):
        layer = make()
        for pattern in ("body", "bo?dy", "", None, b"body?"):
            with self.assertRaises(InvalidName, msg=pattern):
                layer.new_channel(pattern)

    def test_bad_channel_names_are_refused(self, make):
        layer = make()
        for name in BAD_CHANNELS:
            with self.assertRaises(InvalidName, msg=f"send to {name!r}"):
                layer.send(name, {})
            with self.assertRaises(InvalidName, msg=f"receive from {name!r}"):
                layer.receive([name])

    def test_receive_takes_a_list_of_names(self, make):
        layer = make()
        for channels in ("abc", b"abc", []):
            with self.assertRaises(InvalidName, msg=channels):
                layer.receive(channels)

    def test_names_may_have_199_characters(self, make):
        layer = make()
        layer.send("a" * 199, {"n": 1})
        self.assertEqual(layer.receive(["a" * 199]), ("a" * 199, {"n": 1}))

    def test_what_is_no_dict_is_refused(self, make):
        layer = make()
        for message in ("text", b"bytes", ["list"], None, 1):
            with self.assertRaises(InvalidMessage, msg=message):
                layer.send("no-dict", message)
        self.assertEqual(layer.receive(["no-dict"]), (None, None))

    def test_what_can_not_be_packed_is_refused_at_once(self, make):
        layer = make()
        loop = {}
        loop["self"] = loop
        for value in (object(), {1, 2}, 2**70, loop, lambda: None):
            with self.assertRaises(InvalidMessage, msg=type(value)):
                layer.send("unpackable", {"value": value})
        self.assertEqual(layer.receive(["unpackable"]), (None, None))

    def test_what_could_not_be_read_back_is_refused_at_once(self, make):
        layer, deep = make(), "bottom"
        for _ in range(1_000):
            deep = [deep]
        for value in ({(0, 1): "x"}, [{"a": {(): 1}}], deep):
            with self.assertRaises(InvalidMessage):
                layer.send("unreadable", {"value": value})
            if "groups" in layer.extensions:
                with self.assertRaises(InvalidMessage):
                    layer.send_group("unreadable", {"value": value})
        self.assertEqual(layer.receive(["unreadable"]), (None, None))

    def test_a_message_of_one_mebibyte_passes(self, make):
        layer = make()
        body = b"\xff" * (MAX_MESSAGE_BYTES - 1024)
        layer.send("large", {"body": body})
        _, message = layer.receive(["large"])
        self.assertTrue(message == {"body": body}, "it came back changed")

    def test_a_larger_message_is_refused(self, make):
        layer = make()
        with self.assertRaises(layer.MessageTooLarge) as caught:
            layer.send("too-large", {"body": b"\xff" * (MAX_MESSAGE_BYTES + 1)})
        self.assertEqual(caught.exception.channel, "too-large")
        self.assertEqual(layer.receive(["too-large"]), (None, None))

    def test_the_exceptions_are_on_the_layer(self, make):
        layer = make()
        self.assertTrue(issubclass(layer.ChannelFull, ChannelsError))
        self.assertTrue(issubclass(layer.MessageTooLarge, ChannelsError))

    def test_flush_removes_messages(self, make):
        layer = make("flush")
        layer.send("plain", {})
        layer.send("body?x", {})
        layer.send("proc!x", {})
        layer.flush()
        self.assertEqual(layer.receive(["plain", "body?x", "proc!"]), (None, None))

    def test_a_flushed_layer_can_be_used(self, make):
        layer = make("flush")
        layer.flush()
        layer.send("afterwards", {"n": 1})
        self.assertEqual(layer.receive(["afterwards"]), ("afterwards", {"n": 1}))

    def test_a_closed_layer_can_be_used_again(self, make):
        layer = make()
        layer.send("closed", {"n": 1})
        layer.close()
        self.assertEqual(layer.receive(["closed"]), ("closed", {"n": 1}))
