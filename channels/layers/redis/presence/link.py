"""What an interface server holds of a Redis layer: see `channels.layers.base.ServerLink`."""

import asyncio
import contextlib
import logging
import math
import time

from channels.exceptions import ChannelFull, LayerUnavailable, PrefixTaken
from channels.layers import names
from channels.layers.base import ServerLink
from channels.layers.codec import UndecodableMessage
from channels.layers.redis.ordering.guardian import Guardian
from channels.layers.redis.presence.presence import (
    BEAT_EVERY_S,
    DRAIN_BYTES,
    DRAIN_MESSAGES,
    Presence,
    Watch,
)
from channels.layers.redis.presence.rush import Rush
from channels.layers.redis.queues import envelope as envelopes
from channels.layers.redis.queues import scripts
from channels.layers.redis.transport.aio import AsyncConnection, AsyncDriver
from channels.layers.redis.transport.hosts import COMMAND_TIMEOUT_S
from channels.layers.redis.transport.plans import check
from channels.startup.identity import describe_process

logger = logging.getLogger("channels.layers")

#: Between two tries to send a disconnect whose channel is full or away.
DISCONNECT_RETRY_S = (0.05, 2.0)
#: A server waits for replies in one go for so long: for so much longer than for any command it may
#: not know that its host is silent. With several hosts, where it can move to another: the second.
READ_FOR_S = (3.0, 1.5)
#: With several hosts: the disconnect of a socket waits this long for the host that knows its order
#: and its session, to run as if nothing had been; then it runs without.
ORDER_PATIENCE_S = 30.0
#: With several hosts: a server whose own one is away for this long moves to another.
MOVE_AFTER_S = 2.0
#: Between two tries to look at delayed replies, while that fails.
PROMOTE_RETRY_S = 1.0
#: What a socket is closed with whose next message is lost: "Internal Error" (RFC 6455, 7.4.1).
CLOSE_LOST = 1011
#: What a socket is closed with that the layer has forgotten: "Service Restart" (IANA's registry).
CLOSE_RESTART = 1012
#: A client is remembered as gone for this long; a sender notices within its next message.
GONE_FOR_S = 120.0
#: What open sockets keep in the layer is renewed this often, well before it would expire.
RENEW_EVERY_S = 21_600.0


