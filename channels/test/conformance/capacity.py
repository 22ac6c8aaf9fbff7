"""Capacity: exact, per channel, shared by the clients of a process, and said in the error."""

from channels.test.conformance.harness import sync_and_async


@sync_and_async
class CapacityPromises:
    def fill(self, layer, channel, count):
        for n in range(count):
            layer.send(channel, {"n": n})

    def test_a_channel_takes_as_many_messages_as_its_capacity(self, make):
        layer = make(capacity=5)
        self.fill(layer, "full", 5)
        with self.assertRaises(layer.ChannelFull):
            layer.send("full", {"n": 5})
        self.assertEqual([message["n"] for _, message in layer.receive_all(["full"])], [*range(5)])

    def test_the_error_names_channel_length_and_capacity(self, make):
        layer = make(capacity=3)
        for channel in ("plain", "body?x", "proc!client"):
            self.fill(layer, channel, 3)
            with self.assertRaises(layer.ChannelFull) as caught:
                layer.send(channel, {})
            error = caught.exception
            self.assertEqual((error.channel, error.length, error.capacity), (channel, 3, 3))
            for part in (repr(channel), "3 of 3"):
                self.assertIn(part, str(error))

    def test_a_receive_makes_room(self, make):
        layer = make(capacity=2)
        self.fill(layer, "room", 2)
        layer.receive(["room"])
        layer.send("room", {"n": 2})
        with self.assertRaises(layer.ChannelFull):
            layer.send("room", {"n": 3})

    def test_a_full_channel_leaves_others_alone(self, make):
        layer = make(capacity=1)
        layer.send("one", {})
        layer.send("another", {"n": 1})
        self.assertEqual(layer.receive(["another"]), ("another", {"n": 1}))

    def test_the_clients_of_a_process_share_its_capacity(self, make):
        layer = make(capacity=3)
        for client in "abc":
            layer.send(f"proc!{client}", {})
        with self.assertRaises(layer.ChannelFull):
            layer.send("proc!d", {})
        layer.send("other!d", {})

    def test_the_first_glob_that_matches_sets_the_capacity(self, make):
        layer = make(capacity=1, channel_capacity={"jobs.fast": 2, "jobs.*": 3, "proc!*": 4})
        for channel, capacity in [("jobs.fast", 2), ("jobs.slow", 3), ("job", 1), ("proc!x", 4)]:
            self.fill(layer, channel, capacity)
            with self.assertRaises(layer.ChannelFull, msg=channel):
                layer.send(channel, {})

    def test_a_server_takes_5000_messages_for_its_sockets_by_default(self, make):
        layer = make()
        operation = layer.prepare_send("websocket.send.server!client", {"text": "x"})
        results = layer.apply([operation] * 5_001)
        self.assertEqual(results[:-1], [None] * 5_000)
        self.assertIsInstance(results[-1], layer.ChannelFull)

    def test_senders_at_the_same_time_do_not_pass_the_capacity(self, make):
        layer = make(capacity=50)
        twins = [layer.real, self.open_twin(layer.real)]

        def send_some(sender):
            refused = 0
            for n in range(25):
                try:
                    sender.send("race", {"n": n})
                except sender.ChannelFull:
                    refused += 1
            return refused

        threads = [self.in_background(send_some, twins[i % 2]) for i in range(4)]
        self.assertEqual(sum(thread.result() for thread in threads), 50)
        self.assertEqual(len(layer.receive_all(["race"])), 50)
