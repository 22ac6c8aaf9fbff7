"""One of several Redis hosts stands still while a worker runs a message of its sockets."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from channels.exceptions import LayerUnavailable
from channels.layers.redis import RedisChannelLayer
from channels.layers.redis.transport import hosts
from channels.routing import route
from channels.sessions import enforce_ordering
from tests.processes import RedisServer, wait_until
from worker import flush

SERVER = "server"
REPLIES = f"websocket.send.{SERVER}!"
SOCKET = f"{REPLIES}client"
RECEIVE = "websocket.receive"


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "SHARED_TIMEOUT_S", 0.5)
    monkeypatch.setattr(flush, "HOST_PATIENCE_S", 0.3)


@pytest.fixture
def make_layer(
    redis_server: RedisServer, second_redis_server: RedisServer
) -> Iterator[Callable[[], RedisChannelLayer]]:
    layers: list[RedisChannelLayer] = []

    def make() -> RedisChannelLayer:
        urls = [server.url for server in (redis_server, second_redis_server)]
        layers.append(RedisChannelLayer(hosts=urls, prefix="away:"))
        return layers[-1]

    yield make
    for layer in layers:
        layer.close()


class Consumer:
    """An ordered consumer, whose messages end when they may."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def run(self, message: Any) -> None:
        self.has_begun.set()
        self.may_end.wait(20)
        message.reply_channel.send({"text": str(message["order"])})


def test_a_message_that_ends_while_its_host_is_away_is_answered_and_lets_the_next_one_run(
    run_worker: Any,
    make_layer: Callable[[], RedisChannelLayer],
    redis_server: RedisServer,
    second_redis_server: RedisServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    layer, outside, consumer = make_layer(), make_layer(), Consumer()
    ordered = enforce_ordering(lambda message: consumer.run(message))
    run_worker([route(RECEIVE, ordered)], layer=layer)
    outside.send(RECEIVE, {"reply_channel": SOCKET, "order": 1})
    assert consumer.has_begun.wait(10)

    home = (redis_server, second_redis_server)[outside.keyspace.host_of(SERVER)]
    home.pause()
    with contextlib.suppress(LayerUnavailable):
        layer.send(f"{REPLIES}another", {"text": "so that it is known"})
    consumer.may_end.set()
    wait_until(lambda: "is done when it is back" in caplog.text, what="the worker to go on")
    home.resume()

    outside.send(RECEIVE, {"reply_channel": SOCKET, "order": 2})
    texts: list[Any] = []
    while texts[-1:] != ["2"]:
        _, message = outside.receive([REPLIES], block=True)
        texts.append(message and message["text"])
    assert texts[-2:] == ["1", "2"]
