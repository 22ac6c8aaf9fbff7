"""Statistics: the counts of 1.x, and what was lost, by reason."""

from channels.layers.operations import Drop

KEYS = {
    "messages_count",
    "messages_count_per_second",
    "messages_pending",
    "messages_max_age",
    "channel_full_count",
    "expired_count",
    "dropped_count",
    "undecodable_count",
    "dead_letter_count",
    "lost_count",
}


class StatisticsPromises:
    def assert_counts(self, statistics, **expected):
        self.assertEqual({key: statistics[key] for key in expected}, expected)

    def test_statistics_have_all_their_keys(self):
        layer = self.open_layer("statistics")
        layer.send("known", {})
        for statistics in (
            layer.channel_statistics("known"),
            layer.channel_statistics("unknown"),
            layer.global_statistics(),
        ):
            self.assertLessEqual(KEYS, set(statistics))
            self.assertTrue(all(isinstance(statistics[key], (int, float)) for key in KEYS))

    def test_an_unused_channel_counts_nothing(self):
        statistics = self.open_layer("statistics").channel_statistics("unknown")
        self.assertEqual({key: statistics[key] for key in KEYS}, dict.fromkeys(KEYS, 0))

    def test_sent_and_waiting_messages_are_counted(self):
        layer = self.open_layer("statistics")
        for n in range(3):
            layer.send("counted", {"n": n})
        layer.receive(["counted"])
        statistics = layer.channel_statistics("counted")
        self.assert_counts(statistics, messages_count=3, messages_pending=2, channel_full_count=0)
        self.assertGreater(statistics["messages_count_per_second"], 0)

    def test_refused_messages_are_counted(self):
        layer = self.open_layer("statistics", capacity=1)
        layer.send("counted", {})
        for _ in range(4):
            with self.assertRaises(layer.ChannelFull):
                layer.send("counted", {})
        statistics = layer.channel_statistics("counted")
        self.assert_counts(statistics, messages_count=1, channel_full_count=4)

    def test_the_clients_of_a_process_are_counted_together(self):
        layer = self.open_layer("statistics")
        layer.send("proc!a", {})
        layer.send("proc!b", {})
        for name in ("proc!", "proc!a"):
            self.assert_counts(layer.channel_statistics(name), messages_count=2, messages_pending=2)

    def test_the_age_is_that_of_the_oldest_message(self):
        layer = self.open_layer("statistics")
        layer.send("aging", {})
        self.let_time_pass(layer, self.short_expiry_s)
        layer.send("aging", {})
        age = layer.channel_statistics("aging")["messages_max_age"]
        self.assertGreaterEqual(age, 0.9 * self.short_expiry_s)
        self.assertLess(age, self.short_expiry_s + self.patience_s)
        layer.receive(["aging"])
        self.assertLess(layer.channel_statistics("aging")["messages_max_age"], age)

    def test_global_statistics_are_the_sum_of_all_channels(self):
        layer = self.open_layer("statistics", capacity=2)
        for channel in ("one", "two", "proc!a"):
            layer.send(channel, {})
            layer.send(channel, {})
        with self.assertRaises(layer.ChannelFull):
            layer.send("two", {})
        layer.receive(["one"])
        self.assert_counts(
            layer.global_statistics(), messages_count=6, messages_pending=5, channel_full_count=1
        )

    def test_losses_outside_of_the_layer_are_counted(self):
        layer = self.open_layer("statistics")
        results = layer.apply([Drop("work", "dropped", 2), Drop("work", "lost")])
        self.assertEqual(results, [None, None])
        self.assert_counts(layer.channel_statistics("work"), dropped_count=2, lost_count=1)

    def test_flush_removes_counts(self):
        layer = self.open_layer("statistics", "flush")
        layer.send("counted", {})
        layer.flush()
        self.assert_counts(layer.channel_statistics("counted"), messages_count=0)
        self.assert_counts(layer.global_statistics(), messages_count=0, messages_pending=0)
