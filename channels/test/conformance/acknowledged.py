"""Channels whose messages are acknowledged work as all others do, but for what is stated here.

What happens when a worker dies is for the layer's own tests.
"""

from channels.layers.operations import DeadLetter, Delivery, Done, PutBack, Retry


class AcknowledgedPromises:
    def open_acknowledged(self, *extensions, **config):
        """A layer with the acknowledged channel "work", and its reader."""
        config.setdefault("acknowledged", {"work": {}})
        layer = self.open_layer("acknowledged", *extensions, **config)
        reader = layer.open_reader(["other", "work"])
        self.addCleanup(reader.close)
        return layer, reader

    def take_work(self, reader, *operations):
        for _ in range(3):  # a take may end early, with nothing but an expired message
            _, delivery = reader.take(operations, block_s=self.patience_s)
            if delivery is not None:
                break
            operations = ()
        self.assertIsInstance(delivery, Delivery)
        return delivery

    def assert_no_work(self, reader):
        for _ in range(self.receive_tries):
            self.assertIsNone(reader.take()[1])

    def test_an_acknowledged_message_is_taken_once(self):
        layer, reader = self.open_acknowledged()
        layer.send("work", {"n": 1})
        delivery = self.take_work(reader)
        self.assertEqual(
            (delivery.channel, delivery.content, delivery.attempts), ("work", {"n": 1}, 0)
        )
        self.assert_no_work(reader)
        self.assertEqual(layer.apply([Done(delivery), Done(delivery)]), [None, None])
        self.assert_no_work(reader)

    def test_acknowledged_messages_come_in_order_beside_others(self):
        layer, reader = self.open_acknowledged()
        for n in range(5):
            layer.send("work", {"n": n})
            layer.send("other", {"n": n})
        taken = [self.take_work(reader) for _ in range(10)]
        for channel in ("work", "other"):
            numbers = [each.content["n"] for each in taken if each.channel == channel]
            self.assertEqual(numbers, [0, 1, 2, 3, 4])

    def test_a_reader_that_waits_is_woken_by_an_acknowledged_message(self):
        layer, reader = self.open_acknowledged()
        for n in range(20):
            waiting = self.in_background(reader.take, (), self.patience_s)
            layer.send("work", {"n": n})
            self.assertEqual(waiting.result()[1].content, {"n": n})

    def test_each_acknowledged_message_has_one_taker_of_many(self):
        layer, _ = self.open_acknowledged(capacity=1_000)
        for n in range(300):
            layer.send("work", {"n": n})
        taken = []

        def take_all(layer):
            reader, operations = layer.open_reader(["other", "work"]), []
            while len(taken) < 300:
                _, delivery = reader.take(operations, block_s=0.05)
                operations = [Done(delivery)] if delivery else []
                taken.extend([delivery.content["n"]] if delivery else [])
            reader.close()

        layers = [layer, self.open_twin(layer)] * 2
        for thread in [self.in_background(take_all, each) for each in layers]:
            thread.result()
        self.assertEqual(sorted(taken), [*range(300)])

    def test_receive_takes_an_acknowledged_message_for_good(self):
        layer, reader = self.open_acknowledged()
        layer.send("work", {"n": 1})
        self.assertEqual(layer.receive(["work"]), ("work", {"n": 1}))
        self.assertEqual(layer.receive(["work"]), (None, None))
        self.assert_no_work(reader)

    def test_a_retried_acknowledged_message_comes_again_after_its_delay(self):
        layer, reader = self.open_acknowledged()
        layer.send("work", {"n": 1})
        again = self.take_work(reader, Retry(self.take_work(reader), 0.0))
        self.assertEqual((again.content, again.attempts), ({"n": 1}, 1))
        self.assertEqual(reader.take([Retry(again, self.short_expiry_s)]), ([None], None))
        self.let_time_pass(layer, 1.25 * self.short_expiry_s)
        again = self.take_work(reader)
        self.assertEqual((again.content, again.attempts), ({"n": 1}, 2))
        layer.apply([Done(again)])
        self.assert_no_work(reader)

    def test_an_acknowledged_message_that_is_put_back_comes_again_as_it_was(self):
        layer, reader = self.open_acknowledged()
        layer.send("work", {"n": 1})
        delivery = self.take_work(reader, Retry(self.take_work(reader), 0.0))
        self.assertEqual(layer.apply([PutBack(delivery)]), [None])
        again = self.take_work(reader)
        self.assertEqual((again.content, again.attempts), ({"n": 1}, 1))
        self.assert_no_work(reader)

    def test_an_acknowledged_message_may_be_sent_late(self):
        layer, reader = self.open_acknowledged()
        layer.send("work", {"n": 1}, self.short_expiry_s)
        self.assert_no_work(reader)
        self.let_time_pass(layer, 1.25 * self.short_expiry_s)
        self.assertEqual(self.take_work(reader).content, {"n": 1})
        self.assert_no_work(reader)

    def test_an_acknowledged_channel_can_be_full(self):
        layer, reader = self.open_acknowledged("statistics", capacity=2)
        for n in range(2):
            layer.send("work", {"n": n})
        with self.assertRaises(layer.ChannelFull):
            layer.send("work", {})
        statistics = layer.channel_statistics("work")
        self.assertEqual(statistics["messages_pending"], 2)
        self.assertEqual(statistics["channel_full_count"], 1)
        self.take_work(reader)
        layer.send("work", {})  # what runs does not wait

    def test_an_acknowledged_message_that_expires_is_kept_as_a_dead_letter(self):
        layer, reader = self.open_acknowledged("statistics", expiry=self.short_expiry_s)
        layer.send("work", {"n": 1})
        self.let_expire(layer)
        layer.send("work", {"n": 2})
        self.assertEqual(self.take_work(reader).content, {"n": 2})
        (letter,) = layer.dead_letters("work")
        self.assertEqual((letter["content"], letter["reason"]), ({"n": 1}, "it expired unread"))
        statistics = layer.channel_statistics("work")
        self.assertEqual((statistics["expired_count"], statistics["dead_letter_count"]), (1, 1))

    def test_an_acknowledged_message_can_become_a_dead_letter_and_come_again(self):
        layer, reader = self.open_acknowledged("statistics")
        layer.send("work", {"n": 1})
        layer.apply([DeadLetter(self.take_work(reader), "a reason")])
        self.assert_no_work(reader)
        self.assertEqual(layer.dead_letters("work")[0]["reason"], "a reason")
        self.assertEqual(layer.replay_dead_letters("work"), 1)
        self.assertEqual(self.take_work(reader).content, {"n": 1})

    def test_what_runs_on_an_acknowledged_channel_may_end_after_a_flush(self):
        layer, reader = self.open_acknowledged("flush")
        for operation in (Done, PutBack, lambda delivery: Retry(delivery, 0.0)):
            layer.send("work", {"n": 1})
            delivery = self.take_work(reader)
            layer.flush()
            self.assertEqual(layer.apply([operation(delivery)]), [None])
            self.assert_no_work(reader)

    def test_settings_of_acknowledged_channels_are_checked(self):
        self.open_layer("acknowledged")
        for wrong in (
            ["work"],
            {"work": {"timeout": 5}},
            {"work": {"timeout_s": 0}},
            {"work": {"max_deliveries": 0}},
            {"work": {"timeout_s": "60"}},
        ):
            with self.assertRaises(ValueError):
                self.make_layer(acknowledged=wrong)
