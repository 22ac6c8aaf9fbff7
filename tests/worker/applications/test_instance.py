"""One socket's application on a worker, and what it does that helps nobody."""

import asyncio

import pytest

from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.layers import hosting
from worker import advice
from worker.applications.instance import SocketInstance
from worker.applications.pool import HandlerThreads

OPENING = {
    "reply_channel": "websocket.send.server!client",
    "path": "/chat/",
    "query_string": b"",
    "headers": [],
}


class Lane:
    is_full = False

    def __init__(self, sent):
        self.sent = sent

    def put(self, client, message):
        self.sent.append(message)

    async def wait_until_sent(self):
        pass


class Outbox:
    """Keeps what is sent in `sent`."""

    def __init__(self):
        self.sent = []

    def lane(self, queue):
        return Lane(self.sent)


class Host:
    """What a SocketInstance needs of its worker."""

    queue = "worker.one!"

    def __init__(self, consumer):
        self.outbox = Outbox()
        self.application = consumer.as_asgi()
        self.loop = asyncio.get_running_loop()
        self.threads = HandlerThreads(1)

    def forget(self, instance):
        pass


async def begin(consumer):
    """(its Host, an instance of `consumer` that has begun)."""
    host = Host(consumer)
    instance = SocketInstance(host, OPENING)
    instance.task = asyncio.ensure_future(instance.run())
    await asyncio.sleep(0.01)
    return host, instance


@pytest.fixture
def told_of(layer, monkeypatch, caplog):
    """What is told of two sockets of a consumer, each of which gets a frame."""
    monkeypatch.setattr(advice, "_handshakes", advice.Once())
    monkeypatch.setattr(advice, "_unknown_keys", advice.Once())

    async def open_sockets(consumer):
        host = Host(consumer)
        for _ in range(2):
            instance = SocketInstance(host, OPENING)
            running = asyncio.ensure_future(instance.run())
            await asyncio.sleep(0)
            instance.put({"type": "websocket.receive", "text": "x", "order": 1})
            instance.put({"type": "websocket.disconnect", "code": 1000})
            await asyncio.wait_for(running, 10)

    def told_of(consumer):
        asyncio.run(open_sockets(consumer))
        return [one.getMessage() for one in caplog.records if one.name == "django.channels"]

    return told_of


class Forgetful(AsyncWebsocketConsumer):
    async def connect(self):
        pass


class SyncForgetful(WebsocketConsumer):
    def connect(self):
        pass


class Closing(WebsocketConsumer):
    def connect(self):
        self.close()


class Misspelling(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await self.base_send({"type": "websocket.send", "txt": "x"})


class SyncMisspelling(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        self.base_send({"type": "websocket.send", "txt": "x"})


class Empty(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data="")
        await self.send(bytes_data=b"")


@pytest.mark.parametrize("consumer", [Forgetful, SyncForgetful])
def test_a_connect_that_answers_nothing_is_named_once(told_of, consumer):
    (told,) = told_of(consumer)
    assert f"{consumer.__name__} has handled the handshake of /chat/, and neither" in told
    assert "self.accept()" in told


@pytest.mark.parametrize("consumer", [Misspelling, SyncMisspelling])
def test_a_send_without_a_frame_is_named_once(told_of, consumer):
    (told,) = told_of(consumer)
    assert f"{consumer.__name__} sent a websocket.send with neither 'text' nor 'bytes'" in told


@pytest.mark.parametrize("consumer", [AsyncWebsocketConsumer, WebsocketConsumer, Closing, Empty])
def test_one_that_answers_is_let_be(told_of, consumer):
    assert told_of(consumer) == []


class Leaving(AsyncWebsocketConsumer):
    left = 0

    async def disconnect(self, code):
        Leaving.left += 1


@pytest.mark.parametrize(("is_closed", "times"), [(True, 1), (False, 0)])
def test_who_has_lost_a_socket_says_goodbye_only_if_it_is_closed(layer, is_closed, times):
    async def lose():
        instance = SocketInstance(Host(Leaving), OPENING)
        running = instance.task = asyncio.ensure_future(instance.run())
        await asyncio.sleep(0.01)
        instance.let_go(is_closed=is_closed)
        await asyncio.wait([running], timeout=10)

    Leaving.left = 0
    asyncio.run(lose())
    assert Leaving.left == times


def test_a_goodbye_that_is_due_is_said_although_the_socket_is_lost_meanwhile(layer):
    async def leave():
        instance = SocketInstance(Host(Leaving), OPENING)
        instance.task = asyncio.ensure_future(instance.run())
        await asyncio.sleep(0.01)
        instance.put({"type": "websocket.disconnect", "code": 1000})
        instance.let_go(is_closed=False)
        await asyncio.wait([instance.task], timeout=10)

    Leaving.left = 0
    asyncio.run(leave())
    assert Leaving.left == 1


def test_who_may_not_have_been_heard_claims_its_socket_again_until_that_is_closed(layer):
    async def claim_again():
        host, instance = await begin(Leaving)
        instance.put({"type": "websocket.receive", "text": "x", "order": 1})
        await asyncio.sleep(0.01)
        host.outbox.sent.clear()
        instance.claim_again()
        instance.put({"type": "websocket.disconnect", "code": 1000})
        instance.claim_again()
        await asyncio.wait([instance.task], timeout=10)
        instance.claim_again()
        return host.outbox.sent

    # Without a checkpoint nothing counts as handled: should the worker die, it is sent again.
    (claim,) = asyncio.run(claim_again())
    assert (claim["type"], claim["queue"], claim["number"]) == (hosting.OWN, Host.queue, 1)
    assert (claim["order"], claim["place"]) == (0, 0)


class Kept(AsyncWebsocketConsumer):
    checkpoint = True


@pytest.mark.parametrize("consumer", [AsyncWebsocketConsumer, Kept])
def test_a_frame_that_got_lost_closes_its_socket_with_checkpoints_or_without(layer, consumer):
    async def lose_a_frame():
        host, instance = await begin(consumer)
        for order in (1, 3):
            instance.put({"type": "websocket.receive", "text": "x", "order": order})
        await asyncio.sleep(0.01)
        instance.put({"type": "websocket.disconnect", "code": 1012})
        await asyncio.wait([instance.task], timeout=10)
        return host.outbox.sent[-1]

    assert asyncio.run(lose_a_frame()) == {
        "type": "websocket.close",
        "code": 1012,
        "from": Host.queue,
    }


def test_one_that_is_to_move_before_it_has_come_here_is_claimed_first(layer):
    async def ask():
        host = Host(Leaving)
        resumed = {"opening": OPENING, "number": 2, "order": 5, "place": 7, "state": {}}
        SocketInstance(host, OPENING, 2, resumed).ask_to_move()
        return host.outbox.sent

    claim, hold = asyncio.run(ask())
    assert (claim["type"], claim["order"], claim["place"]) == (hosting.OWN, 5, 7)
    assert hold == {"type": hosting.HOLD, "queue": Host.queue, "number": 2}


def test_a_socket_is_claimed_once_more_as_it_is_accepted(layer):
    """The first claim may have got lost with a connection of the interface server."""

    async def accept():
        host, instance = await begin(AsyncWebsocketConsumer)
        instance.put({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait([instance.task], timeout=10)
        return host.outbox.sent

    claim, again, accept = asyncio.run(accept())
    assert claim["type"] == hosting.OWN
    assert again == claim
    assert accept["type"] == "websocket.accept"
