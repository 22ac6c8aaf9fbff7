"""Messages that an interface server sends to one channel at the same time go out together."""

import asyncio

import pytest

from channels.exceptions import ChannelFull
from channels.layers.redis.queues import scripts
from channels.layers.redis.transport import aio
from channels.layers.redis.transport.wire import Script


@pytest.fixture
def calls(monkeypatch):
    """The commands that are packed, by the script they call."""
    names = {
        script.sha: name for name, script in vars(scripts).items() if isinstance(script, Script)
    }
    found, pack = [], aio.AsyncConnection._run

    def note(self, commands):
        found.extend(names.get(c[1]) for c in commands if c[0] == "EVALSHA")
        return pack(self, commands)

    monkeypatch.setattr(aio.AsyncConnection, "_run", note)
    return found


def send_at_once(layer, channel, messages):
    """Send through an interface server's link; return the results, or the errors."""

    async def run():
        link = layer.open_link("here", lambda clients, message: None, lambda: None)
        await link.start()
        await link.send("warm.up", {})
        try:
            sends = [link.send(channel, message) for message in messages]
            return await asyncio.gather(*sends, return_exceptions=True)
        finally:
            await link.stop()
            await layer.aclose()

    return asyncio.run(run())


def receive_all(layer, channel):
    found = []
    while (message := layer.receive([channel])[1]) is not None:
        found.append(message)
    return found


def test_messages_sent_in_one_turn_are_one_command_and_arrive_in_order(layer, calls):
    messages = [{"number": number} for number in range(90)]

    results = send_at_once(layer, "together", messages)

    assert results == [None] * 90
    assert calls.count("SEND_MANY") == 1
    assert receive_all(layer, "together") == messages
    assert layer.channel_statistics("together")["messages_count"] == 90


def test_when_there_is_no_room_for_all_those_that_fit_are_sent(make_layer):
    layer = make_layer(channel_capacity={"narrow": 3})

    results = send_at_once(layer, "narrow", [{"number": number} for number in range(5)])

    assert results[:3] == [None] * 3
    assert [type(result) for result in results[3:]] == [ChannelFull] * 2
    assert [message["number"] for message in receive_all(layer, "narrow")] == [0, 1, 2]
    assert layer.channel_statistics("narrow")["channel_full_count"] == 2


def test_big_messages_do_not_keep_redis_busy_in_one_command(layer, calls):
    messages = [{"data": bytes([number]) * 200_000} for number in range(5)]

    assert send_at_once(layer, "wide", messages) == [None] * 5

    assert calls.count("SEND_MANY") == 2
    assert receive_all(layer, "wide") == messages
