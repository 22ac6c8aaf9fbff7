"""What an interface server holds of a Redis layer: see `channels.layers.base.ServerLink`.

It is made of parts: signs of life (heartbeat.py), what is done for open sockets (upkeep.py), how
replies come in (replies.py), and how frames (frames.py) and disconnects (disconnects.py) get out.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from channels.exceptions import ChannelsError, LayerUnavailable, PrefixTaken
from channels.layers.contract import OnSent
from channels.layers.operations import Send, raise_refusal
from channels.layers.redis.ordering.stuck import Stuck
from channels.layers.redis.presence.disconnects import Disconnects
from channels.layers.redis.presence.frames import FrameLink
from channels.layers.redis.presence.heartbeat import Heartbeat
from channels.layers.redis.presence.own_server import OwnServer
from channels.layers.redis.presence.replies import ReplyReader
from channels.layers.redis.presence.rollback import Rollbacks
from channels.layers.redis.presence.upkeep import Upkeep
from channels.layers.redis.queues.sending import Sending
from channels.layers.redis.transport.aio import AsyncDriver
from channels.layers.redis.transport.hosts import Host
from channels.layers.redis.transport.lane import SentFrames
from channels.metrics import hooks

if TYPE_CHECKING:
    from channels.layers.redis.layer import RedisChannelLayer

logger = logging.getLogger("channels.layers")

#: A client is remembered as gone for this long; a sender notices within its next message.
GONE_FOR_S = 120.0


class RedisServerLink(FrameLink):
    """Reads the reply queues in batches, beats, and sends."""

    def __init__(
        self,
        layer: "RedisChannelLayer",
        hosts: Sequence[Host],
        server_id: str,
        on_reply: Callable[[list[str], dict[str, Any]], None],
        on_lost: Callable[[], None],
    ) -> None:
        sockets, registry = layer.sockets, layer.registry
        guardian = layer.make_guardian()
        self._registry, self._on_lost = registry, on_lost
        server = OwnServer(server_id, hosts, layer.keyspace)
        rules = layer.rules.at_home(lambda: server.id)
        sending = Sending(rules, layer.acknowledged, layer.traffic)
        self._presence = layer.make_presence(guardian, sending)
        self._disconnects = Disconnects(server, self._presence, sending, sockets, guardian)
        sent = SentFrames(rules.get_expiry("websocket.receive"))
        self._upkeep = upkeep = Upkeep(
            server,
            self._presence,
            sockets,
            guardian=guardian,
            stuck=Stuck(rules, sent),
            sent=sent,
            rollbacks=Rollbacks(rules, layer.traffic),
            disconnects=self._disconnects,
            on_reply=on_reply,
        )
        super().__init__(server, rules, sending, sent, upkeep.close_since)
        self._heartbeat = self._make_heartbeat(layer)
        self._replies = ReplyReader(
            server, self._presence, rules, on_reply, self._heartbeat.move_if_host_is_away
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._reading: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Future[None]] = set()

    def _make_heartbeat(self, layer: "RedisChannelLayer") -> Heartbeat:
        upkeep = self._upkeep
        return Heartbeat(
            self._server,
            self._presence,
            self._registry,
            layer.prefix,
            layer.drops,
            self._sent,
            chores=[upkeep.find_lost_sockets, upkeep.look_after_sockets, upkeep.renew_sockets],
            begin_anew=self._begin_anew,
            on_loss=upkeep.close_since,
        )

    @property
    def server_id(self) -> str:  # type: ignore[override]
        return self._server.id

    @property
    def refusal(self) -> PrefixTaken | None:  # type: ignore[override]
        return self._server.refusal

    @property
    def is_available(self) -> bool:
        return self._server.is_available

    # -- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        if self._server.driver is None:
            self._server.driver = AsyncDriver(self._server.hosts)
            self._disconnects.start()
            self._start_reading()
            self._tasks = [
                asyncio.ensure_future(self._heartbeat.beat_forever()),
                asyncio.ensure_future(self._replies.promote_forever()),
                asyncio.ensure_future(self._upkeep.look_after_forever()),
            ]

    async def stop(self) -> None:
        driver = self._server.driver
        if driver is None:
            return
        tasks = [task for task in (*self._tasks, self._reading, *self._leaving) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._disconnects.end()
        self.end_frames()
        try:
            await driver.run(self._presence.leave(self._server.id))
        except LayerUnavailable:
            logger.warning(
                "the server could not say goodbye, as Redis is unreachable: other servers will "
                "notice within 40 s and run its disconnects"
            )
        await driver.close()
        self._server.driver = None

    def _start_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._reading = asyncio.ensure_future(self._replies.read_forever())

    def _begin_anew(self, server_id: str) -> None:
        """Be a server that the layer knows nothing of."""
        hooks.meter.link_restarted()
        self._server.id = server_id
        self._server.forget_sockets()
        self._start_reading()
        self._tasks.append(asyncio.ensure_future(self._heartbeat.beat_once_more()))
        self._on_lost()

    # -- sending --------------------------------------------------------------------------------

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        operation = self._sending.pack(channel, message)
        post = self._sending.post(operation)
        driver = self._server.driver
        if post is None or driver is None or self._server.refusal is not None:
            await self._server.run_for_clients(self._sending.send(operation))
            return
        (reply,) = await driver.post(post)
        raise_refusal(self._sending.read_sent(operation, reply))

    def post(self, channel: str, message: dict[str, Any], done: OnSent) -> None:
        try:
            operation = self._sending.pack(channel, message)
        except ChannelsError as error:
            done(error)
            return
        post, driver = self._sending.post(operation), self._server.driver
        if post is None or driver is None or self._server.refusal is not None:
            super().post(channel, message, done)
        else:
            driver.post_and_tell(post, lambda reply: done(self._error_of(operation, reply)))

    def _error_of(self, operation: Send, reply: Any) -> Exception | None:
        """What a reply says has become of a Send: None if it was sent."""
        try:
            return self._sending.read_sent(operation, reply)
        except LayerUnavailable as error:
            return error

    async def open_socket(self, client: str, message: dict[str, Any]) -> None:
        operation = self._sending.pack("websocket.connect", message)
        server, facts = self._server, {"path": message.get("path", "")}
        channel = server.socket_channel(client)
        if message.get("reply_channel", channel) != channel:
            # Its answers would go to the queue of an id that the layer has forgotten.
            raise LayerUnavailable("the layer has forgotten this server", was_sent=False)
        server.note_connecting(client)
        try:
            await server.run_for_clients(
                self._presence.open_socket(server.id, client, operation, facts)
            )
        except BaseException as error:
            server.note_closed(client)
            # While Redis is away, nobody may drive out those that it had before.
            if getattr(error, "was_sent", True):
                self._disconnects.note_forgotten(server.id, client)
            raise
        server.sockets.add(client)

    def note_accepted(self, client: str) -> None:
        if self._server.note_accepted(client):
            self._upkeep.close_soon([client])

    async def close_socket(
        self, client: str, message: dict[str, Any], channel: str = "websocket.disconnect"
    ) -> None:
        await self._disconnects.send(client, message, channel)

    async def worker_ages_s(self) -> dict[str, float] | None:
        ages_s: dict[str, float] = await self._server.run(self._registry.ages_s("workers"))
        return ages_s

    # -- flow control -----------------------------------------------------------------------------

    def hold(self, client: str) -> None:
        self._set_state(client, "hold")

    def resume(self, client: str) -> None:
        self._set_state(client, None)

    def mark_gone(self, client: str) -> None:
        self._set_state(client, "gone")
        asyncio.get_running_loop().call_later(GONE_FOR_S, self._set_state, client, None)
        task = asyncio.ensure_future(self._leave_groups(client))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _leave_groups(self, client: str) -> None:
        try:
            await self._server.run(self._presence.leave_groups(self._server.id, client))
        except LayerUnavailable as error:  # its memberships expire
            logger.debug("a client that has left may still be in groups: %s", error)

    def _set_state(self, client: str, state: str | None) -> None:
        for request in self._presence.set_state_requests(self._server.id, client, state):
            self._server.submit(request)
