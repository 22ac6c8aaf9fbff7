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

from channels.test.conformance.acknowledged import Acknowledged
from channels.test.conformance.capacity import Capacity
from channels.test.conformance.classic import ConformanceTestCase
from channels.test.conformance.concurrency import Concurrency
from channels.test.conformance.dead_letters import DeadLetters
from channels.test.conformance.generated import Generated
from channels.test.conformance.groups import Groups
from channels.test.conformance.harness import Harness
from channels.test.conformance.hosting import Hosting
from channels.test.conformance.links import Links
from channels.test.conformance.messages import Messages
from channels.test.conformance.metrics import Metrics
from channels.test.conformance.ordering import Ordering
from channels.test.conformance.passing_time import PassingTime
from channels.test.conformance.sessions import Sessions
from channels.test.conformance.statistics import Statistics
from channels.test.conformance.work import Work

__all__ = ["ConformanceSuite", "ConformanceTestCase"]


class ConformanceSuite(
    Messages,
    Capacity,
    PassingTime,
    Groups,
    Concurrency,
    Work,
    DeadLetters,
    Acknowledged,
    Sessions,
    Ordering,
    Hosting,
    Links,
    Statistics,
    Metrics,
    Generated,
    Harness,
):
    """All promises. Subclass it together with unittest.TestCase."""
