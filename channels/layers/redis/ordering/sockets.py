"""The plans for what belongs to one socket: its session and the order of its messages."""

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from channels.exceptions import HeldBack
from channels.layers import names
from channels.layers import operations as ops
from channels.layers.codec import UndecodableMessage, session_place
from channels.layers.limits import ORDERED_BACKLOG
from channels.layers.redis.keys import SOCKET_STATE_TTL_MS
from channels.layers.redis.ordering import scripts
from channels.layers.redis.queues.receiving import Returns
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.queues.sending import Row, Sending
from channels.layers.redis.transport import wire
from channels.layers.redis.transport.plans import Part, Plan, Request
from channels.layers.redis.transport.wire import Command, check, pairs, read_nothing

logger = logging.getLogger("channels.layers")

#: Life of the mark that a socket's order is lost: its disconnect comes soon.
BROKEN_TTL_MS = 600_000
#: What is left of it once the disconnect was consumed: long enough for stragglers to be told off.
FORGET_AFTER_MS = 30_000
#: So long a reader knows whose turn is next: less than it takes until a frame that has vanished is
#: sent again.
KNOWN_FOR_S = 3.0
#: The places of so many sockets are kept in mind.
KNOWN_PLACES = 4096


class Place(NamedTuple):
    """Where the state of one socket is kept."""

    host: int
    client: str
    #: The key of its session.
    session: str
    #: The key of its server's sockets; None if it is no WebSocket.
    sockets: str | None
    #: The keys of the scripts on ordered sockets: see part_order.lua.
    order_keys: tuple[str, str, str]


