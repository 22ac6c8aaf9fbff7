"""What of one consumer's sends goes out in one pipeline."""

from channels.layers import operations as ops
from channels.layers.memory import MemoryChannelLayer
from channels.routing import route
from tests.processes import wait_until
from worker.rows import PIECE_BYTES, length_of_pipeline

REPLY = "http.response.abc!1"


def part(size, channel=REPLY):
    return ops.Send(channel, b"x" * size)


def test_what_is_not_long_goes_out_in_one_pipeline():
    operations = [*[part(1000)] * 200, ops.FinishOrdered(REPLY, 1)]
    assert length_of_pipeline(operations) == 201


def test_what_goes_to_many_clients_goes_out_in_one_pipeline():
    operations = [part(PIECE_BYTES // 2, f"http.response.abc!{n}") for n in range(10)]
    assert length_of_pipeline(operations) == 10


def test_what_is_too_long_for_one_client_does_not():
    assert length_of_pipeline([part(PIECE_BYTES // 4)] * 30) == 4


class CountingLayer(MemoryChannelLayer):
    """Notes how much it is given at once, and how often the wait for a message comes with it."""

    most_bytes = 0

    def apply(self, operations):
        size = sum(len(each.payload) for each in operations if type(each) is ops.Send)
        self.most_bytes = max(self.most_bytes, size)
        return super().apply(operations)


def test_a_consumer_that_sends_much_to_one_client_does_so_in_pieces_and_in_order(run_worker):
    def consume(message):
        for number in range(40):
            message.reply_channel.send({"n": number, "content": b"x" * 200_000})

    layer = run_worker([route("in", consume)], layer=CountingLayer())
    layer.send("in", {"reply_channel": REPLY})
    read = []

    def read_all():
        while (message := layer.receive(["http.response.abc!"])[1]) is not None:
            read.append(message["n"])
        return len(read) == 40

    wait_until(read_all)
    assert read == list(range(40))
    assert layer.channel_layer.most_bytes <= PIECE_BYTES
