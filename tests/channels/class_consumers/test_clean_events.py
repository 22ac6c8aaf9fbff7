"""What a handler activates is for the person whom its event is about, and for nobody else."""

import pytest
from django.utils import timezone, translation

from channels.consumer import AsyncConsumer, SyncConsumer
from channels.exceptions import StopConsumer
from tests.channels.class_consumers.conversations import conversation, run


def activate():
    """Activate a language and a time zone; return those from before."""
    before = {"language": translation.get_language(), "zone": timezone.get_current_timezone_name()}
    translation.activate("de")
    timezone.activate("Asia/Tokyo")
    return before


class Sync(SyncConsumer):
    def activate(self, event):
        self.send({"type": "seen", **activate()})

    def stop(self, event):
        raise StopConsumer


class Async(AsyncConsumer):
    async def activate(self, event):
        await self.send({"type": "seen", **activate()})

    async def stop(self, event):
        raise StopConsumer


ACTIVATED = {"type": "seen", "language": "de", "zone": "Asia/Tokyo"}


async def see(talk):
    await talk.say("activate")
    return await talk.hears()


@pytest.mark.parametrize("consumer", [Sync, Async])
def test_each_message_of_a_named_channel_begins_clean(consumer):
    async def main():
        scope = {"type": "channel", "channel": "jobs"}
        async with conversation(consumer.as_asgi(), scope) as talk:
            seen = [await see(talk) for _ in range(3)]
            await talk.say("stop")
            await talk.wait()
        assert seen[0] == seen[1] == seen[2] != ACTIVATED

    run(main())


@pytest.mark.parametrize("consumer", [Sync, Async])
def test_a_socket_keeps_what_it_has_activated_and_others_see_nothing_of_it(layer, consumer):
    async def main():
        application = consumer.as_asgi()
        async with conversation(application) as one, conversation(application) as other:
            before = await see(one)
            assert before != ACTIVATED
            assert await see(one) == ACTIVATED
            assert await see(other) == before

    run(main())


@pytest.mark.parametrize("consumer", [Sync, Async])
def test_what_a_handler_of_a_named_channel_raises_ends_the_instance(consumer):
    async def main():
        scope = {"type": "channel", "channel": "jobs"}
        async with conversation(consumer.as_asgi(), scope) as talk:
            await talk.say("unknown")
            with pytest.raises(ValueError, match="No handler for message type unknown"):
                await talk.hears()

    run(main())
