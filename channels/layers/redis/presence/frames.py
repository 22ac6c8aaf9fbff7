"""How an interface server sends the frames of its sockets: each takes effect once."""

import asyncio
import functools
from collections.abc import Callable, Sequence
from typing import Any

from channels.exceptions import ChannelFull, ChannelsError, LayerUnavailable
from channels.layers.contract import ServerLink
from channels.layers.names import random_suffix
from channels.layers.redis.presence.own_server import OwnServer
from channels.layers.redis.queues import scripts
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.queues.sending import Sending, Way
from channels.layers.redis.transport.aio import AsyncDriver
from channels.layers.redis.transport.lane import Lane, NoRoom, SentFrame, SentFrames
from channels.layers.redis.transport.plans import Request
from channels.layers.redis.transport.wire import Command
from channels.messages import WebsocketReceive

#: Where frames go.
CHANNEL = "websocket.receive"
#: Redis knows the number of a server's latest batch for so long. After that, nothing of what was
#: sent before can be on its way any more.
BATCH_TTL_MS = 86_400_000

#: Done when the layer has taken a frame.
FrameFuture = asyncio.Future[None]
#: What a lane keeps with a message: who waits for it to be taken, and what it is.
Token = tuple[FrameFuture, SentFrame]


class FrameLink(ServerLink):
    """The part of a link that sends frames: in numbered batches, one at a time to each host.

    `on_loss(since_s)` is called when Redis has lost its last moments, with when the first frame
    that is lost was taken. What was taken is kept in `sent`.
    """

    def __init__(
        self,
        server: OwnServer,
        rules: Rules,
        sending: Sending,
        sent: SentFrames,
        on_loss: Callable[[float], None],
    ) -> None:
        self._server, self._rules, self._sending = server, rules, sending
        self._sent, self._on_loss = sent, on_loss
        #: By host, with what wakes its connection. With the driver comes a new name, as the numbers
        #: begin anew.
        self._lanes: dict[int, tuple[Lane[Token], Callable[[], None]]] = {}
        self._keys: dict[int, str] = {}
        self._driver: AsyncDriver | None = None
        self._name = ""

    def send_frame(self, message: WebsocketReceive) -> FrameFuture:
        way = self._sending.way_to(CHANNEL)
        if way is None:  # it is acknowledged: the frame goes to a stream
            return super().send_frame(message)
        driver = self._server.driver
        if driver is None or self._server.refusal is not None:
            reason = str(self._server.refusal or "the link to Redis has been stopped")
            return _failed(LayerUnavailable(reason, was_sent=False))
        taken: FrameFuture = driver.loop.create_future()
        try:
            payload = self._rules.codec.pack_message(message, CHANNEL, is_ours=True)
        except ChannelsError as error:
            taken.set_exception(error)
            return taken
        if driver is not self._driver:
            self._driver, self._lanes, self._keys = driver, {}, {}
            self._name = random_suffix()
        host = self._sending.host_for(way)
        if host not in self._lanes:
            self._open_lane(driver, host, way)
        lane, wake = self._lanes[host]
        client = message["reply_channel"].partition("!")[2]
        lane.add(payload, (taken, (client, message["order"], payload)))
        wake()
        return taken

    def _open_lane(self, driver: AsyncDriver, host: int, way: Way) -> None:
        key = self._keys[host] = self._rules.keyspace.batch(way.keys.tag, self._name)
        head = scripts.SEND_BATCH.call((*way.queue_keys, key), (*way.args, str(BATCH_TTL_MS)))
        lane: Lane[Token] = Lane(functools.partial(_batch_command, head))
        wake = driver.add_lane(host, lane, functools.partial(self._note_reply, lane))
        self._lanes[host] = lane, wake

    def end_frames(self) -> None:
        """The server stops: send no frame any more, and leave nothing behind."""
        for lane, _ in self._lanes.values():
            for taken, _ in lane.give_up():
                if not taken.done():
                    taken.set_exception(LayerUnavailable("the server has been stopped"))
        for host, key in self._keys.items():
            self._server.submit(Request(host, ("DEL", key)))
        self._lanes, self._keys, self._driver = {}, {}, None

    def _note_reply(self, lane: Lane[Token], reply: Any) -> None:
        now_s = asyncio.get_running_loop().time()
        frames = []
        for (taken, frame), fate in lane.note_reply(reply, now_s):
            if fate is None:
                frames.append(frame)
                if not taken.done():
                    taken.set_result(None)
            elif not taken.done():
                taken.set_exception(self._refusal(fate))
        if frames:
            self._sent.add(frames, now_s)
        if lane.expired:
            self._rules.tell_expired(CHANNEL, lane.expired)
            lane.expired = 0
        if lane.lost_since_s is not None:
            since_s, lane.lost_since_s = lane.lost_since_s, None
            self._on_loss(since_s)

    def _refusal(self, fate: NoRoom | LayerUnavailable) -> Exception:
        if isinstance(fate, NoRoom):
            return ChannelFull(CHANNEL, fate.length, self._rules.get_capacity(CHANNEL))
        return fate


def _batch_command(head: Command, number: int, before: int, rests: Sequence[bytes]) -> Command:
    return (*head, number, before, *rests)


def _failed(error: Exception) -> FrameFuture:
    future: FrameFuture = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    return future
