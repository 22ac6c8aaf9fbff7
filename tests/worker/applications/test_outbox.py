"""What instances send to interface servers: in order, numbered, and known to have gone out."""

import asyncio

from channels.exceptions import LayerUnavailable, MessageTooLarge
from worker.applications.outbox import Outbox


class Link:
    """Takes batches once it is let, and may be away."""

    def __init__(self):
        self.sent, self.messages = [], []
        self.is_let, self.failures = asyncio.Event(), 0

    async def send_batch(self, queue, batch):
        await self.is_let.wait()
        for one in batch:
            if one.message.get("text") == "too large":
                raise MessageTooLarge(queue, 2, 1)
        if self.failures:
            self.failures -= 1
            raise LayerUnavailable("away")
        self.sent += [(tuple(one.clients), one.message["n"]) for one in batch]
        self.messages += [one.message for one in batch]
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


def test_states_of_instances_that_are_large_do_not_all_go_in_one_batch():
    async def scenario():
        link, batches = Link(), []
        link.is_let.set()

        async def send_batch(queue, batch):
            batches.append([one.clients[0] for one in batch])
            return len(batch)

        link.send_batch = send_batch
        lane, state = Outbox(link).lane("websocket.send.s!"), {"attributes": b"x" * 200_000}
        lane.put("1", {"type": "channels.checkpoint", "state": state})
        lane.put("2", {"type": "channels.hand_over", "instance": {"state": state}})
        lane.put("3", {"type": "channels.own"})
        await lane.wait_until_sent()
        assert batches == [["1", "2"], ["3"]]

    asyncio.run(scenario())


def test_a_message_that_cannot_be_sent_closes_its_socket_and_takes_no_other_with_it(caplog):
    async def scenario():
        link = Link()
        link.is_let.set()
        lane = Outbox(link).lane("websocket.send.s!")
        for client, text in (("1", "a"), ("2", "too large"), ("3", "b")):
            lane.put(client, {**frame(text), "from": "worker.w!"})
        await asyncio.wait_for(lane.wait_until_sent(), 5)
        assert link.sent == [(("1",), 1), (("2",), 2), (("3",), 3)]
        assert link.messages[1] == {
            "type": "websocket.close",
            "code": 1011,
            "from": "worker.w!",
            "n": 2,
        }

    asyncio.run(scenario())
    assert "can't be sent; they are closed with 1011" in caplog.text
