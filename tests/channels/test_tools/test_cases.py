"""ChannelTestCase and its kin."""

import unittest

import pytest
from django.test import SimpleTestCase

from channels import Channel, Group
from channels.asgi import ChannelLayerWrapper, channel_layers
from channels.layers.memory import MemoryChannelLayer
from channels.routing import route
from channels.test import ChannelTestCase, Client, TransactionChannelTestCase, apply_routes
from channels.test.base import ChannelTestCaseMixin


def consumer(message):
    """Nothing."""


@pytest.fixture(autouse=True)
def project_layer():
    """What the project's settings would have made; a test must leave it alone."""
    layer = ChannelLayerWrapper(
        MemoryChannelLayer(), "default", [route("mine", consumer)], [f"{__name__}.answering"]
    )
    old = channel_layers.set("default", layer)
    yield layer
    assert channel_layers["default"] is layer
    assert layer.global_statistics()["messages_count"] == 0
    channel_layers.set("default", old)


class LayersOfItsOwn:
    def test_one(self):
        self.check()

    def test_two(self):
        self.check()

    def check(self):
        """Each test finds the layer empty, though the other leaves something."""
        self.assertIsInstance(channel_layers["default"].channel_layer, MemoryChannelLayer)
        self.assertIsNone(self.get_next_message("mine"))
        self.assertEqual(len(Group("all")), 0)
        Channel("mine").send({"n": 1})
        Group("all").add("websocket.send.s!c")

    def test_the_routing_is_the_projects(self):
        self.assertEqual(channel_layers["default"].router.channels, {"mine"})


@pytest.mark.usefixtures("database")
class InATestCase(LayersOfItsOwn, ChannelTestCase):
    @classmethod
    def setUpTestData(cls):
        Channel("mine").send({"from": "setUpTestData"})

    def test_the_next_message_is_returned(self):
        Channel("mine").send({"n": 1})
        message = self.get_next_message("mine", require=True)
        self.assertEqual((message.channel.name, message["n"]), ("mine", 1))

    def test_a_message_of_a_process_specific_channel_is_found_among_others(self):
        for client, n in [("a", 1), ("b", 2), ("a", 3)]:
            Channel(f"websocket.send.s!{client}").send({"n": n})
        self.assertEqual(self.get_next_message("websocket.send.s!b")["n"], 2)
        self.assertIsNone(self.get_next_message("websocket.send.s!b"))
        self.assertEqual(self.get_next_message("websocket.send.s!a")["n"], 1)
        self.assertEqual(self.get_next_message("websocket.send.s!")["n"], 3)

    def test_a_required_message_fails_the_test(self):
        with self.assertRaisesRegex(AssertionError, "Expected a message on channel mine, got none"):
            self.get_next_message("mine", require=True)


@pytest.mark.usefixtures("database")
class InATransactionTestCase(LayersOfItsOwn, TransactionChannelTestCase):
    pass


class InASimpleTestCase(ChannelTestCaseMixin, SimpleTestCase):
    """The mixin works without a database, and for several layers."""

    test_channel_aliases = ["default", "other"]

    def test_layers_that_the_settings_lack_have_no_routes(self):
        Channel("x", alias="other").send({"n": 1})
        self.assertIsNone(self.get_next_message("x"))
        self.assertEqual(self.get_next_message("x", alias="other")["n"], 1)
        self.assertEqual(channel_layers["other"].router.channels, set())


def answering(consumer):
    """Consumer middleware: says who came through it."""

    def inner(message, **kwargs):
        consumer(message, **kwargs)
        return "through the middleware"

    return inner


@pytest.mark.usefixtures("database")
@apply_routes([route("theirs", consumer)])
class WithRoutes(ChannelTestCase):
    def setUp(self):
        self.before = channel_layers["default"].router.channels

    def test_routes_of_a_class_are_there_from_set_up_on(self):
        self.assertEqual(self.before, {"theirs"})
        self.assertEqual(channel_layers["default"].router.channels, {"theirs"})

    def test_consumer_middleware_of_the_layer_is_around_consumers(self):
        self.assertEqual(Client().send_and_consume("theirs"), "through the middleware")

    @apply_routes([route("inner", consumer)])
    def test_routes_of_a_method_replace_them(self):
        self.assertEqual(channel_layers["default"].router.channels, {"inner"})


def test_a_class_whose_set_up_fails_leaves_no_routes(project_layer):
    @apply_routes([route("theirs", consumer)])
    class Broken(unittest.TestCase):
        def setUp(self):
            raise LookupError

        def test_nothing(self):
            """It never runs."""

    result = Broken("test_nothing").run()
    assert len(result.errors) == 1
    assert channel_layers["default"] is project_layer
