"""The conformance suite over the local layer, with a clock that is moved by hand."""

import tempfile
import unittest
from pathlib import Path
from typing import Any

from channels.layers.local import LocalChannelLayer
from channels.test.conformance import ConformanceSuite


class SharedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class LocalConformance(ConformanceSuite, unittest.TestCase):
    def make_layer(self, **config: Any) -> LocalChannelLayer:
        folder = tempfile.TemporaryDirectory(prefix="local-")
        self.addCleanup(folder.cleanup)
        return LocalChannelLayer(folder=Path(folder.name, "layer"), clock=SharedClock(), **config)

    def make_twin(self, layer: LocalChannelLayer) -> LocalChannelLayer:
        return LocalChannelLayer(
            folder=layer.folder,
            clock=layer.clock,
            capacity=layer.capacity,
            acknowledged={"work": {}},
        )

    def let_time_pass(self, layer: LocalChannelLayer, seconds: float) -> None:
        layer.clock.now += seconds
        layer.wake_all()
