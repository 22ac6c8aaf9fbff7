"""Test cases whose layers are in memory, a client for channels, and routes for a test."""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from django.test import TestCase, TransactionTestCase

from channels.asgi import channel_layers
from channels.channel import DEFAULT_CHANNEL_LAYER, Group
from channels.layers.names import WEBSOCKET_SEND, random_suffix, reply_channel_name
from channels.layers.operations import Delivery, ReleaseOrdered
from channels.message import Message
from channels.routing import Router, include
from channels.test.layers import memory_layers, replaced_layer, wrap_layer
from channels.test.running import run_consumer, take_message

if TYPE_CHECKING:
    from channels.asgi import ChannelLayerWrapper
    from channels.messages import Content

    _TestCase = TransactionTestCase
else:
    _TestCase = object  # a test case comes behind it

#: A function or a class.
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class ChannelTestCaseMixin(_TestCase):
    """Gives each test layers of its own, in memory, in the place of the project's."""

    #: The layers to replace.
    test_channel_aliases = [DEFAULT_CHANNEL_LAYER]

    @classmethod
    def setUpClass(cls) -> None:
        with memory_layers(cls.test_channel_aliases):
            super().setUpClass()

    def run(self, result: Any = None) -> Any:
        with memory_layers(self.test_channel_aliases):
            return super().run(result)

    def debug(self) -> None:
        with memory_layers(self.test_channel_aliases):
            super().debug()

    def get_next_message(
        self, channel: str, alias: str = DEFAULT_CHANNEL_LAYER, require: bool = False
    ) -> Any:
        """Return the next Message on `channel`, or None; if it is required, None fails the test."""
        message = take_message(channel_layers[alias], channel)
        if message is None and require:
            self.fail(f"Expected a message on channel {channel}, got none")
        return message


class ChannelTestCase(ChannelTestCaseMixin, TestCase):
    """A TestCase with layers of its own. Bindings send at once: its transaction never commits."""


class TransactionChannelTestCase(ChannelTestCaseMixin, TransactionTestCase):
    """A TransactionTestCase with layers of its own."""


class Client:
    """Sends messages, runs their consumers, and receives what they answer.

    Args:
        alias: the layer.
    """

    def __init__(self, alias: str = DEFAULT_CHANNEL_LAYER) -> None:
        self.alias = alias
        self._has_order = False
        self.reply_channel = reply_channel_name(
            WEBSOCKET_SEND, f"test{random_suffix()}", random_suffix(5)
        )

    @property
    def channel_layer(self) -> ChannelLayerWrapper:
        """The layer that `alias` means now."""
        return channel_layers[self.alias]

    def get_next_message(self, channel: str) -> Any:
        """Return the next Message on `channel`, or None."""
        return take_message(self.channel_layer, channel)

    def get_consumer_by_channel(self, channel: str) -> Any:
        """Return the consumer of a message on `channel` with nothing in it but a text, or None."""
        match = self.channel_layer.router.match(Message({"text": ""}, channel, self.channel_layer))
        return match and match[0]

    def send(self, to: str, content: Content | None = None) -> None:
        """Send `content` to the channel `to`, with our reply channel unless it has one."""
        content = copy.deepcopy(content) if content else {}
        content.setdefault("reply_channel", self.reply_channel)
        self._put(to, content)

    def _put(self, channel: str, content: Content) -> None:
        """Send a message; from the first one with an `order` on the socket waits for order 0."""
        order, layer = content.get("order"), self.channel_layer
        if order is not None and not self._has_order and "ordering" in layer.extensions:
            self._has_order = True
            if order > 0:
                reply_channel = content["reply_channel"]
                layer.begin_ordered(Delivery(channel, {}), reply_channel, 0, "test")
                layer.apply([ReleaseOrdered(reply_channel, 0)])
        layer.send(channel, content)

    def consume(self, channel: str, fail_on_none: bool = True) -> Any:
        """Run the consumer of the next message on `channel`; return what it returns.

        The layer's consumer middleware is around it, as in a worker.
        Raises what the consumer raises, but for a ChannelSocketException, which acts on the socket;
        AssertionError if there is no message, or no consumer for it (None is returned instead
        without `fail_on_none`).
        """
        message = self.get_next_message(channel)
        if message is None:
            return _fail(fail_on_none, f"No message for channel {channel}")
        match = self.channel_layer.router.match(message)
        if match is None:
            return _fail(fail_on_none, f"Can't find consumer for message {message}")
        consumer, kwargs = match
        for middleware in reversed(getattr(self.channel_layer, "middleware", ())):
            consumer = middleware(consumer)
        return run_consumer(consumer, message, kwargs, sender=type(self))

    def send_and_consume(
        self, channel: str, content: Content | None = None, fail_on_none: bool = True
    ) -> Any:
        """`send`, then `consume`."""
        self.send(channel, content)
        return self.consume(channel, fail_on_none=fail_on_none)

    def receive(self) -> Any:
        """Return the content of the next message on our reply channel, or None."""
        message = self.get_next_message(self.reply_channel)
        return None if message is None else message.content

    def join_group(self, group_name: str) -> None:
        """Make our reply channel a member of a group."""
        Group(group_name, channel_layer=self.channel_layer).add(self.reply_channel)


def _fail(fail_on_none: bool, problem: str) -> None:
    if fail_on_none:
        raise AssertionError(problem)


class apply_routes:
    """Give layers other routes: for a `with` block, a function, or each test of a class.

    Args:
        routes: a route, a list of routes, a list of such lists, or a dotted path of one.
        aliases: the layers.
    """

    def __init__(
        self, routes: Any, aliases: str | Iterable[str] = (DEFAULT_CHANNEL_LAYER,)
    ) -> None:
        self._aliases = [aliases] if isinstance(aliases, str) else list(aliases)
        self.routes = routes
        self._stacks: list[contextlib.ExitStack] = []

    def enter(self) -> apply_routes:
        """Apply the routes."""
        routing = Router.resolve_routing(_as_routing(self.routes))
        stack = contextlib.ExitStack()
        self._stacks.append(stack)
        for alias in self._aliases:
            layer = channel_layers[alias]
            layer = getattr(layer, "channel_layer", layer)
            stack.enter_context(replaced_layer(alias, wrap_layer(layer, alias, routing)))
        return self

    def exit(self, exc_type: Any = None, exc_val: Any = None, exc_tb: Any = None) -> None:
        """Bring back the routes from before."""
        self._stacks.pop().close()

    __enter__ = enter
    __exit__ = exit

    def __call__(self, decorated: Decorated) -> Decorated:
        around: Any = self._around_tests if isinstance(decorated, type) else self._around
        changed: Decorated = around(decorated)
        return changed

    def _around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return inner

    def _around_tests(self, test_class: Any) -> type:
        set_up = test_class.setUp

        @functools.wraps(set_up)
        def set_up_with_routes(test: Any) -> None:
            self.enter()
            test.addCleanup(self.exit)
            set_up(test)

        test_class.setUp = set_up_with_routes
        changed: type = test_class
        return changed


def _as_routing(routes: Any) -> Any:
    if isinstance(routes, (list, tuple)):
        return [include(r) if isinstance(r, (list, tuple)) else r for r in routes]
    return routes if isinstance(routes, (str, dict)) else [routes]
