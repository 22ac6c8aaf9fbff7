"""BaseConsumer: which method runs, in which decorators, and as which kind of function."""

import asyncio
import threading

import pytest

from channels.generic import BaseConsumer
from channels.message import Message
from channels.routing import Router
from channels.test import Client, apply_routes

REPLY = "websocket.send.Server!a"


def make_message(layer, channel="jobs", **content):
    return Message({"reply_channel": REPLY, **content}, channel, layer)


def test_the_method_that_the_mapping_names_gets_the_message_and_the_groups(layer):
    seen = []

    class Jobs(BaseConsumer):
        method_mapping = {"jobs": "work", "chores": "clean"}

        def work(self, message, **kwargs):
            seen.append(("work", message["n"], kwargs, self.kwargs))

        def clean(self, message, **kwargs):
            seen.append(("clean", message["n"], kwargs, self.kwargs))

    Jobs(make_message(layer, "chores", n=1), room="kitchen")
    Jobs(make_message(layer, "jobs", n=2))

    assert Jobs.channel_names() == {"jobs", "chores"}
    assert seen == [("clean", 1, {"room": "kitchen"}, {"room": "kitchen"}), ("work", 2, {}, {})]


def test_a_group_may_be_called_like_anything_inside(layer):
    seen = {}

    class Jobs(BaseConsumer):
        method_mapping = {"jobs": "work"}
        channel_session = True

        def work(self, message, **kwargs):
            seen.update(kwargs)

    names = {"consumer": 1, "method_name": 2, "cls": 3}
    Jobs(make_message(layer), **names)
    assert seen == names


def test_a_channel_that_is_not_mapped_is_named(layer):
    class Jobs(BaseConsumer):
        method_mapping = {"jobs": "work"}

    with pytest.raises(ValueError, match=r"Jobs got a message on 'other'.*has 'jobs': add"):
        Jobs(make_message(layer, "other"))


def test_channel_session_lasts_from_message_to_message(layer):
    class Counter(BaseConsumer):
        method_mapping = {"jobs": "work"}
        channel_session = True

        def work(self, message):
            message.channel_session["n"] = message.channel_session.get("n", 0) + 1
            message.reply_channel.send({"n": message.channel_session["n"]})

    client = Client()
    with apply_routes(Counter.as_route()):
        for expected in (1, 2, 3):
            client.send_and_consume("jobs")
            assert client.receive()["n"] == expected


def test_channel_session_user_gives_a_user(layer):
    class Who(BaseConsumer):
        method_mapping = {"jobs": "work"}
        channel_session_user = True

        def work(self, message):
            assert message.user.is_anonymous
            assert not message.channel_session.keys()

    Who(make_message(layer))


def test_decorators_are_applied_once_per_class(layer, monkeypatch):
    made = []

    def counting(function):
        made.append(function)
        return function

    monkeypatch.setattr("channels.generic.base.channel_session", counting)

    class Jobs(BaseConsumer):
        method_mapping = {"jobs": "work"}
        channel_session = True

        def work(self, message):
            pass

    class Other(Jobs):
        pass

    for _ in range(3):
        Jobs(make_message(layer))
        Other(make_message(layer))
    assert len(made) == 2


def test_get_handler_may_be_wrapped_as_in_1_x(layer):
    seen = []

    class Jobs(BaseConsumer):
        method_mapping = {"jobs": "work"}

        def get_handler(self, message, **kwargs):
            handler = super().get_handler(message, **kwargs)

            def wrapped(message, **kwargs):
                seen.append("before")
                return handler(message, **kwargs)

            return wrapped

        def work(self, message):
            seen.append("work")

    Jobs(make_message(layer))
    assert seen == ["before", "work"]


def test_as_route_takes_attributes_and_filters(layer):
    class Jobs(BaseConsumer):
        method_mapping = {"jobs": "work"}
        kind = "plain"

        def work(self, message, size):
            message.reply_channel.send({"kind": self.kind, "size": size})

    route = Jobs.as_route(attrs={"kind": "special"}, size=r"^(?P<size>\d+)$")
    client = Client()
    with apply_routes([route, Jobs.as_route(size=r"^(?P<size>\w+)$")]):
        client.send_and_consume("jobs", {"size": "12"})
        client.send_and_consume("jobs", {"size": "big"})

    assert [client.receive(), client.receive()] == [
        {"kind": "special", "size": "12"},
        {"kind": "plain", "size": "big"},
    ]
    assert Jobs.kind == "plain"
    assert Jobs.__qualname__ in str(route)


def test_as_route_refuses_attributes_that_are_no_dict():
    with pytest.raises(TypeError, match=r"BaseConsumer.as_route: attrs must be a dict.*got list"):
        BaseConsumer.as_route(attrs=["strict_ordering"])


def test_a_class_can_be_routed_to_by_its_own_route(layer):
    class Jobs(BaseConsumer):
        method_mapping = {"jobs": "work", "chores": "work"}

        def work(self, message):
            pass

    assert Router([Jobs.as_route()]).channels == {"jobs", "chores"}


# -- async ------------------------------------------------------------------------------------


class Mixed(BaseConsumer):
    """One handler is async, and so is the class."""

    method_mapping = {"jobs": "work", "chores": "clean"}
    channel_session = True
    threads = {}

    async def work(self, message, **kwargs):
        await asyncio.sleep(0)
        self.threads["work"] = threading.current_thread()
        message.channel_session["by"] = "work"
        message.reply_channel.send({"done": "work", **kwargs})

    def clean(self, message, **kwargs):
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        message.reply_channel.send({"done": "clean", "after": message.channel_session["by"]})


def test_an_async_handler_is_awaited_and_its_session_saved(layer):
    client = Client()
    with apply_routes(Mixed.as_route(room="(?P<room>.*)")):
        client.send_and_consume("jobs", {"room": "a"})
        client.send_and_consume("chores", {"room": "a"})
    assert client.receive() == {"done": "work", "room": "a"}
    assert client.receive() == {"done": "clean", "after": "work"}


def test_calling_an_async_class_gives_a_coroutine(layer):
    consumer = Mixed(make_message(layer))
    assert asyncio.iscoroutine(consumer)
    assert isinstance(asyncio.run(consumer), Mixed)


def test_a_subclass_of_an_async_class_is_async(layer):
    class Plain(Mixed):
        def work(self, message):
            self.seen = True

    assert asyncio.run(Plain(make_message(layer))).seen


def test_an_awaitable_that_nobody_would_await_is_an_error(layer):
    class Hidden(BaseConsumer):
        method_mapping = {"jobs": "work"}

        def work(self, message):
            async def later():
                pass

            return later()

    with pytest.raises(TypeError, match="Hidden has a handler that returned an awaitable"):
        Hidden(make_message(layer))
