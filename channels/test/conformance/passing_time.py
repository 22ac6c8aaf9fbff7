"""Expiry and delay. How time passes is the harness's business: see `Harness.let_time_pass`."""

import itertools
import time

from channels.test.conformance.harness import sync_and_async


@sync_and_async
class PassingTimePromises:
    # -- expiry -------------------------------------------------------------------------------

    def test_an_expired_message_is_never_received(self, make):
        layer = make(expiry=self.short_expiry_s)
        for channel in ("plain", "body?x", "proc!x"):
            layer.send(channel, {})
        self.let_expire(layer.real)
        for channel in ("plain", "body?x", "proc!"):
            self.assertEqual(layer.receive([channel]), (None, None))

    def test_a_message_lives_until_its_expiry(self, make):
        layer = make(expiry=20 * self.short_expiry_s)
        layer.send("alive", {"n": 1})
        self.let_expire(layer.real)
        self.assertEqual(layer.receive(["alive"]), ("alive", {"n": 1}))

    def test_the_message_behind_an_expired_one_is_received(self, make):
        layer = make(expiry=self.short_expiry_s)
        layer.send("behind", {"n": 1})
        self.let_expire(layer.real)
        layer.send("behind", {"n": 2})
        self.assertEqual(layer.receive(["behind"]), ("behind", {"n": 2}))

    def test_the_first_glob_that_matches_sets_the_expiry(self, make):
        layer = make(channel_expiry={"brief.*": self.short_expiry_s})
        layer.send("brief.one", {})
        layer.send("long", {"n": 1})
        self.let_expire(layer.real)
        self.assertEqual(layer.receive(["brief.one", "long"]), ("long", {"n": 1}))
        self.assertEqual(layer.receive(["brief.one", "long"]), (None, None))

    def test_expired_messages_make_room(self, make):
        layer = make(expiry=self.short_expiry_s, capacity=2)
        for channel in ("room", "proc!x"):
            layer.send(channel, {})
            layer.send(channel, {})
        self.let_expire(layer.real)
        for channel in ("room", "proc!x"):
            layer.send(channel, {})
            layer.send(channel, {})
            with self.assertRaises(layer.ChannelFull):
                layer.send(channel, {})

    def test_expired_messages_are_counted(self, make):
        layer = make("statistics", expiry=self.short_expiry_s)
        for n in range(5):
            layer.send("counted", {"n": n})
        self.let_expire(layer.real)
        layer.receive(["counted"])
        self.wait_until(
            lambda: layer.channel_statistics("counted")["expired_count"] == 5, "5 are counted"
        )

    # -- delay --------------------------------------------------------------------------------

    def let_be_due(self, layer, delay_s):
        self.let_time_pass(layer.real, delay_s + self.short_expiry_s / 4)

    def test_a_delayed_message_is_not_received_before_it_is_due(self, make):
        layer = make("delay")
        layer.send("later", {"n": 1}, self.short_expiry_s)
        self.assertEqual(layer.receive(["later"]), (None, None))
        self.let_be_due(layer, self.short_expiry_s)
        self.assertEqual(layer.receive(["later"]), ("later", {"n": 1}))
        self.assertEqual(layer.receive(["later"]), (None, None))

    def test_so_is_one_for_a_client_of_a_process(self, make):
        layer = make("delay")
        layer.send("proc!x", {"n": 1}, self.short_expiry_s)
        layer.send("proc!x", {"n": 2})
        self.assertEqual(layer.receive(["proc!"]), ("proc!x", {"n": 2}))
        self.assertEqual(layer.receive(["proc!"]), (None, None))
        self.let_be_due(layer, self.short_expiry_s)
        self.assertEqual(layer.receive(["proc!"]), ("proc!x", {"n": 1}))

    def test_a_message_for_a_single_reader_is_not_delayed(self, make):
        layer = make("delay")
        with self.assertRaises(ValueError):
            layer.send("body?x", {"n": 1}, self.short_expiry_s)

    def test_a_delayed_message_does_not_hold_up_others(self, make):
        layer = make("delay")
        layer.send("later", {"n": 1}, 1_000.0)
        layer.send("later", {"n": 2})
        self.assertEqual(layer.receive(["later"]), ("later", {"n": 2}))

    def test_delayed_messages_come_in_the_order_in_which_they_are_due(self, make):
        layer, due_s = make("delay"), {}
        for n in (3, 1, 2):
            delay_s, began_s = n * self.short_expiry_s / 3, time.monotonic()
            layer.send("later", {"n": n}, delay_s)
            # On a busy machine a send may take longer than the delays differ.
            due_s[n] = (began_s + delay_s, time.monotonic() + delay_s)
        self.let_be_due(layer, self.short_expiry_s)
        received = [message["n"] for _, message in layer.receive_all(["later"])]
        self.assertEqual(sorted(received), [1, 2, 3])
        for first, second in itertools.pairwise(received):
            self.assertLessEqual(due_s[first][0], due_s[second][1], received)

    def test_expiry_counts_from_when_a_message_is_due(self, make):
        layer = make("delay", expiry=self.short_expiry_s)
        layer.send("later", {"n": 1}, 2 * self.short_expiry_s)
        self.let_be_due(layer, 2 * self.short_expiry_s)
        self.assertEqual(layer.receive(["later"]), ("later", {"n": 1}))

    def test_more_messages_than_fit_may_be_due_at_once(self, make):
        layer = make("delay", capacity=5)
        for n in range(20):
            layer.send("later", {"n": n}, self.short_expiry_s)
        self.let_be_due(layer, self.short_expiry_s)
        received = []
        self.wait_until(
            lambda: received.extend(layer.receive_all(["later"])) or len(received) >= 20,
            "all are received",
        )
        self.assertEqual(sorted(message["n"] for _, message in received), [*range(20)])

    def test_a_blocked_reader_gets_a_message_when_it_is_due(self, make):
        layer = make("delay")
        blocked = layer.receive_blocking(["later"])
        layer.send("later", {"n": 1}, self.short_expiry_s)
        self.let_be_due(layer, self.short_expiry_s)
        self.assertEqual(blocked.result(), [("later", {"n": 1})])

    def test_a_blocked_reader_learns_of_a_message_that_is_due_earlier(self, make):
        layer = make("delay")
        layer.send("later", {"n": 2}, 1_000.0)
        blocked = layer.receive_blocking(["later"])
        layer.send("later", {"n": 1}, self.short_expiry_s)
        self.let_be_due(layer, self.short_expiry_s)
        self.assertEqual(blocked.result(), [("later", {"n": 1})])

    def test_flush_removes_delayed_messages(self, make):
        layer = make("delay", "flush")
        layer.send("later", {}, self.short_expiry_s)
        layer.flush()
        self.let_be_due(layer, self.short_expiry_s)
        self.assertEqual(layer.receive(["later"]), (None, None))
