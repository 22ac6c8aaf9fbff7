"""The conformance suite: every promise of a channel layer as a test that any layer can run.

    import unittest

    from channels.test.conformance import ConformanceSuite

    class MyLayerTests(ConformanceSuite, unittest.TestCase):
        def make_layer(self, **config):
            return MyLayer(prefix=new_prefix(), **config)

`make_layer` returns an empty layer; `config` holds arguments of BaseChannelLayer. See `Harness`
for what else can be set: how short an expiry may be, how time passes, what a second process is.
pytest and `manage.py test` run it alike. A promise of an extension that the layer does not name is
skipped, with the reason. The tests of generated names and messages need the `hypothesis` package.

`ConformanceTestCase` is the suite's smaller form with the attributes that asgiref 1.x used.
"""

from channels.test.conformance.acknowledged import AcknowledgedPromises
from channels.test.conformance.capacity import CapacityPromises
from channels.test.conformance.classic import ConformanceTestCase
from channels.test.conformance.concurrency import ConcurrencyPromises
from channels.test.conformance.dead_letters import DeadLetterPromises
from channels.test.conformance.generated import GeneratedPromises
from channels.test.conformance.groups import GroupPromises
from channels.test.conformance.harness import Harness
from channels.test.conformance.hosting import HostingPromises
from channels.test.conformance.links import LinkPromises
from channels.test.conformance.messages import MessagePromises
from channels.test.conformance.metrics import MetricsPromises
from channels.test.conformance.ordering import OrderingPromises
from channels.test.conformance.passing_time import PassingTimePromises
from channels.test.conformance.sessions import SessionPromises
from channels.test.conformance.sockets import SocketPromises
from channels.test.conformance.statistics import StatisticsPromises
from channels.test.conformance.work import WorkPromises

__all__ = ["ConformanceSuite", "ConformanceTestCase"]


class ConformanceSuite(
    MessagePromises,
    CapacityPromises,
    PassingTimePromises,
    GroupPromises,
    ConcurrencyPromises,
    WorkPromises,
    DeadLetterPromises,
    AcknowledgedPromises,
    SessionPromises,
    OrderingPromises,
    HostingPromises,
    LinkPromises,
    SocketPromises,
    StatisticsPromises,
    MetricsPromises,
    GeneratedPromises,
    Harness,
):
    """All promises. Subclass it together with unittest.TestCase."""