class Sockets:
    """Plans for channel sessions and ordering."""

    def __init__(self, rules: Rules, sending: Sending, returns: Returns) -> None:
        self._rules, self._sending, self._returns = rules, sending, returns
        self._keyspace = rules.keyspace
        #: What a socket kept lives for so long after it has closed, in ms: its disconnect may wait.
        self.life_after_ms = int(rules.get_expiry("websocket.disconnect") * 1000) + FORGET_AFTER_MS
        #: The Place of the socket that a reply channel belongs to.
        self.place_of = functools.lru_cache(maxsize=KNOWN_PLACES)(self._find_place)

    def _find_place(self, reply_channel: str) -> Place:
        keyspace = self._keyspace
        queue = keyspace.queue(reply_channel)
        key = functools.partial(keyspace.server, queue.tag)
        return Place(
            queue.host,
            names.split_local(reply_channel)[1] or "-",
            keyspace.client(reply_channel, "session"),
            queue.sockets if queue.owner == "sockets" else None,
            (keyspace.client(reply_channel, "order"), key("running"), key("waiting")),
        )

    # -- sessions -----------------------------------------------------------------------------

    def load_session(self, reply_channel: str) -> Plan[dict[str, Any]]:
        """Plan: the session as a dict."""
        (reply,) = yield [self.session_request(reply_channel)]
        return self.read_session(reply_channel, reply)

    def session_request(self, reply_channel: str) -> Request:
        """The Request for a session."""
        place = self.place_of(reply_channel)
        return Request(place.host, ("HGETALL", place.session))

    def read_session(self, reply_channel: str, reply: Any) -> dict[str, Any]:
        """The session as a dict, from the reply to its request; without what can't be read."""
        session: dict[str, Any] = {}
        for name, value in pairs(check(reply)):
            key = name.decode(errors="backslashreplace")
            try:
                place = session_place(reply_channel, key)
                session[key] = self._rules.codec.unpack_value(value, place)
            except UndecodableMessage as error:
                text = "channel_session[%r] of %s is left out, as it can't be read: %s"
                self._rules.drops.error(
                    "channel sessions", "unreadable", 1, text, key, reply_channel, error
                )
        return session

    def save_part(self, operation: ops.SaveSession) -> Part:
        """The part of a batch that saves what changed in a session."""
        place = self.place_of(operation.reply_channel)
        key = place.session
        commands: list[Command] = []
        if operation.changed:
            changed = [item for pair in operation.changed.items() for item in pair]
            commands.append(("HSET", key, *changed))
        if operation.removed:
            commands.append(("HDEL", key, *operation.removed))
        commands.append(self._keep_command(place))
        return [Request(place.host, command) for command in commands], read_nothing

    def _keep_command(self, place: Place) -> Command:
        if place.sockets is None:
            return ("PEXPIRE", place.session, SOCKET_STATE_TTL_MS)
        return scripts.KEEP_SESSION.call(
            [place.session, place.sockets],
            [place.client, SOCKET_STATE_TTL_MS, self.life_after_ms],
        )

    def forget_part(self, operation: ops.ForgetSocket) -> Part:
        """The part of a batch that lets a socket's session and order go."""
        place = self.place_of(operation.reply_channel)
        order, _, waiting = place.order_keys
        call = scripts.FORGET.call([place.session, order, waiting], [FORGET_AFTER_MS, place.client])
        return [Request(place.host, call)], read_nothing

    # -- ordering -------------------------------------------------------------------------------

    def begin_ordered(
        self, delivery: ops.Delivery, reply_channel: str, order: int, owner: str
    ) -> Plan[ops.Turn]:
        """Plan: the Turn of message `order`; an early one is parked."""
        names.check_channel_name(reply_channel)
        request = self.begin_request(delivery, reply_channel, order, owner)
        (turn,) = yield [request]
        if check(turn) == b"early":
            parked = self._rules.codec.pack_value(
                [delivery.channel, delivery.attempts, delivery.content],
                "a parked message",
                f"parked {reply_channel}",
                is_ours=True,
            )
            (turn,) = yield [Request(request.host, (*request.command, parked))]
        turn = check(turn)
        if turn == b"stale":
            self._rules.drops.warn(
                delivery.channel,
                "stale",
                1,
                "message %s of socket %s was dropped: it ran before, or its socket was given up",
                order,
                reply_channel,
            )
            yield self._rules.count_requests(delivery.channel, "dropped", 1)
        if isinstance(turn, bytes):
            return ops.Turn(turn.decode())
        dropped, disconnect = turn[0], turn[1]
        yield from self._give_up(delivery.channel, reply_channel, dropped, disconnect)
        return ops.Turn.OVERFLOW

    def _give_up(
        self, channel: str, reply_channel: str, dropped: int, disconnect: bytes
    ) -> Plan[None]:
        """Plan: tell and count what is dropped with a socket that is given up; its parked
        disconnect, if there is one, runs now."""
        self._rules.drops.warn(
            channel,
            "overflow",
            dropped,
            "socket %s is given up: more than %d of its messages wait for their turn; they are "
            "dropped",
            reply_channel,
            ORDERED_BACKLOG,
        )
        yield self._rules.count_requests(channel, "dropped", dropped)
        if disconnect:
            requests, _ = self._returns.put_back_part(
                ops.PutBack(self.unpark(reply_channel, disconnect))
            )
            yield requests

    def begin_request(
        self, delivery: ops.Delivery, reply_channel: str, order: int, owner: str
    ) -> Request:
        """The Request that begins message `order`, if it is its turn."""
        place = self.place_of(reply_channel)
        args = [order, place.client, owner, ORDERED_BACKLOG, delivery.channel, SOCKET_STATE_TTL_MS]
        keys = [*place.order_keys, place.session]
        return Request(place.host, scripts.BEGIN.call(keys, args))

    def note_begin_request(
        self, delivery: ops.Delivery, reply_channel: str, order: int, owner: str
    ) -> Request:
        """The Request that writes down that message `order` runs, which is known to be the next.

        It does what begin.lua does, but for the life of the keys: they have one, as a message
        before this one has begun.
        """
        place = self.place_of(reply_channel)
        _, running, _ = place.order_keys
        entry = f"{owner} {order} {delivery.channel}"
        return Request(place.host, ("HSET", running, place.client, entry))

    def finish_part(
        self,
        operation: ops.FinishOrdered,
        row: Row | None = None,
    ) -> Part:
        """The part of a batch that ends an ordered message; its result is the one set free. In a
        Row it does not end before what it has sent to its socket went out."""
        place = self.place_of(operation.reply_channel)
        keys: tuple[str, ...] = place.order_keys
        args: tuple[Any, ...] = (operation.order, place.client, "done")
        channel = operation.reply_channel
        read: Callable[[list[Any]], Any] = functools.partial(self._read_parked, channel)
        if row is not None:
            keys, args = (*keys, row.mark), (*args, row.place)
            read = functools.partial(self._read_finished, channel)
        return [Request(place.host, scripts.FINISH.call(keys, args))], read

    def break_order(self, reply_channel: str) -> Plan[None]:
        """Plan: of a socket whose order is lost, only the disconnect may run, at once."""
        place = self.place_of(reply_channel)
        order, _, _ = place.order_keys
        read_nothing(
            (
                yield [
                    Request(place.host, ("HSETNX", order, "broken", "yes")),
                    Request(place.host, ("PEXPIRE", order, BROKEN_TTL_MS)),
                ]
            )
        )

    def release_part(self, operation: ops.ReleaseOrdered) -> Part:
        """The part of a batch that lets an ordered message, which is retried, begin again."""
        place = self.place_of(operation.reply_channel)
        args = [operation.order, place.client, "retry", *filter(None, [operation.owner])]
        call = scripts.FINISH.call(place.order_keys, args)
        return [Request(place.host, call)], read_nothing

    def reply_and_finish_parts(
        self, reply: ops.Send, finish: ops.FinishOrdered
    ) -> tuple[Part, Part]:
        """The two parts of a batch that send an ordered message's one reply and then end it."""
        place = self.place_of(finish.reply_channel)
        keys, args = self._sending.to_client(reply)
        call = scripts.REPLY_AND_FINISH.call(
            (*place.order_keys, *keys), (finish.order, place.client, *args)
        )
        request = Request(place.host, wire.sized(call, len(reply.payload)))
        answer: list[Any] = []

        def read_sent(replies: list[Any]) -> Any:
            answer[:] = replies
            sent = check(replies[0])[0]
            return _tell_ended(finish) if sent == -4 else self._sending.read_sent(reply, sent)

        def read_finished(_: list[Any]) -> Any:
            _, *freed = check(answer[0])
            return self._read_finished(finish.reply_channel, freed or [-3])

        return ([request], read_sent), ([], read_finished)

    def _read_finished(self, channel: str, replies: Sequence[Any]) -> Any:
        if replies[0] == -3:
            return HeldBack(channel, 0, self._rules.get_capacity(channel))
        return self._read_parked(channel, replies)

    def _read_parked(self, channel: str, replies: Sequence[Any]) -> ops.Delivery | None:
        parked = check(replies[0])
        return self.unpark(channel, parked) if parked else None

    def unpark(self, reply_channel: str, parked: bytes) -> ops.Delivery:
        """The Delivery in a parked message."""
        channel, attempts, content = self._rules.codec.unpack_value(
            parked, f"parked {reply_channel}"
        )
        return ops.Delivery(channel, content, attempts)


def _tell_ended(finish: ops.FinishOrdered) -> None:
    logger.info(
        "the answer to message %s of socket %s is not sent: it was sent before, or the message was "
        "taken for lost with its worker, and the socket has gone on",
        finish.order,
        finish.reply_channel,
    )
