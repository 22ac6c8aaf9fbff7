"""Requests that are refused without asking the layer, as their channel is known to be full."""

from channels.exceptions import ChannelFull
from interface_server.channel_room import ChannelRoom
from tests.interface_server.fakes import Site, in_loop


def full_room(now, capacity=100):
    room = ChannelRoom(lambda: now[0])
    room.note_full(ChannelFull("http.request", capacity, capacity))
    return room


def test_a_channel_that_was_full_is_full_until_a_tenth_of_it_is_answered():
    room = full_room([0.0])
    for _ in range(9):
        room.note_answer()
    assert "'http.request' is full (100 of 100 waiting)" in str(room.refusal)
    room.note_answer()
    assert room.refusal is None


def test_one_answer_makes_room_in_a_small_channel():
    room = full_room([0.0], capacity=2)
    room.note_answer()
    assert room.refusal is None


def test_the_layer_is_asked_again_after_a_tenth_of_a_second():
    now = [0.0]
    room = full_room(now)
    now[0] = 0.099
    assert room.refusal is not None
    now[0] = 0.1
    assert room.refusal is None


@in_loop
async def test_requests_are_refused_without_asking_until_one_is_answered(caplog):
    site = await Site(retry_after_s=7).start()
    waiting = site.request()
    message = await site.link.expect("http.request")
    site.link.refuse["http.request"] = ChannelFull("http.request", 1, 1)
    await site.request().finish()
    del site.link.refuse["http.request"]

    early = site.request(b"half", b"a body")
    await early.finish()
    assert (early.status, early.headers[b"retry-after"]) == (503, b"7")
    assert len(site.link.messages("http.request")) == 1
    assert "'http.request' is full" in caplog.text

    site.link.reply(message, {"status": 200, "content": b"served"})
    await waiting.finish()
    later = site.request()
    site.link.reply(await site.link.expect("http.request", 2), {"status": 200})
    await later.finish()
    assert (waiting.status, later.status) == (200, 200)
