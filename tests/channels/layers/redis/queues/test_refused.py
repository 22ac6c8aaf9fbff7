"""What was taken of a queue is kept, though Redis refuses what was asked for beside it."""

import contextlib

import pytest
import redis

from channels.exceptions import LayerUnavailable
from channels.layers.redis import RedisChannelLayer
from channels.layers.redis.queues.cursor import Cursor
from channels.layers.redis.queues.receiving import read_taken
from channels.layers.redis.transport.plans import Block
from channels.layers.redis.transport.wire import Unsettled

REFUSED = Unsettled("ASK 7 127.0.0.1:7001")


def test_a_message_that_was_popped_is_handed_out_though_no_more_can_be_taken():
    assert read_taken([b"queue", b"first"], REFUSED, 2) == ([0, 0], [b"first"])


def test_messages_that_were_taken_are_handed_out_though_the_pop_was_refused():
    assert read_taken(REFUSED, [3, 0, b"first", b"second"], 2) == ([3, 0], [b"first", b"second"])


def test_who_was_refused_and_got_nothing_is_told():
    for popped, drained in [(None, REFUSED), (REFUSED, REFUSED), (REFUSED, [0])]:
        with pytest.raises(LayerUnavailable):
            read_taken(popped, drained, 1)


def test_what_was_popped_comes_before_what_was_taken_with_it():
    assert read_taken([b"queue", b"first"], [1, b"second"], 1) == ([1], [b"first", b"second"])
    assert read_taken(None, [0], 1) == ([0], [])


# -- two hosts that answer together ----------------------------------------------------------------


def run_plan(plan, answer):
    """Run a plan; `answer(step)` is what each step is answered with."""
    try:
        step = next(plan)
        while True:
            step = plan.send(answer(step))
    except StopIteration as stop:
        return stop.value


@pytest.fixture
def layer(redis_server):
    with contextlib.closing(RedisChannelLayer(hosts=[redis_server.url] * 2)) as layer:
        yield layer


def make_cursor(layer, name="work"):
    cursor = Cursor(layer.keyspace, [name])
    cursor.promote_at_s = float("inf")
    return cursor


def take(layer, cursor, answer=lambda step: [[0, b""] for _ in step], block_s=0.0):
    """The message that a reader takes, its steps answered by `answer`."""
    _, delivery = run_plan(layer._receiving.take(cursor, [], block_s, 0.0), answer)
    return delivery and delivery.content


@pytest.fixture
def pop(layer, redis_server):
    """Returns the replies to pops of some messages, which are on no queue any more."""

    def pop(*messages):
        queue = layer.keyspace.queue("work").queue
        for message in messages:
            layer.send("work", message)
        with redis_server.client() as client:
            found = client.lrange(queue, 0, -1)
            client.delete(queue)
        return [[queue.encode(), data] for data in found]

    return pop


@pytest.mark.parametrize(
    ("refusal", "is_kept"),
    [
        (REFUSED, True),
        (redis.ResponseError("OOM command not allowed"), True),
        (LayerUnavailable("the connection broke", was_sent=True), False),
    ],
)
def test_the_second_of_two_messages_is_kept_if_it_can_not_be_put_back(layer, pop, refusal, is_kept):
    """Where it is not known whether it was put back, it may not come twice."""
    replies = pop({"n": 0}, {"n": 1})

    def answer(step):
        if isinstance(step, Block):
            return list(enumerate(replies))
        return [refusal if each.command[0] == "LPUSH" else [0, b""] for each in step]

    cursor = make_cursor(layer)
    assert take(layer, cursor, answer, 1.0) == {"n": 0}
    assert take(layer, make_cursor(layer, "other")) is None
    assert take(layer, cursor) == ({"n": 1} if is_kept else None)
    assert take(layer, cursor) is None


@pytest.mark.parametrize("is_first", [True, False])
def test_a_message_of_one_host_is_not_lost_with_the_refusal_of_the_other(layer, pop, is_first):
    replies = [*pop({"n": 0}), REFUSED][:: 1 if is_first else -1]

    def answer(step):
        return list(enumerate(replies)) if isinstance(step, Block) else [[0, b""] for _ in step]

    assert take(layer, make_cursor(layer), answer, 1.0) == {"n": 0}


def test_who_got_nothing_but_a_refusal_is_told(layer):
    def answer(step):
        return [(0, REFUSED)] if isinstance(step, Block) else [[0, b""] for _ in step]

    with pytest.raises(LayerUnavailable):
        take(layer, make_cursor(layer), answer, 1.0)
