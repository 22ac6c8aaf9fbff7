"""Sockets whose instances workers host: what goes to whom while they move, or their worker dies."""

import asyncio

import pytest

from channels.layers import hosting
from interface_server.owners import watch
from tests.interface_server.fakes import Site, in_loop

QUEUE, NEXT_QUEUE = "worker.one!", "worker.two!"
CHANNEL, NEXT_CHANNEL = QUEUE + hosting.LOCAL_PART, NEXT_QUEUE + hosting.LOCAL_PART
HOLD = {"type": hosting.HOLD, "queue": QUEUE, "number": 1}
CHECKPOINT = {
    "type": hosting.CHECKPOINT,
    "from": QUEUE,
    "n": 1,
    "opening": {"path": "/"},
    "state": {},
    "order": 0,
    "place": 0,
    "events": [{"type": "websocket.accept"}],
}


def own(queue=QUEUE, number=1, **more):
    return {"type": hosting.OWN, "queue": queue, "number": number, "order": 0, "place": 0, **more}


def frame(text):
    return {"type": "websocket.receive", "text": text}


async def send_frame(client, text):
    """Have a client send a frame, and let the server do with it what it does at once."""
    client.put(frame(text))
    for _ in range(20):
        await asyncio.sleep(0)


async def open_hosted(site, *replies):
    """Return (client, its connect message) of a socket with checkpoints that QUEUE hosts."""
    client = site.socket()
    connect = await site.link.expect("websocket.connect")
    site.link.reply(connect, own(), *replies, CHECKPOINT)
    assert (await client.expect())["type"] == "websocket.accept"
    return client, connect


async def call_while_away(site, connect, away_s):
    """Have messages for an instance come, numbered 0 to 2, while the layer is away."""
    site.link.is_available = False
    for n in range(3):
        site.link.reply(connect, {"type": "chat.message", "n": n})
        await asyncio.sleep(0)
    await asyncio.sleep(away_s)
    site.link.is_available = True


@in_loop
async def test_an_owner_that_is_to_move_keeps_nothing_from_moving_by_what_it_says_of_its_consumer():
    site = await Site().start()
    client, connect = await open_hosted(site, HOLD, own(keeps=True))
    assert (await site.link.expect(CHANNEL))["type"] == hosting.FENCE
    await send_frame(client, "early")
    site.link.reply(connect, own(NEXT_QUEUE, 2))
    assert (await site.link.expect(NEXT_CHANNEL))["text"] == "early"
    assert "websocket.receive" not in [m["type"] for m in site.link.messages(CHANNEL)]


@in_loop
async def test_an_owner_that_can_not_move_is_sent_what_was_held():
    site = await Site().start()
    client, connect = await open_hosted(site, HOLD)
    await send_frame(client, "early")
    assert len(site.link.messages(CHANNEL)) == 1  # the fence
    site.link.reply(connect, own(stays=True))
    assert (await site.link.expect(CHANNEL, 2))["text"] == "early"


@in_loop
async def test_the_death_of_a_worker_brings_back_no_socket_that_is_closed():
    site = await Site().start()
    client, connect = await open_hosted(site, own(keeps=True))
    site.link.close_gate = asyncio.Event()  # its disconnect waits for the layer
    client.put({"type": "websocket.disconnect", "code": 1000})
    process = await site.server.start()
    while process.sockets:
        await asyncio.sleep(0)
    process.owners.lose(QUEUE)
    site.link.close_gate.set()
    assert (await site.link.expect(CHANNEL))["type"] == "websocket.disconnect"
    await client.finish()
    assert site.link.messages(hosting.RESUME) == []


@in_loop
async def test_a_socket_whose_disconnect_is_on_its_way_does_not_move_to_one_who_would_not_get_it():
    site = await Site().start()
    client, connect = await open_hosted(site)
    site.link.close_gate = asyncio.Event()
    client.put({"type": "websocket.disconnect", "code": 1000})
    process = await site.server.start()
    while process.sockets:
        await asyncio.sleep(0)
    site.link.reply(connect, HOLD)
    site.link.close_gate.set()
    await client.finish()
    assert [m["type"] for m in site.link.messages(CHANNEL)] == ["websocket.disconnect"]


