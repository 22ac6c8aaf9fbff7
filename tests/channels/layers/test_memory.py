import unittest

from channels.layers.conformance import ConformanceSuite
from channels.layers.memory import MemoryChannelLayer


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now=1_700_000_000.0):
        self.now = now

    def __call__(self):
        return self.now


class MemoryConformance(ConformanceSuite, unittest.TestCase):
    def make_layer(self, **config):
        return MemoryChannelLayer(clock=ManualClock(), **config)

    def let_time_pass(self, layer, seconds):
        layer.clock.now += seconds
        layer.wake_all()
