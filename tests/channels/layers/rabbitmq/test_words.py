"""Words of what is new: what comes while somebody looks, or while the connection breaks."""

import asyncio
import types
from unittest import mock

import pytest

from channels.layers.rabbitmq.notices import Notices, pack_word
from channels.layers.rabbitmq.queues import BrokerQueues
from channels.layers.rabbitmq.reader import Seeker
from channels.layers.rabbitmq.topology import Topology

TOPOLOGY = Topology("test:")


class Session:
    """A connection over which nothing is found; `on_get(queue)` is called at each look."""

    def __init__(self, on_get=None):
        self.declared, self.declaring, self.heard = {"work"}, asyncio.Lock(), set()
        self.declarers = 0
        self.getting = types.SimpleNamespace(basic_get=self._get)
        self.telling = types.SimpleNamespace(basic_publish=self._tell, queue_bind=self._bind)
        self._on_get = on_get or mock.AsyncMock()
        self.notice_queue, self.told, self.looks, self.is_broken = "", [], [], False

    async def _get(self, queue, no_ack):
        self.looks.append(queue)
        await self._on_get(queue)
        if self.is_broken:
            raise ConnectionError("it broke")
        return mock.Mock(delivery=types.SimpleNamespace(name="Basic.GetEmpty"))

    async def _tell(self, body, exchange, routing_key):
        if self.is_broken:
            raise ConnectionError("it broke")
        self.told.append((routing_key, body))

    async def _bind(self, *names):
        pass


def make_queues(notices):
    layer = mock.Mock()
    layer.get_acknowledgement.return_value = None
    return BrokerQueues(layer, TOPOLOGY, mock.Mock(), notices, mock.Mock())


async def hear(notices, word):
    delivery = types.SimpleNamespace(exchange=TOPOLOGY.wake, routing_key="work")
    await notices._hear(types.SimpleNamespace(delivery=delivery, body=word))


@pytest.mark.parametrize("is_front", [True, False])
def test_a_word_that_comes_while_its_queue_is_looked_at_is_kept(is_front):
    """RabbitMQ may have looked just before the message came, whose word is read first."""
    notices, words = Notices(TOPOLOGY), [pack_word(1, is_front)]
    queue = TOPOLOGY.front("work") if is_front else TOPOLOGY.main("work")

    async def on_get(seen):
        if seen == queue and words:
            await hear(notices, words.pop())

    async def look():
        await queues.take(session, ["work"], is_owned=False, only_hinted=False)

    queues, session = make_queues(notices), Session(on_get)
    asyncio.run(look())
    assert (notices.has_hint("work"), notices.has_front("work")) == (True, is_front)
    asyncio.run(look())
    assert not notices.has_hint("work")


def test_words_in_which_the_connection_broke_are_told_over_the_next_one():
    async def scenario():
        queues = make_queues(Notices(TOPOLOGY))
        old, new = Session(), Session()
        old.is_broken = True
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await queues._tell(old, "work", False)
        await queues.tell_all(new)
        assert new.told == [("work", pack_word(2, False))]

    asyncio.run(scenario())


def test_who_tells_over_a_dead_connection_does_not_stop_who_has_a_new_one():
    async def scenario():
        queues = make_queues(Notices(TOPOLOGY))
        old, new = Session(), Session()
        never = asyncio.Event()
        old.telling.basic_publish = lambda *args, **kwargs: never.wait()
        stuck = asyncio.ensure_future(queues._tell(old, "work", False))
        await asyncio.sleep(0)
        await queues._tell(new, "work", False)
        assert new.told == [("work", pack_word(1, False))]
        stuck.cancel()

    asyncio.run(scenario())


class Look:
    """A Seeker of "work" that has looked everywhere, over a connection that is another one now."""

    def __init__(self):
        self.notices, self.session = Notices(TOPOLOGY), Session()
        engine = mock.Mock(notices=self.notices, queues=make_queues(self.notices))
        engine.run = lambda function: function(self.session)
        self.seeker = Seeker(engine, ["work"])
        asyncio.run(self.seeker.look())
        self.session = Session()

    def look(self):
        """Look once; return in which queues."""
        self.session.looks = []
        asyncio.run(self.seeker.look())
        return self.session.looks


EVERYWHERE = [TOPOLOGY.front("work"), TOPOLOGY.main("work")]


def test_who_has_a_new_connection_looks_everywhere_once():
    look = Look()
    assert [look.look(), look.look()] == [EVERYWHERE, []]


def test_who_could_not_look_over_a_new_connection_looks_everywhere_again():
    look = Look()
    look.session.is_broken = True
    with pytest.raises(ConnectionError):
        look.look()
    look.session.is_broken = False
    assert [look.look(), look.look()] == [EVERYWHERE, []]


def test_who_found_something_over_a_new_connection_looks_everywhere_again():
    """More may have come before it listened, and nobody told it of that."""
    look = Look()
    found = mock.AsyncMock(return_value="entry")
    with mock.patch.object(BrokerQueues, "_get", found):
        assert asyncio.run(look.seeker.look()) == "entry"
    assert [look.look(), look.look()] == [EVERYWHERE, []]
