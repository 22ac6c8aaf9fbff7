"""Ordered sockets: each message once, in order, whoever takes it; and when too many wait."""

import random

from channels.exceptions import ChannelFull, HeldBack
from channels.layers.limits import ORDERED_BACKLOG
from channels.layers.operations import (
    Delivery,
    FinishOrdered,
    ForgetSocket,
    PutBack,
    ReleaseOrdered,
    Retry,
    Turn,
)

QUEUE = "websocket.send.server!"
SOCKET = QUEUE + "client"
RECEIVE, DISCONNECT = "websocket.receive", "websocket.disconnect"


class OrderingPromises:
    def open_ordered(self, *extensions, **config):
        """A layer, and its reader of the channels that messages of sockets come on."""
        config.setdefault("capacity", 2 * ORDERED_BACKLOG)
        layer = self.open_layer("ordering", *extensions, **config)
        reader = layer.open_reader([RECEIVE, DISCONNECT])
        self.addCleanup(reader.close)
        return layer, reader

    def next_delivery(self, reader, operations=()):
        _, delivery = reader.take(operations, block_s=self.patience_s)
        self.assertIsInstance(delivery, Delivery)
        return delivery

    def deliver(self, layer, reader, order, channel=RECEIVE, socket=SOCKET):
        """Send message `order` of a socket and take it."""
        layer.send(channel, {"reply_channel": socket, "order": order})
        return self.next_delivery(reader)

    def begin(self, layer, delivery, owner="worker"):
        content = delivery.content
        return layer.begin_ordered(delivery, content["reply_channel"], content["order"], owner)

    def arrive(self, layer, reader, order, **kwargs):
        """Message `order` comes and asks for its turn."""
        return self.begin(layer, self.deliver(layer, reader, order, **kwargs))

    def finish(self, layer, order, socket=SOCKET):
        (freed,) = layer.apply([FinishOrdered(socket, order)])
        return freed

    def assert_nothing_comes(self, reader):
        for _ in range(self.receive_tries):
            self.assertIsNone(reader.take()[1])

    # -- in order -----------------------------------------------------------------------------

    def test_messages_in_order_run(self):
        layer, reader = self.open_ordered()
        for order in range(5):
            self.assertIs(self.arrive(layer, reader, order), Turn.RUN)
            self.assertIsNone(self.finish(layer, order))

    def test_an_early_message_is_parked_and_set_free_by_its_predecessor(self):
        layer, reader = self.open_ordered()
        self.assertIs(self.arrive(layer, reader, 0), Turn.RUN)
        self.assertIs(self.arrive(layer, reader, 2), Turn.PARKED)
        self.assertIs(self.arrive(layer, reader, 1), Turn.PARKED)
        self.assert_nothing_comes(reader)
        for order in (1, 2):
            freed = self.finish(layer, order - 1)
            self.assertIsInstance(freed, Delivery)
            self.assertEqual(freed.channel, RECEIVE)
            self.assertEqual(freed.content, {"reply_channel": SOCKET, "order": order})
            self.assertIs(self.begin(layer, freed), Turn.RUN)
        self.assertIsNone(self.finish(layer, 2))

    # -- and none before what its predecessor said has gone out -----------------------------------

    def test_a_message_does_not_end_before_its_replies_are_sent(self):
        layer, reader = self.open_ordered(channel_capacity={"websocket.send.*": 2})
        self.assertIs(self.arrive(layer, reader, 1), Turn.RUN)
        self.assertIs(self.arrive(layer, reader, 2), Turn.PARKED)
        replies = [layer.prepare_send(SOCKET, {"text": text}) for text in "abc"]
        results = layer.apply([*replies, FinishOrdered(SOCKET, 1)])
        self.assertEqual(results[:2], [None, None])
        self.assertIsInstance(results[2], ChannelFull)
        self.assertIsInstance(results[3], HeldBack)
        self.assert_nothing_comes(reader)
        for text in "ab":
            self.assertEqual(layer.receive([QUEUE]), (SOCKET, {"text": text}))
        sent, freed = layer.apply([replies[2], FinishOrdered(SOCKET, 1)])
        self.assertIsNone(sent)
        self.assertEqual(freed.content, {"reply_channel": SOCKET, "order": 2})
        self.assertEqual(layer.receive([QUEUE]), (SOCKET, {"text": "c"}))

    def test_a_message_does_not_end_before_its_one_reply_is_sent(self):
        layer, reader = self.open_ordered(channel_capacity={"websocket.send.*": 1})
        self.assertIs(self.arrive(layer, reader, 1), Turn.RUN)
        self.assertIs(self.arrive(layer, reader, 2), Turn.PARKED)
        layer.send(QUEUE + "other", {"text": "a"})
        reply = layer.prepare_send(SOCKET, {"text": "b"})
        refusal, held_back = layer.apply([reply, FinishOrdered(SOCKET, 1)])
        self.assertIsInstance(refusal, ChannelFull)
        self.assertIsInstance(held_back, HeldBack)
        self.assert_nothing_comes(reader)
        self.assertEqual(layer.receive([QUEUE]), (QUEUE + "other", {"text": "a"}))
        sent, freed = layer.apply([reply, FinishOrdered(SOCKET, 1)])
        self.assertIsNone(sent)
        self.assertEqual(freed.content["order"], 2)
        self.assertEqual(layer.receive([QUEUE]), (SOCKET, {"text": "b"}))

    def test_a_message_ends_whose_client_can_not_be_told_anything_more(self):
        layer, reader = self.open_ordered(channel_capacity={"websocket.send.*": 1})
        self.assertIs(self.arrive(layer, reader, 1), Turn.RUN)
        reply = layer.prepare_send(SOCKET, {"text": "a"})
        results = layer.apply([reply, reply, FinishOrdered(SOCKET, 1)])
        self.assertIsInstance(results[2], HeldBack)
        self.assertIsNone(self.finish(layer, 1))
        self.assertIs(self.arrive(layer, reader, 2), Turn.RUN)

    def test_a_message_ends_though_another_client_was_not_reached(self):
        layer, reader = self.open_ordered(channel_capacity={"websocket.send.*": 1})
        self.assertIs(self.arrive(layer, reader, 1), Turn.RUN)
        other = layer.prepare_send("websocket.send.server!other", {"text": "a"})
        results = layer.apply([other, other, FinishOrdered(SOCKET, 1)])
        self.assertIsInstance(results[1], ChannelFull)
        self.assertIsNone(results[2])
        self.assertIs(self.arrive(layer, reader, 2), Turn.RUN)

    def test_a_parked_message_keeps_its_attempts(self):
        layer, reader = self.open_ordered("delay")
        self.assertIs(self.arrive(layer, reader, 0), Turn.RUN)
        retry = Retry(self.deliver(layer, reader, 1), 0.0)
        self.assertIs(self.begin(layer, self.next_delivery(reader, [retry])), Turn.PARKED)
        self.assertEqual(self.finish(layer, 0).attempts, 1)

    def test_the_next_message_waits_while_its_predecessor_runs(self):
        layer, reader = self.open_ordered()
        self.assertIs(self.arrive(layer, reader, 0), Turn.RUN)
        self.assertIs(self.arrive(layer, reader, 1), Turn.PARKED)

    def test_finishing_with_take_returns_what_it_sets_free(self):
        layer, reader = self.open_ordered()
        self.arrive(layer, reader, 0)
        self.arrive(layer, reader, 1)
        (freed,), _ = reader.take([FinishOrdered(SOCKET, 0)], block_s=self.patience_s)
        self.assertEqual(freed.content["order"], 1)

    def test_a_message_runs_once(self):
        layer, reader = self.open_ordered("statistics")
        self.assertIs(self.arrive(layer, reader, 0), Turn.RUN)
        self.assertIs(self.arrive(layer, reader, 0), Turn.STALE)  # it runs just now
        self.finish(layer, 0)
        self.assertIs(self.arrive(layer, reader, 0), Turn.STALE)  # it has run
        self.assertEqual(layer.channel_statistics(RECEIVE)["dropped_count"], 2)

    def test_finishing_twice_does_no_harm(self):
        layer, reader = self.open_ordered()
        self.arrive(layer, reader, 0)
        self.finish(layer, 0)
        self.assertIs(self.arrive(layer, reader, 1), Turn.RUN)
        self.assertIsNone(self.finish(layer, 0))
        self.assertIs(self.arrive(layer, reader, 1), Turn.STALE)
        self.assertIs(self.arrive(layer, reader, 2), Turn.PARKED)

    def test_a_socket_whose_connect_was_not_ordered_begins_with_its_first_frame(self):
        layer, reader = self.open_ordered()
        self.assertIs(self.arrive(layer, reader, 2), Turn.PARKED)
        self.assertIs(self.arrive(layer, reader, 1), Turn.RUN)
        self.assertEqual(self.finish(layer, 1).content["order"], 2)

    def test_sockets_do_not_wait_for_one_another(self):
        layer, reader = self.open_ordered()
        other = "websocket.send.server!other"
        self.assertIs(self.arrive(layer, reader, 0), Turn.RUN)
        self.assertIs(self.arrive(layer, reader, 0, socket=other), Turn.RUN)
        self.assertIs(self.arrive(layer, reader, 1), Turn.PARKED)
        self.assertIsNone(self.finish(layer, 0, socket=other))
        self.assertIs(self.arrive(layer, reader, 1, socket=other), Turn.RUN)

    # -- put back, retry ------------------------------------------------------------------------

    def test_what_was_set_free_can_be_put_back(self):
        layer, reader = self.open_ordered()
        self.arrive(layer, reader, 0)
        self.arrive(layer, reader, 1)
        self.assertEqual(layer.apply([PutBack(self.finish(layer, 0))]), [None])
        self.assertIs(self.begin(layer, self.next_delivery(reader)), Turn.RUN)
        self.assertIs(self.arrive(layer, reader, 2), Turn.PARKED)

    def test_a_released_message_keeps_its_turn(self):
        layer, reader = self.open_ordered("delay")
        first = self.deliver(layer, reader, 0)
        self.assertIs(self.begin(layer, first), Turn.RUN)
        self.assertIs(self.arrive(layer, reader, 1), Turn.PARKED)
        self.assertEqual(layer.apply([ReleaseOrdered(SOCKET, 0)]), [None])
        self.assertIs(self.arrive(layer, reader, 2), Turn.PARKED)
        again = self.next_delivery(reader, [Retry(first, 0.0)])
        self.assertEqual((again.content["order"], again.attempts), (0, 1))
        self.assertIs(self.begin(layer, again, owner="another worker"), Turn.RUN)
        self.assertEqual(self.finish(layer, 0).content["order"], 1)

    def test_releasing_what_does_not_run_does_no_harm(self):
        layer, reader = self.open_ordered()
        self.arrive(layer, reader, 0)
        self.finish(layer, 0)
        layer.apply([ReleaseOrdered(SOCKET, 0), ReleaseOrdered("websocket.send.server!no", 3)])
        self.assertIs(self.arrive(layer, reader, 0), Turn.STALE)
        self.assertIs(self.arrive(layer, reader, 1), Turn.RUN)

    # -- too many wait ----------------------------------------------------------------------------

    def overflow(self, layer, reader, disconnect_among_them=False):
        """Park as many messages as there may be, and one more."""
        self.assertIs(self.arrive(layer, reader, 0), Turn.RUN)
        for order in range(2, ORDERED_BACKLOG + 2):
            last = disconnect_among_them and order == ORDERED_BACKLOG + 1
            turn = self.arrive(layer, reader, order, channel=DISCONNECT if last else RECEIVE)
            self.assertIs(turn, Turn.PARKED, order)
        self.assertIs(self.arrive(layer, reader, ORDERED_BACKLOG + 2), Turn.OVERFLOW)

    def test_a_socket_with_too_many_waiting_is_given_up(self):
        layer, reader = self.open_ordered("statistics")
        self.overflow(layer, reader)
        for order in (1, ORDERED_BACKLOG + 3):
            self.assertIs(self.arrive(layer, reader, order), Turn.STALE)
        self.assertIsNone(self.finish(layer, 0))
        dropped = layer.channel_statistics(RECEIVE)["dropped_count"]
        self.assertEqual(dropped, ORDERED_BACKLOG + 3)

    def test_the_disconnect_of_a_socket_that_was_given_up_runs_once(self):
        layer, reader = self.open_ordered()
        self.overflow(layer, reader)
        order = ORDERED_BACKLOG + 3
        self.assertIs(self.arrive(layer, reader, order, channel=DISCONNECT), Turn.RUN)
        self.assertIs(self.arrive(layer, reader, order, channel=DISCONNECT), Turn.STALE)
        self.assertIs(self.arrive(layer, reader, order + 1), Turn.STALE)

    def test_a_disconnect_that_was_parked_when_its_socket_is_given_up_runs(self):
        layer, reader = self.open_ordered()
        self.overflow(layer, reader, disconnect_among_them=True)
        delivery = self.next_delivery(reader)
        self.assertEqual(delivery.channel, DISCONNECT)
        self.assertIs(self.begin(layer, delivery), Turn.RUN)
        self.assert_nothing_comes(reader)

    def test_the_disconnect_of_a_socket_that_was_given_up_may_be_retried(self):
        layer, reader = self.open_ordered("delay")
        self.overflow(layer, reader)
        order = ORDERED_BACKLOG + 3
        first = self.deliver(layer, reader, order, channel=DISCONNECT)
        self.assertIs(self.begin(layer, first), Turn.RUN)
        again = self.next_delivery(reader, [ReleaseOrdered(SOCKET, order), Retry(first, 0.0)])
        self.assertIs(self.begin(layer, again), Turn.RUN)
        self.assertIs(self.begin(layer, again), Turn.STALE)

    def test_a_disconnect_does_not_make_a_socket_be_given_up(self):
        layer, reader = self.open_ordered()
        self.arrive(layer, reader, 0)
        for order in range(2, ORDERED_BACKLOG + 2):
            self.arrive(layer, reader, order)
        turn = self.arrive(layer, reader, ORDERED_BACKLOG + 2, channel=DISCONNECT)
        self.assertIs(turn, Turn.PARKED)
        self.assertIs(self.arrive(layer, reader, 1), Turn.OVERFLOW)
        self.assertIs(self.begin(layer, self.next_delivery(reader)), Turn.RUN)

    # -- the end ----------------------------------------------------------------------------------

    def test_a_straggler_of_a_forgotten_socket_is_stale(self):
        layer, reader = self.open_ordered()
        self.arrive(layer, reader, 0)
        layer.apply([FinishOrdered(SOCKET, 0), ForgetSocket(SOCKET)])
        self.assertIs(self.arrive(layer, reader, 0), Turn.STALE)
        self.assertIs(self.arrive(layer, reader, 7), Turn.STALE)
        self.assertIsNone(self.finish(layer, 7))

    def test_flush_removes_the_order(self):
        layer, reader = self.open_ordered("flush")
        self.arrive(layer, reader, 0)
        self.arrive(layer, reader, 5)
        layer.flush()
        self.assertIs(self.arrive(layer, reader, 0), Turn.RUN)
        self.assertIsNone(self.finish(layer, 0))

    # -- at the same time -----------------------------------------------------------------------

    def test_each_message_runs_once_and_in_order_across_workers(self):
        layer, reader = self.open_ordered()
        sockets = [f"websocket.send.server!{n}" for n in range(3)]
        orders = range(1, 61)
        for socket in sockets:
            self.arrive(layer, reader, 0, socket=socket)
        messages = [(socket, order) for socket in sockets for order in orders]
        random.shuffle(messages)
        for socket, order in messages:
            layer.send(RECEIVE, {"reply_channel": socket, "order": order})
        for socket in sockets:
            freed = self.finish(layer, 0, socket=socket)
            self.assertIsNone(freed)
        run = {socket: [] for socket in sockets}
        workers = [layer, self.open_twin(layer)] * 2
        threads = [self.in_background(self.work, each, run, len(messages)) for each in workers]
        for thread in threads:
            thread.result()
        self.assertEqual(run, {socket: [*orders] for socket in sockets})

    def work(self, layer, run, count):
        """What a worker does, until `count` messages have run."""
        reader = layer.open_reader([RECEIVE])
        operations, waiting = [], []
        while sum(map(len, run.values())) < count:
            results, delivery = reader.take(operations, block_s=0.0 if waiting else 0.05)
            waiting += [result for result in (*results, delivery) if isinstance(result, Delivery)]
            operations = []
            if waiting:
                delivery = waiting.pop(0)
                if self.begin(layer, delivery) is Turn.RUN:
                    socket, order = delivery.content["reply_channel"], delivery.content["order"]
                    run[socket].append(order)
                    operations = [FinishOrdered(socket, order)]
        reader.close()
