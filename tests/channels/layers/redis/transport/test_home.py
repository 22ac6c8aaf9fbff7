"""Over several hosts, what an interface server sends lies where its replies and sockets are."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from channels.layers.names import random_suffix
from channels.layers.redis import RedisChannelLayer
from channels.layers.redis.queues import cursor as cursors
from channels.layers.redis.queues.cursor import Cursor
from tests.processes import RedisServer


@pytest.fixture
def layer(redis_server: RedisServer) -> Iterator[RedisChannelLayer]:
    """A layer over two databases of one server, which are two hosts to it."""
    address = redis_server.tcp_url.rpartition("/")[0]
    layer = RedisChannelLayer(hosts=[f"{address}/{db}" for db in (11, 12)], prefix="home:")
    layer.flush()
    yield layer
    layer.flush()
    layer.close()


@pytest.mark.parametrize("host", [0, 1])
def test_a_handshake_and_the_frames_of_a_server_lie_on_the_host_of_its_replies(
    layer: RedisChannelLayer, host: int
) -> None:
    server_id = next(i for i in iter(random_suffix, "") if layer.keyspace.host_of(i) == host)

    async def serve() -> None:
        link = layer.open_link(server_id, lambda clients, content: None, lambda: None)
        await link.start()
        while not link.is_available:
            await asyncio.sleep(0.01)
        connect = {
            "reply_channel": link.reply_channel("websocket.send", "a"),
            "path": "/",
            "order": 0,
        }
        await link.open_socket("a", connect)
        frame: Any = {**connect, "order": 1, "text": "hello"}
        await link.send_frame(frame)
        await link.send("http.request", {"path": "/"})
        await link.stop()

    asyncio.run(serve())

    reader = layer.open_reader(["websocket.connect", "websocket.receive", "http.request"])
    taken = [delivery for _ in range(3) if (delivery := reader.take()[1])]
    reader.close()
    assert [delivery.token.host for delivery in taken] == [host] * 3


def test_a_reader_stays_where_it_found_a_message_but_not_for_long(layer: RedisChannelLayer) -> None:
    cursor = Cursor(layer.keyspace, ["work"])
    first = cursor.hosts_in_order(1.0)[0]
    cursor.note_found(1 - first)
    assert cursor.hosts_in_order(1.0 + cursors.STAY_S / 2)[0] == 1 - first
    assert cursor.hosts_in_order(1.0 + cursors.STAY_S)[0] == first


def test_a_reader_stays_nowhere_for_more_than_some_messages(layer: RedisChannelLayer) -> None:
    """Else a host whose queues are always full would keep it for all of that time."""
    cursor = Cursor(layer.keyspace, ["work"])
    first = cursor.hosts_in_order(1.0)[0]
    for _ in range(cursors.STAY_MESSAGES):
        assert cursor.hosts_in_order(1.0)[0] == first
        cursor.note_found(first)
    assert cursor.hosts_in_order(1.0)[0] == 1 - first