@pytest.mark.parametrize(("queue", "is_closed"), [(QUEUE, True), (NEXT_QUEUE, False)])
@in_loop
async def test_a_late_copy_of_an_instance_has_no_disconnect_if_another_one_had_it(queue, is_closed):
    """The owner itself may not have got it: a Redis may lose its last moments."""
    site = await Site().start()
    client, connect = await open_hosted(site)
    client.put({"type": "websocket.disconnect", "code": 1000})
    await client.finish()
    site.link.reply(connect, own(queue))
    gone = await site.link.expect(queue + hosting.LOCAL_PART, 1 if queue == NEXT_QUEUE else 2)
    assert (gone["type"], gone["is_closed"]) == (hosting.GONE, is_closed)


@in_loop
async def test_messages_to_instances_wait_for_a_layer_that_is_away_and_come_in_their_order():
    site = await Site().start()
    client, connect = await open_hosted(site)
    await call_while_away(site, connect, 0.2)
    site.link.reply(connect, {"type": "chat.message", "n": 3})
    await site.link.expect(CHANNEL, 4)
    messages = [m["message"]["n"] for m in site.link.messages(CHANNEL)]
    assert messages == [0, 1, 2, 3]


@in_loop
async def test_messages_to_instances_wait_no_longer_than_sockets_do_however_many_are_in_line():
    site = await Site(websocket_patience_s=5.0).start()
    client, connect = await open_hosted(site)
    await call_while_away(site, connect, 8.0)
    site.link.reply(connect, {"type": "chat.message", "n": 3})
    assert (await site.link.expect(CHANNEL))["message"]["n"] == 3


@in_loop
async def test_what_a_dead_worker_left_goes_to_the_next_that_stays_and_not_past_its_fence():
    site = await Site().start()
    client, connect = await open_hosted(site, own(keeps=True))
    await send_frame(client, "left")
    (await site.server.start()).owners.lose(QUEUE)
    number = (await site.link.expect(hosting.RESUME))["number"]
    hold = {"type": hosting.HOLD, "queue": NEXT_QUEUE, "number": number}
    site.link.reply(connect, own(NEXT_QUEUE, number, keeps=True), hold)
    await asyncio.sleep(1.0)
    assert [m["type"] for m in site.link.messages(NEXT_CHANNEL)] == [hosting.FENCE]

    await send_frame(client, "more")
    site.link.reply(connect, own("worker.three!", number + 1, keeps=True))
    await site.link.expect("worker.three!" + hosting.LOCAL_PART, 2)
    texts = [m["text"] for m in site.link.messages("worker.three!" + hosting.LOCAL_PART)]
    assert texts == ["left", "more"]


@in_loop
async def test_the_fence_of_a_socket_does_not_overtake_the_messages_that_wait_for_the_layer():
    site = await Site().start()
    client, connect = await open_hosted(site)
    await call_while_away(site, connect, 0.3)
    assert site.link.messages(CHANNEL) == []  # they are tried again a little later
    site.link.reply(connect, HOLD)
    await site.link.expect(CHANNEL, 4)
    assert [m["type"] for m in site.link.messages(CHANNEL)] == [hosting.MEMBERS] * 3 + [
        hosting.FENCE
    ]


@pytest.fixture(autouse=True)
def _no_watch(monkeypatch):
    """Only the test says who is dead."""
    monkeypatch.setattr(watch, "LOOK_EVERY_S", 1e9)


@in_loop
async def test_who_was_the_owner_once_is_told_up_to_which_number_it_is_not():
    site = await Site().start()
    client, connect = await open_hosted(site)
    site.link.reply(connect, own(NEXT_QUEUE, 2))
    site.link.reply(connect, {"type": "websocket.send", "text": "late", "from": QUEUE})
    await site.link.expect(CHANNEL)  # that the socket has moved
    gone = await site.link.expect(CHANNEL, 2)
    assert (gone["type"], gone["number"], gone["is_closed"]) == (hosting.GONE, 2, False)


@in_loop
async def test_each_hold_of_a_socket_has_its_own_patience():
    """The owner could not let it go, and kept it; later it is to move again."""
    site = await Site(websocket_patience_s=5.0).start()
    client, connect = await open_hosted(site, HOLD)
    await asyncio.sleep(3)
    site.link.reply(connect, own(stays=True))
    await send_frame(client, "to who stays")
    assert (await site.link.expect(CHANNEL, 2))["text"] == "to who stays"
    site.link.reply(connect, HOLD)
    assert (await site.link.expect(CHANNEL, 3))["type"] == hosting.FENCE
    held_at = asyncio.get_running_loop().time()
    assert (await client.expect(2))["code"] == 1012
    assert asyncio.get_running_loop().time() - held_at == pytest.approx(5.0, abs=0.5)