class RedisServerLink(ServerLink):
    """Reads the reply queues in batches, beats, and sends."""

    def __init__(self, layer, hosts, server_id, on_reply, on_lost):
        self.server_id = server_id
        self._core, self._sockets, self._hosts = layer.core, layer.sockets, hosts
        self._registry, self._prefix = layer.registry, layer.prefix
        self._guardian = Guardian(layer.core, layer.sockets, layer.registry)
        self._presence = Presence(
            layer.core, layer.groups, layer.sockets, self._guardian, layer.registry
        )
        self._watch = Watch()
        self._on_reply, self._on_lost = on_reply, on_lost
        self._driver = None
        self._tasks = []
        self._closing, self._is_leaving = set(), asyncio.Event()
        self._leaving = set()
        self._has_neighbours_checked = False
        #: The number of the latest beat, and of the latest one that was answered.
        self._beats = self._beats_answered = 0
        #: The sockets that the layer has a record of, unless it lost some when it was away.
        self._open = set()
        self._was_away, self._is_back = False, asyncio.Event()
        #: There may be replies that are delayed.
        self._is_woken = asyncio.Event()
        self._started = time.time()
        self._renew_at = time.monotonic() + RENEW_EVERY_S

    # -- life ---------------------------------------------------------------------------------

    async def start(self):
        if self._driver is None:
            self._driver = AsyncDriver(self._hosts)
            self._is_leaving.clear()
            loop = asyncio.get_running_loop()
            self._tasks = [
                loop.create_task(self._beat_forever()),
                loop.create_task(self._read_forever()),
                loop.create_task(self._promote_forever()),
            ]

    async def stop(self):
        if self._driver is None:
            return
        tasks = [*self._tasks, *self._leaving]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._end_closing()
        try:
            await self._driver.run(self._presence.leave(self.server_id))
        except LayerUnavailable:
            logger.warning("left without a word: Redis is away; others will notice")
        await self._driver.close()
        self._driver = None

    async def _end_closing(self):
        """Let each disconnect be tried a last time; what is left then is made up for by others."""
        if not self._closing:
            return
        self._is_leaving.set()
        tasks = list(self._closing)
        _, waiting = await asyncio.wait(tasks, timeout=COMMAND_TIMEOUT_S)
        for task in waiting:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        left = sum(is_sent is not True for is_sent in ended)
        if left:
            logger.warning(
                "left with %d of %d disconnects unsent, as their channel is full or away: others "
                "make up for them",
                left,
                len(tasks),
            )

    @property
    def is_available(self):
        return self.refusal is None and not any(host.health.is_down for host in self._hosts)

    async def _beat_forever(self):
        while True:
            try:
                await self._beat()
                await self._find_lost_sockets()
                await self._look_after_sockets()
                await self._renew_sockets()
                self._core.drops.sum_up()
            except LayerUnavailable as error:
                logger.debug("no sign of life could be given: %s", error)
                self._move_if_host_is_away()
                await asyncio.sleep(self._host.health.retry_in_s or 0.05)
                continue
            except PrefixTaken:
                pass  # which was told
            except Exception:
                logger.exception("giving a sign of life failed; trying again")
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._is_back.wait(), BEAT_EVERY_S)
            self._is_back.clear()

    async def _beat(self):
        facts = {**describe_process(), "started": self._started}
        if not self._has_neighbours_checked:
            await self._check_neighbours(facts["project"])
        server_id, self._beats = self.server_id, self._beats + 1
        number = self._beats
        plan = self._presence.beat(server_id, facts, number, self._beats_answered)
        known, dead = await self._driver.run(plan)
        if server_id != self.server_id:
            return
        if not known:
            self._forget_everything()
            return
        self._beats_answered = max(self._beats_answered, number)
        knows_who_lives = self._watch.note(time.monotonic())
        for server_id in dead if knows_who_lives else ():
            count = await self._driver.run(self._presence.bury(server_id))
            if count is not None:
                logger.warning(
                    "interface server %s is dead: %d disconnects made up for it", server_id, count
                )

    async def _check_neighbours(self, project):
        """Serve nobody as long as processes of another project live under our prefix."""
        try:
            await self._driver.run(self._registry.check_neighbours(self._prefix, project))
        except PrefixTaken as error:
            if self.refusal is None:
                logger.error("%s. Until then, requests and new sockets get 503", error)
            self.refusal = error
            raise
        except LayerUnavailable as error:  # of several hosts, that of the registry may be away
            logger.debug("who else uses the layer is not known: %s", error)
            return
        self._has_neighbours_checked = True
        if self.refusal is not None:
            logger.warning("the prefix %r is free", self._prefix)
        self.refusal = None

    async def _find_lost_sockets(self):
        """Close the sockets that the layer has forgotten: it was away and came back with data from
        before they were opened, so that they are in no group and could join none."""
        if not self._was_away:
            return
        self._was_away = False
        try:
            await self._close_unknown_sockets()
        except LayerUnavailable:
            self._was_away = True
            raise

    async def _close_unknown_sockets(self):
        unknown = self._presence.find_unknown(self.server_id, list(self._open))
        lost = await self._driver.run(unknown)
        lost = [client for client in lost if client in self._open]
        if not lost:
            return
        logger.error(
            "the layer has forgotten %d sockets of this server: they are closed with 1012",
            len(lost),
        )
        for client in lost:
            channel = self.reply_channel("websocket.send", client)
            await self._driver.run(self._sockets.break_order(channel))
        self._on_reply(lost, {"close": CLOSE_RESTART})

    async def _look_after_sockets(self):
        """Bring on ordered sockets whose worker died, or whose next message is lost."""
        plan = self._guardian.look_after(self.server_id, time.monotonic())
        try:
            for client in await self._driver.run(plan):
                self._on_reply([client], {"close": CLOSE_LOST})
        except LayerUnavailable as error:
            logger.debug("ordered sockets can't be looked after: %s", error)

    async def _renew_sockets(self):
        """Let nothing expire that belongs to sockets which are open, but silent."""
        if time.monotonic() >= self._renew_at:
            await self._driver.run(self._presence.renew(self.server_id))
            self._renew_at = time.monotonic() + RENEW_EVERY_S

    def _forget_everything(self):
        """The layer lost our state, so every socket is cut off from its groups: begin anew."""
        logger.error("the layer has forgotten this server: its sockets are closed with 1012")
        self._begin_anew(names.random_suffix())

    def _move_if_host_is_away(self):
        """With several hosts: be a new server on one that is there, if our own one stays away."""
        if self._host.health.down_for_s < MOVE_AFTER_S:
            return
        if all(host.health.is_down for host in self._hosts):
            return
        logger.error(
            "Redis at %s, which this server's replies come from, is away for %.0f s: the server "
            "moves to another host; its sockets are closed with 1012",
            self._host.name,
            self._host.health.down_for_s,
        )
        host_of = self._core.keyspace.host_of
        ids = iter(names.random_suffix, None)
        self._begin_anew(next(i for i in ids if not self._hosts[host_of(i)].health.is_down))

    def _begin_anew(self, server_id):
        self.server_id = server_id
        self._beats_answered = 0
        self._open.clear()
        self._restart_reading()
        self._tasks.append(asyncio.ensure_future(self._beat_once_more()))
        self._on_lost()

    async def _beat_once_more(self):
        try:
            await self._beat()
        except (LayerUnavailable, PrefixTaken) as error:
            logger.debug("no sign of life could be given: %s", error)

    # -- replies --------------------------------------------------------------------------------

    @property
    def _host(self):
        return self._hosts[self._host_number]

    @property
    def _host_number(self):
        return self._core.keyspace.host_of(self.server_id)

    def _restart_reading(self):
        self._tasks[1].cancel()
        self._tasks[1] = asyncio.ensure_future(self._read_forever())

    async def _read_forever(self):
        while True:
            try:
                connection = await AsyncConnection(self._host).open()
                if self._was_away:
                    self._is_back.set()
                self._is_woken.set()
                await self._read_with(connection)
            except LayerUnavailable as error:
                self._was_away = True
                logger.debug("replies can't be read: %s", error)
                self._move_if_host_is_away()
                await asyncio.sleep(self._host.health.retry_in_s or 0.01)
            except Exception:
                logger.exception("reading replies failed; trying again")
                await asyncio.sleep(1.0)

    async def _read_with(self, connection):
        """Wait for a first reply, and take with it, in the same round trip, what else is there."""
        keys = self._presence.queues(self.server_id)
        queues = [key.queue for key in keys]
        block_s = READ_FOR_S[len(self._hosts) > 1]
        pop = ("BLPOP", *queues, block_s)
        drain = scripts.DRAIN.call(queues, [DRAIN_MESSAGES, DRAIN_BYTES])
        rush = Rush()
        try:
            while True:
                popped, drained = await connection.exchange([pop, drain], block_s)
                drained = check(drained)
                self._note_expired(keys, drained[: len(keys)])
                found = [popped[1]] if check(popped) else []
                clients = self._hand_out([*found, *drained[len(keys) :]], self.server_id)
                pause_s = rush.note(clients, time.monotonic())
                if pause_s:
                    await asyncio.sleep(pause_s)
        finally:
            await connection.close()

    async def _promote_forever(self):
        """Let replies that are delayed come when they are due."""
        wait_s = None
        while True:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._is_woken.wait(), wait_s)
            self._is_woken.clear()
            try:
                wait_s = await self._driver.run(self._presence.promote(self.server_id))
            except LayerUnavailable as error:
                logger.debug("delayed replies can't be looked at: %s", error)
                wait_s = PROMOTE_RETRY_S
            except Exception:
                logger.exception("looking at delayed replies failed; trying again")
                wait_s = PROMOTE_RETRY_S

    def _hand_out(self, found, where):
        """Hand replies to the clients they are for; return the (first) client of each."""
        clients = []
        for data in found:
            if envelopes.kind_of(data) == envelopes.WAKE:
                self._is_woken.set()
                continue
            try:
                envelope = envelopes.parse(data)
                message = self._core.codec.unpack_message(envelope.body)
            except (envelopes.MalformedEnvelope, UndecodableMessage) as error:
                self._core.drops.error(
                    where,
                    "undecodable",
                    1,
                    "a reply on %s was dropped: it can't be read: %s",
                    where,
                    error,
                )
                self._count("undecodable", 1)
                continue
            clients += envelope.clients[:1]
            try:
                self._on_reply(envelope.clients, message)
            except Exception:
                logger.exception("a reply could not be handed to %s", envelope.clients)
        return clients

    def _note_expired(self, keys, counts):
        for key, count in zip(keys, counts, strict=True):
            if count:
                self._core.drops.warn(
                    key.name,
                    "expired",
                    count,
                    "%d replies on %s expired before they could be read",
                    count,
                    key.name,
                )
                self._count("expired", count, key)

    def _count(self, reason, count, key=None):
        key = key or self._presence.queues(self.server_id)[0]
        for request in self._core.count_requests(key.name, reason, count):
            self._submit(request)

    def _submit(self, request):
        """Run a request and ignore its fate."""
        self._driver.submit(request)

    # -- sending --------------------------------------------------------------------------------

    async def send(self, channel, message):
        operation = self._core.pack_send(channel, message)
        post = self._core.post(operation)
        if post is None or self._driver is None or self.refusal is not None:
            await self._run(self._core.send(operation))
            return
        (reply,) = await self._driver.post(post)
        refusal = self._core.read_sent(operation, reply)
        if refusal is not None:
            raise refusal

    async def _run(self, plan):
        if self._driver is None:
            raise LayerUnavailable("the link to Redis has been stopped", was_sent=False)
        if self.refusal is not None:
            raise LayerUnavailable(str(self.refusal), was_sent=False)
        return await self._driver.run(plan)

    async def open_socket(self, client, message):
        operation = self._core.pack_send("websocket.connect", message)
        facts = {"path": message.get("path", "")}
        await self._run(self._presence.open_socket(self.server_id, client, operation, facts))
        self._open.add(client)

    async def close_socket(self, client, message):
        self._open.discard(client)
        task = asyncio.ensure_future(self._close_socket(self.server_id, client, message))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        await asyncio.shield(task)

    async def _close_socket(self, server_id, client, message):
        """Returns whether the disconnect was sent: it is not if the server stops before."""
        operation = self._core.pack_send("websocket.disconnect", message)
        reply_channel, is_sent, is_broken = message.get("reply_channel"), False, True
        try:
            if reply_channel and reply_channel != self.reply_channel("websocket.send", client):
                # The layer has lost all it knew of us under an old id, and so whose turn it is.
                server_id = self._core.keyspace.queue(reply_channel).tag
                is_broken = await self._break_order(reply_channel)
            await self._insist(lambda: self._core.send(operation))
            is_sent = True
            if not is_broken:
                await self._insist(lambda: self._sockets.break_order(reply_channel))
                # It may have come meanwhile, and wait for its turn.
                await self._insist(lambda: self._guardian.give_up(server_id, client))
            await self._insist(lambda: self._presence.forget_socket(server_id, client))
        except (ChannelFull, LayerUnavailable) as error:
            logger.debug("a disconnect of %s was not completed: %s", reply_channel, error)
        return is_sent

    async def _break_order(self, reply_channel):
        """Let nothing but a socket's disconnect run; returns whether it is so. If the server has
        moved off the host that has the order, that is not waited for any longer than need be."""
        has_moved = self._sockets.place_of(reply_channel).host != self._host_number
        patience_s = ORDER_PATIENCE_S if has_moved else math.inf
        try:
            await self._insist(lambda: self._sockets.break_order(reply_channel), patience_s)
        except LayerUnavailable:
            if not has_moved:
                raise
            return False
        return True

    async def _insist(self, make_plan, patience_s=math.inf):
        """Run a plan until neither a full channel nor an absent Redis stops it, or `patience_s`
        are over; when the server stops, once more."""
        pause_s, longest_s = DISCONNECT_RETRY_S
        ends_at = time.monotonic() + patience_s
        while True:
            is_last = self._is_leaving.is_set() or time.monotonic() >= ends_at
            try:
                return await self._driver.run(make_plan())
            except (ChannelFull, LayerUnavailable) as error:
                if is_last:
                    raise
                logger.debug("a disconnect waits: %s", error)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._is_leaving.wait(), pause_s)
            pause_s = min(pause_s * 2, longest_s)

    # -- flow control -----------------------------------------------------------------------------

    def hold(self, client):
        self._set_state(client, "hold")

    def resume(self, client):
        self._set_state(client, None)

    def mark_gone(self, client):
        self._set_state(client, "gone")
        asyncio.get_running_loop().call_later(GONE_FOR_S, self._set_state, client, None)
        task = asyncio.ensure_future(self._leave_groups(client))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _leave_groups(self, client):
        try:
            await self._run(self._presence.leave_groups(self.server_id, client))
        except LayerUnavailable as error:  # its memberships expire
            logger.debug("a client that has left may still be in groups: %s", error)

    def _set_state(self, client, state):
        if self._driver is not None:
            for request in self._presence.set_state_requests(self.server_id, client, state):
                self._submit(request)
