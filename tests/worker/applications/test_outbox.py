"""What instances send to interface servers: in order, numbered, and known to have gone out."""

import asyncio

from channels.exceptions import LayerUnavailable
from worker.applications.outbox import Outbox


class Link:
    """Takes batches once it is let, and may be away."""

    def __init__(self):
        self.sent, self.is_let, self.failures = [], asyncio.Event(), 0

    async def send_batch(self, queue, batch):
        await self.is_let.wait()
        if self.failures:
            self.failures -= 1
            raise LayerUnavailable("away")
        self.sent += [(tuple(one.clients), one.message["n"]) for one in batch]
        return len(batch)


def frame(text):
    return {"type": "websocket.send", "text": text}


def test_who_moves_can_wait_until_what_it_has_sent_is_there():
    async def scenario():
        link = Link()
        lane = Outbox(link).lane("websocket.send.s!")
        lane.put("1", frame("last words"))
        waiting = asyncio.ensure_future(lane.wait_until_sent())
        await asyncio.sleep(0)
        assert not waiting.done()
        link.failures = 1
        link.is_let.set()
        await asyncio.wait_for(waiting, 5)
        assert link.sent == [(("1",), 1)]
        await asyncio.wait_for(lane.wait_until_sent(), 5)

    asyncio.run(scenario())


def test_equal_frames_of_several_clients_go_as_one_and_those_of_one_client_do_not():
    async def scenario():
        link = Link()
        link.is_let.set()
        lane = Outbox(link).lane("websocket.send.s!")
        for client in ("1", "2", "1"):
            lane.put(client, frame("same"))
        await lane.wait_until_sent()
        assert link.sent == [(("1", "2"), 1), (("1",), 2)]

    asyncio.run(scenario())
