"""Frames that find no room wait, with their clients held back, and go out as soon as there is."""

import asyncio
import logging

import pytest

from channels.exceptions import ChannelFull, LayerUnavailable
from tests.interface_server.fakes import Site, full, in_loop
from tests.interface_server.test_websocket import frame, leave, only_disconnect

RECEIVE = "websocket.receive"


class Queue:
    """Stands in for `websocket.receive` at a FakeLink: it holds `capacity` frames."""

    def __init__(self, link, capacity):
        self._link, self._capacity = link, capacity
        self.taken = self.tries = 0
        self._send = link.send
        link.send = self.send

    async def send(self, channel, message):
        if channel == RECEIVE:
            self.tries += 1
            if len(self._link.messages(RECEIVE)) - self.taken >= self._capacity:
                raise ChannelFull(channel, self._capacity, self._capacity)
        await self._send(channel, message)

    def take(self, count):
        """Workers take frames."""
        self.taken += count


def texts(site):
    return [message["text"] for message in site.link.messages(RECEIVE)]


@in_loop
async def test_a_channel_that_is_full_for_less_than_the_patience_closes_nobody():
    site = await Site(websocket_patience_s=30).start()
    client, _ = await site.open_socket()
    site.link.refuse[RECEIVE] = full(RECEIVE)
    client.put(frame("1"), frame("2"), frame("3"))

    await asyncio.sleep(29)
    del site.link.refuse[RECEIVE]
    await site.link.expect(RECEIVE, 3)

    assert texts(site) == ["1", "2", "3"]
    assert [m["order"] for m in site.link.messages(RECEIVE)] == [1, 2, 3]
    assert len(client.sent) == 1


@pytest.mark.parametrize(
    "error", [full(RECEIVE), LayerUnavailable("away", was_sent=False)], ids=["full", "away"]
)
@in_loop
async def test_who_has_waited_for_longer_than_the_patience_is_closed_with_1013(error):
    site = await Site(websocket_patience_s=30).start()
    client, _ = await site.open_socket()
    site.link.refuse[RECEIVE] = error
    client.put(frame("1"), frame("2"))

    await asyncio.sleep(29)
    assert len(client.sent) == 1

    assert await client.expect(2) == {"type": "websocket.close", "code": 1013}
    await only_disconnect(site, client, 1013, order=1)


@in_loop
async def test_a_frame_whose_fate_stays_unknown_is_waited_for_no_longer_than_the_patience():
    site = await Site(websocket_patience_s=30).start()
    client, _ = await site.open_socket()
    site.link.send_gate = asyncio.Event()
    client.put(frame("1"))

    assert await client.expect(2) == {"type": "websocket.close", "code": 1013}
    await only_disconnect(site, client, 1013, order=2)


@in_loop
async def test_a_client_is_read_no_further_than_its_window():
    site = await Site(window_frames=4).start()
    client, _ = await site.open_socket()
    site.link.refuse[RECEIVE] = full(RECEIVE)
    client.put(*[frame(str(number)) for number in range(20)])

    await asyncio.sleep(5)
    assert client.events.qsize() == 20 - 1 - 4

    del site.link.refuse[RECEIVE]
    await site.link.expect(RECEIVE, 20)
    assert texts(site) == [str(number) for number in range(20)]


@in_loop
async def test_the_windows_of_all_sockets_are_limited_together():
    site = await Site(all_window_frames=3).start()
    clients = [(await site.open_socket())[0] for _ in range(4)]
    site.link.refuse[RECEIVE] = full(RECEIVE)
    for client in clients:
        client.put(*[frame("x")] * 10)

    await asyncio.sleep(1)
    left = sum(client.events.qsize() for client in clients)
    # One of each is on its way, and at most one more of each was read before it was held.
    assert 40 - 4 - 3 - 4 <= left <= 40 - 4 - 3

    del site.link.refuse[RECEIVE]
    await site.link.expect(RECEIVE, 40)


@in_loop
async def test_a_backlog_goes_out_as_fast_as_it_is_taken_and_everybody_gets_a_turn():
    site = await Site().start()
    queue = Queue(site.link, capacity=10)
    clients = [(await site.open_socket())[0] for _ in range(50)]
    for number, client in enumerate(clients):
        client.put(*[frame(f"{number} {count}") for count in range(4)])
    await asyncio.sleep(1)
    loop = asyncio.get_running_loop()
    began = loop.time()

    while len(site.link.messages(RECEIVE)) < 200:
        queue.take(10)
        await asyncio.sleep(0.025)

    assert loop.time() - began < 1.0
    for number in range(50):
        assert [t for t in texts(site) if t.split()[0] == str(number)] == [
            f"{number} {count}" for count in range(4)
        ]
    # Nobody's second frame overtook somebody's first one, which waited for longer.
    assert {t.split()[1] for t in texts(site)[:50]} == {"0"}
    assert all(len(client.sent) == 1 for client in clients)


@in_loop
async def test_a_layer_that_takes_nothing_is_not_asked_by_every_socket():
    site = await Site(websocket_patience_s=60).start()
    queue = Queue(site.link, capacity=0)
    for _ in range(100):
        client, _ = await site.open_socket()
        client.put(frame("x"))

    await asyncio.sleep(10)

    assert queue.tries < 200


@in_loop
async def test_a_client_that_leaves_while_its_frames_wait_loses_none_of_them():
    site = await Site().start()
    client, _ = await site.open_socket()
    site.link.refuse[RECEIVE] = full(RECEIVE)
    client.put(frame("1"), frame("2"), leave(1001))
    await asyncio.sleep(10)
    assert site.link.messages("websocket.disconnect") == []

    del site.link.refuse[RECEIVE]
    await site.link.expect("websocket.disconnect")

    assert texts(site) == ["1", "2"]
    await only_disconnect(site, client, 1001, order=3)


@in_loop
async def test_what_waits_for_room_is_dropped_when_a_consumer_closes_the_socket():
    site = await Site(window_frames=2).start()
    client, connect = await site.open_socket()
    site.link.refuse[RECEIVE] = full(RECEIVE)
    client.put(*[frame("x")] * 5)
    await asyncio.sleep(1)

    site.link.reply(connect, {"close": 4000})

    await only_disconnect(site, client, 4000, order=1)


@in_loop
async def test_an_operator_is_told_once_that_clients_are_held_back(caplog):
    site = await Site().start()
    site.link.refuse[RECEIVE] = full(RECEIVE)
    clients = [(await site.open_socket())[0] for _ in range(20)]
    for client in clients:
        client.put(frame("x"))

    await asyncio.sleep(4)
    with caplog.at_level(logging.INFO, "interface_server"):
        del site.link.refuse[RECEIVE]
        await site.link.expect(RECEIVE, 20)
        await asyncio.sleep(1)

    held, free = caplog.records
    assert "their clients are held back, for 30 s at most" in held.getMessage()
    assert "add workers" in held.getMessage()
    assert free.getMessage().startswith("frames go out again: 20 sockets waited")
