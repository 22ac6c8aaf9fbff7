"""Metrics: what workers and interface servers send over a layer, and what is lost, is counted."""

from channels.layers.operations import Drop
from channels.metrics import hooks
from channels.metrics.counting import CountingMeter


class MetricsPromises:
    def count(self):
        """A meter that counts from now on, to the end of the test."""
        meter = CountingMeter()
        before, address = hooks.meter, hooks.address
        self.addCleanup(hooks.install, before, address)
        hooks.install(meter, None)
        return meter

    def test_what_is_sent_and_refused_is_in_the_metrics(self):
        layer = self.open_layer(capacity=2)
        meter = self.count()
        results = layer.apply([layer.prepare_send("counted", {"n": n}) for n in range(3)])
        self.assertIsInstance(results[2], layer.ChannelFull)
        figures = meter.copy()
        self.assertEqual(figures.sent, {"counted": 2})
        self.assertEqual(figures.lost, {("counted", "full"): 1})

    def test_group_sends_are_in_the_metrics(self):
        layer = self.open_layer("groups")
        layer.group_add("crowd", "one")
        layer.group_add("crowd", "two")
        meter = self.count()
        layer.apply([layer.prepare_send_group("crowd", {})])
        self.assertEqual(meter.copy().totals["group_sends"], 1)

    def test_losses_are_in_the_metrics_by_their_reason(self):
        layer = self.open_layer("statistics")
        meter = self.count()
        layer.apply([Drop("work", "dropped", 2), Drop("work", "lost")])
        self.assertEqual(meter.copy().lost, {("work", "dropped"): 2, ("work", "lost"): 1})

    def test_expired_messages_are_in_the_metrics(self):
        layer = self.open_layer("statistics", expiry=self.short_expiry_s)
        meter = self.count()
        layer.send("aging", {})
        self.let_expire(layer)
        self.assertEqual(layer.receive(["aging"]), (None, None))

        def is_counted():
            layer.keep_house("worker", {}, ["aging"])  # as workers do, about once a second
            return meter.copy().lost == {("aging", "expired"): 1}

        self.wait_until(is_counted, "the expired one is counted")
