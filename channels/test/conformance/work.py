"""What workers use: operations prepared now and carried out later, and Readers."""

import random
import time

from channels.exceptions import ChannelFull, HeldBack, InvalidMessage, InvalidName
from channels.layers.operations import DeadLetter, Delivery, Done, PutBack, Retry


class WorkPromises:
    # -- apply --------------------------------------------------------------------------------

    def test_what_is_prepared_is_sent_by_apply(self):
        layer = self.open_layer()
        operation = layer.prepare_send("prepared", {"n": 1})
        self.assertEqual(layer.receive(["prepared"]), (None, None))
        self.assertEqual(layer.apply([operation]), [None])
        self.assertEqual(layer.receive(["prepared"]), ("prepared", {"n": 1}))

    def test_apply_carries_out_in_order(self):
        layer = self.open_layer("groups")
        layer.group_add("group", "proc!b")
        layer.apply(
            [
                layer.prepare_send("proc!a", {"n": 1}),
                layer.prepare_send_group("group", {"n": 2}),
                layer.prepare_send("proc!a", {"n": 3}),
            ]
        )
        received = [self.receive_soon(layer, "proc!")[1]["n"] for _ in range(3)]
        self.assertEqual(received, [1, 2, 3])

    def test_apply_of_nothing_returns_nothing(self):
        self.assertEqual(self.open_layer().apply([]), [])

    def test_mistakes_are_raised_when_preparing(self):
        layer = self.open_layer()
        with self.assertRaises(InvalidName):
            layer.prepare_send("bad name", {})
        with self.assertRaises(InvalidName):
            layer.prepare_send_group("bad name", {})
        for message in ("text", {"value": object()}):
            with self.assertRaises(InvalidMessage):
                layer.prepare_send("fine", message)
            with self.assertRaises(InvalidMessage):
                layer.prepare_send_group("fine", message)
        with self.assertRaises(layer.MessageTooLarge):
            layer.prepare_send("fine", {"body": b"x" * (1024 * 1024 + 1)})

    def test_a_change_after_preparing_has_no_effect(self):
        layer = self.open_layer()
        message = {"list": [1]}
        operation = layer.prepare_send("prepared", message)
        message["list"].append(2)
        layer.apply([operation])
        self.assertEqual(layer.receive(["prepared"]), ("prepared", {"list": [1]}))

    def test_a_refused_operation_does_not_stop_the_next(self):
        layer = self.open_layer(capacity=1)
        results = layer.apply(
            [
                layer.prepare_send("full", {"n": 1}),
                layer.prepare_send("full", {"n": 2}),
                layer.prepare_send("free", {"n": 3}),
            ]
        )
        self.assertEqual([results[0], results[2]], [None, None])
        self.assertIsInstance(results[1], layer.ChannelFull)
        self.assertEqual(results[1].channel, "full")
        self.assertEqual(layer.receive(["free"]), ("free", {"n": 3}))

    def test_nothing_overtakes_a_refused_message_to_the_same_reply_channel(self):
        for queue in ("row.server!", "row?abc"):
            layer = self.open_layer(capacity=2)
            client = queue + "a" if queue.endswith("!") else queue
            other = "other.server!b" if queue.endswith("!") else "other?b"
            layer.send(client, {"n": 0})
            sends = [layer.prepare_send(client, {"n": n}) for n in (1, 2, 3)]
            results = layer.apply([*sends, layer.prepare_send(other, {"n": 4})])
            self.assertEqual([results[0], results[3]], [None, None])
            self.assertIsInstance(results[1], layer.ChannelFull)
            self.assertIsInstance(results[2], HeldBack)
            self.assertEqual(results[2].channel, client)
            self.assertEqual(layer.receive([queue]), (client, {"n": 0}))
            self.assertEqual(layer.receive([queue]), (client, {"n": 1}))
            self.assertEqual(layer.apply(sends[1:]), [None, None])
            self.assertEqual(layer.receive([queue]), (client, {"n": 2}))
            self.assertEqual(layer.receive([queue]), (client, {"n": 3}))

    def test_what_is_held_back_does_not_count_as_refused_by_a_full_channel(self):
        layer = self.open_layer("statistics", capacity=1)
        layer.apply([layer.prepare_send("row.server!a", {"n": n}) for n in range(4)])
        counts = layer.channel_statistics("row.server!")
        self.assertEqual([counts["messages_count"], counts["channel_full_count"]], [1, 1])

    def test_a_reader_holds_back_too_and_does_not_wait(self):
        layer = self.open_layer(capacity=1)
        reader = self.open_reader(layer, "empty")
        sends = [layer.prepare_send("row.server!a", {"n": n}) for n in range(3)]
        results, delivery = reader.take(sends, block_s=self.patience_s)
        self.assertEqual([type(each) for each in results], [type(None), ChannelFull, HeldBack])
        self.assertIsNone(delivery)

    def test_a_prepared_send_can_be_delayed(self):
        layer = self.open_layer("delay")
        layer.apply([layer.prepare_send("later", {"n": 1}, self.short_expiry_s)])
        self.assertEqual(layer.receive(["later"]), (None, None))
        self.let_time_pass(layer, 1.25 * self.short_expiry_s)
        self.assertEqual(self.receive_soon(layer, "later"), ("later", {"n": 1}))

    # -- readers ------------------------------------------------------------------------------

    def open_reader(self, layer, *channels):
        reader = layer.open_reader(list(channels))
        self.addCleanup(reader.close)
        return reader

    def receive_soon(self, layer, channel):
        found = []
        self.wait_until(
            lambda: found.append(layer.receive([channel])) or found[-1][0] is not None, "it arrives"
        )
        return found[-1]

    def take(self, reader, *operations):
        """The Delivery that must be there."""
        _, delivery = reader.take(operations, block_s=self.patience_s)
        self.assertIsInstance(delivery, Delivery)
        return delivery

    def assert_nothing_left(self, reader):
        for _ in range(self.receive_tries):
            self.assertEqual(reader.take(), ([], None))

    def test_a_reader_takes_a_message(self):
        layer = self.open_layer()
        layer.send("work", {"n": 1})
        reader = self.open_reader(layer, "unused", "work")
        delivery = self.take(reader)
        self.assertEqual(
            (delivery.channel, delivery.content, delivery.attempts), ("work", {"n": 1}, 0)
        )
        self.assert_nothing_left(reader)

    def test_a_reader_that_need_not_wait_does_not(self):
        reader = self.open_reader(self.open_layer(), "empty")
        self.assertEqual(reader.take(), ([], None))

    def test_a_reader_waits_no_longer_than_it_is_told(self):
        reader = self.open_reader(self.open_layer(), "empty")
        began = time.monotonic()
        self.assertEqual(reader.take(block_s=0.2), ([], None))
        self.assertGreaterEqual(time.monotonic() - began, 0.15)
        self.assertLess(time.monotonic() - began, self.patience_s)

    def test_a_reader_that_waits_is_woken_by_a_send(self):
        layer = self.open_layer()
        reader = self.open_reader(layer, "unused", "work")
        for n in range(20):
            waiting = self.in_background(reader.take, (), self.patience_s)
            layer.send("work", {"n": n})
            self.assertEqual(waiting.result()[1].content, {"n": n})

    def test_take_carries_out_operations_and_returns_their_results(self):
        layer = self.open_layer(capacity=1)
        reader = self.open_reader(layer, "work")
        results, _ = reader.take(
            [
                layer.prepare_send("reply!a", {"n": 1}),
                layer.prepare_send("reply!a", {"n": 2}),
                layer.prepare_send("other", {"n": 3}),
            ]
        )
        self.assertEqual([results[0], results[2]], [None, None])
        self.assertIsInstance(results[1], layer.ChannelFull)
        self.assertEqual(self.receive_soon(layer, "reply!"), ("reply!a", {"n": 1}))
        self.assertEqual(self.receive_soon(layer, "other"), ("other", {"n": 3}))

    def test_a_reader_whose_send_is_refused_does_not_wait_for_a_message(self):
        layer = self.open_layer(capacity=1)
        reader = self.open_reader(layer, "work")
        layer.send("full", {})
        send = layer.prepare_send("full", {})
        background = self.in_background(reader.take, [send], 3 * self.patience_s)
        (refusal,), delivery = background.result()
        self.assertIsInstance(refusal, ChannelFull)
        self.assertIsNone(delivery)

    def test_a_reader_may_take_what_it_has_just_sent(self):
        layer = self.open_layer()
        reader = self.open_reader(layer, "work")
        delivery = self.take(reader, layer.prepare_send("work", {"n": 1}))
        self.assertEqual(delivery.content, {"n": 1})

    def test_readers_are_fair(self):
        layer = self.open_layer(capacity=20)
        reader = self.open_reader(layer, "busy", "quiet", "unused")
        busy = [layer.prepare_send("busy", {}) for _ in range(120)]
        layer.apply([*busy[:20], layer.prepare_send("quiet", {})])
        seen = {self.take(reader, refill).channel for refill in busy[20:]}
        self.assertIn("quiet", seen)

    def test_a_reader_never_takes_an_expired_message(self):
        layer = self.open_layer(expiry=self.short_expiry_s)
        layer.send("work", {})
        self.let_expire(layer)
        self.assert_nothing_left(self.open_reader(layer, "work"))

    def test_done_is_accepted(self):
        layer = self.open_layer()
        reader = self.open_reader(layer, "work")
        layer.send("work", {})
        self.assertEqual(layer.apply([Done(self.take(reader))]), [None])
        self.assert_nothing_left(reader)

    # -- retry, put back, give up ---------------------------------------------------------------

    def test_a_retried_delivery_comes_again_after_its_delay(self):
        layer = self.open_layer("delay")
        reader = self.open_reader(layer, "work")
        layer.send("work", {"n": 1})
        results, nothing = reader.take([Retry(self.take(reader), self.short_expiry_s)])
        self.assertEqual((results, nothing), ([None], None))
        self.let_time_pass(layer, 1.25 * self.short_expiry_s)
        again = self.take(reader)
        self.assertEqual((again.channel, again.content, again.attempts), ("work", {"n": 1}, 1))

    def test_each_retry_is_counted_in_attempts(self):
        layer = self.open_layer()
        reader = self.open_reader(layer, "work")
        layer.send("work", {})
        delivery = self.take(reader)
        for attempts in range(1, 6):
            delivery = self.take(reader, Retry(delivery, 0.0))
            self.assertEqual(delivery.attempts, attempts)

    def test_a_retry_is_not_refused_by_a_full_channel(self):
        layer = self.open_layer("delay", capacity=2)
        reader = self.open_reader(layer, "work")
        layer.send("work", {"n": 0})
        delivery = self.take(reader)
        layer.send("work", {"n": 1})
        layer.send("work", {"n": 2})
        self.assertEqual(layer.apply([Retry(delivery, 0.0)]), [None])
        taken = sorted(self.take(reader).content["n"] for _ in range(3))
        self.assertEqual(taken, [0, 1, 2])

    def test_what_is_put_back_comes_first_and_as_it_was(self):
        layer = self.open_layer("delay")
        reader = self.open_reader(layer, "work")
        layer.send("work", {"n": 1})
        delivery = self.take(reader, Retry(self.take(reader), 0.0))
        layer.send("work", {"n": 2})
        self.assertEqual(layer.apply([PutBack(delivery)]), [None])
        again = self.take(reader)
        self.assertEqual((again.content, again.attempts), ({"n": 1}, 1))
        self.assertEqual(self.take(reader).content, {"n": 2})
        self.assert_nothing_left(reader)

    def test_a_full_channel_takes_back_what_came_from_it(self):
        layer = self.open_layer("delay", capacity=1)
        reader = self.open_reader(layer, "work")
        layer.send("work", {"n": 1})
        delivery = self.take(reader)
        layer.send("work", {"n": 2})
        self.assertEqual(layer.apply([PutBack(delivery)]), [None])
        self.assertEqual([self.take(reader).content["n"] for _ in range(2)], [1, 2])

    def test_what_is_put_back_keeps_its_expiry(self):
        layer = self.open_layer("delay", expiry=self.short_expiry_s)
        reader = self.open_reader(layer, "work")
        layer.send("work", {})
        delivery = self.take(reader)
        self.let_expire(layer)
        layer.apply([PutBack(delivery)])
        self.assert_nothing_left(reader)

    def test_a_dead_letter_is_counted_and_does_not_come_again(self):
        layer = self.open_layer("statistics", "delay")
        reader = self.open_reader(layer, "work")
        layer.send("work", {"n": 1})
        self.assertEqual(layer.apply([DeadLetter(self.take(reader), "too many retries")]), [None])
        self.assert_nothing_left(reader)
        self.assertEqual(layer.channel_statistics("work")["dead_letter_count"], 1)
        self.assertEqual(layer.global_statistics()["dead_letter_count"], 1)

    # -- interrupting ---------------------------------------------------------------------------

    def test_an_interrupted_reader_returns_and_can_go_on(self):
        layer = self.open_layer()
        reader = self.open_reader(layer, "work")
        waiting = self.in_background(reader.take, (), 100 * self.patience_s)
        self.wait_until(lambda: reader.interrupt() or not waiting.is_running, "take returns")
        self.assertEqual(waiting.result(), ([], None))
        layer.send("work", {"n": 1})
        taken = [None]
        self.wait_until(
            lambda: taken.append(reader.take(block_s=0.1)[1]) or taken[-1], "it is taken"
        )
        self.assertEqual(taken[-1].content, {"n": 1})

    def test_interrupting_loses_nothing_and_repeats_nothing(self):
        count = 300
        layer = self.open_layer(capacity=count)
        readers = [self.open_reader(layer, "work", "other") for _ in range(4)]
        taken = []

        def take_all(reader):
            while len(taken) < count:
                _, delivery = reader.take(block_s=0.05)
                if delivery is not None:
                    taken.append(delivery.content["n"])

        threads = [self.in_background(take_all, reader) for reader in readers]
        for n in range(count):
            layer.send(("work", "other")[n % 2], {"n": n})
            random.choice(readers).interrupt()
        for thread in threads:
            thread.result()
        self.assertEqual(sorted(taken), [*range(count)])

    def test_a_message_has_one_taker_of_many(self):
        layer = self.open_layer(capacity=1_000)
        layers = [layer, self.open_twin(layer)] * 2
        for n in range(400):
            layer.send(f"work-{n % 3}", {"n": n})
        taken = []

        def take_all(layer):
            reader = layer.open_reader([f"work-{n}" for n in range(3)])
            while len(taken) < 400:
                _, delivery = reader.take(block_s=0.05)
                if delivery is not None:
                    taken.append(delivery.content["n"])
            reader.close()

        threads = [self.in_background(take_all, layer) for layer in layers]
        for thread in threads:
            thread.result()
        self.assertEqual(sorted(taken), [*range(400)])
