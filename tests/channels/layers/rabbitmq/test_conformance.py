"""The RabbitMQ layer keeps every promise."""

import itertools
import os
import unittest
from typing import Any

import pytest

from channels.layers.rabbitmq import RabbitmqChannelLayer
from channels.test.conformance import ConformanceSuite
from tests.processes.rabbitmq_server import RabbitmqServer

_prefixes = (f"test{os.getpid()}-{number}." for number in itertools.count())


class RabbitmqConformance(ConformanceSuite, unittest.TestCase):
    short_expiry_s = 0.6
    margin_s = 0.3
    patience_s = 20.0

    @pytest.fixture(autouse=True)
    def _broker(self, rabbitmq: RabbitmqServer) -> None:
        self.url = rabbitmq.url

    def make_layer(self, **config: Any) -> RabbitmqChannelLayer:
        layer = self._open(next(_prefixes), config)
        self.addCleanup(layer.flush)
        return layer

    def make_twin(self, layer: RabbitmqChannelLayer) -> RabbitmqChannelLayer:
        return self._open(layer.prefix, self._config)

    def _open(self, prefix: str, config: dict[str, Any]) -> RabbitmqChannelLayer:
        self._config = config
        return RabbitmqChannelLayer(url=self.url, prefix=prefix, drawers=2, **config)
