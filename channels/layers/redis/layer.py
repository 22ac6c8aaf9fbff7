"""The Redis channel layer: its verbs, each one line over a plan and a driver."""

import asyncio
import itertools
import logging
import os
import secrets
import time
import weakref
from collections.abc import Callable

from channels.layers import names
from channels.layers import operations as ops
from channels.layers.base import MAX_MESSAGE_BYTES, BaseChannelLayer
from channels.layers.codec import Codec
from channels.layers.redis.acknowledged.channels import Acknowledged
from channels.layers.redis.groups.membership import Groups
from channels.layers.redis.inspection.dead_letters import DeadLetters
from channels.layers.redis.inspection.statistics import Statistics
from channels.layers.redis.inspection.status import Status
from channels.layers.redis.keys import Keyspace
from channels.layers.redis.ordering.guardian import Guardian
from channels.layers.redis.ordering.sockets import Sockets
from channels.layers.redis.presence.housekeeping import Housekeeping
from channels.layers.redis.presence.link import RedisServerLink
from channels.layers.redis.presence.presence import Presence
from channels.layers.redis.presence.registry import Registry
from channels.layers.redis.presence.worker_link import RedisWorkerLink
from channels.layers.redis.queues.core import Core, Row
from channels.layers.redis.queues.cursor import Cursor
from channels.layers.redis.reader import RedisReader
from channels.layers.redis.transport.aio import AsyncDriver
from channels.layers.redis.transport.hosts import BLOCK_S, Host, parse_hosts
from channels.layers.redis.transport.plans import raise_if_all_are_away
from channels.layers.redis.transport.sentinel import SentinelHost, find_services, parse_sentinels
from channels.layers.redis.transport.sync import SyncDriver
from channels.messages import Content
from channels.startup.identity import project_marks

logger = logging.getLogger("channels.layers")

#: Put before every key, as asgi_redis 1.x did. Two projects on one Redis need two prefixes.
PREFIX = "asgi:"


class RedisChannelLayer(BaseChannelLayer):
    """A channel layer over one or more Redis (or Valkey) servers, version 6.2 or later.

    Args:
        hosts: a list of URLs (redis://, rediss://, unix://) or (host, port) pairs; default
            localhost:6379. With several, queues and groups are spread over them.
        prefix: put before every key; at least one of two projects on one Redis must set it.
        symmetric_encryption_keys: a list; the first encrypts messages, all decrypt them.
        connection_kwargs: passed on to redis-py's connections (`password`, `ssl_ca_certs`, ...).
        stats_prefix: of asgi_redis 1.x; has no effect, as statistics lie below `prefix`.
        expiry, group_expiry, capacity, channel_capacity, channel_expiry: see BaseChannelLayer.
    """

    extensions = (
        "groups",
        "flush",
        "statistics",
        "async",
        "delay",
        "sessions",
        "ordering",
        "presence",
        "acknowledged",
        "status",
    )
    is_local = False

    def __init__(
        self,
        *,
        hosts=None,
        prefix=PREFIX,
        symmetric_encryption_keys=(),
        connection_kwargs=None,
        stats_prefix=None,
        **config,
    ):
        super().__init__(**config)
        if not isinstance(prefix, str) or "{" in prefix or "}" in prefix:
            raise ValueError(f"prefix must be a string without braces, got {prefix!r}")
        self.prefix = prefix
        self._hosts = self._make_hosts(hosts, connection_kwargs or {})
        keyspace = Keyspace(prefix, len(self._hosts))
        self.codec = Codec(MAX_MESSAGE_BYTES, symmetric_encryption_keys)
        self.core = Core(keyspace, self.codec, self, self._pick_host)
        self.core.acknowledged = Acknowledged(self.core, self.get_acknowledgement)
        self.groups = Groups(self.core, self.group_expiry)
        self.sockets = Sockets(self.core)
        self.registry = Registry(self.core)
        guardian = Guardian(self.core, self.sockets, self.registry)
        self.presence = Presence(self.core, self.groups, self.sockets, guardian, self.registry)
        self.statistics = Statistics(self.core)
        self._status = Status(self.core, self.registry, self.statistics)
        self._dead_letters = DeadLetters(self.core, self.statistics.scan_names)
        self._housekeeping = Housekeeping(self.core, self.presence, self.registry)
        self._sync = SyncDriver(self._hosts)
        self._async = weakref.WeakKeyDictionary()
        #: What the marks of its pipelines are called: no two alike, even after a fork.
        self._mark, self._marks = secrets.token_hex(4), itertools.count()
        self._parts = self._make_parts()

    def _make_parts(self):
        """What makes the part of a batch, by the kind of its operation."""
        return {
            ops.Send: self.core.send_part,
            ops.Retry: self.core.retry_part,
            ops.PutBack: self.core.put_back_part,
            ops.DeadLetter: self._dead_letters.bury_part,
            ops.Done: self.core.done_part,
            ops.Drop: self.core.drop_part,
            ops.SaveSession: self.sockets.save_part,
            ops.ForgetSocket: self.sockets.forget_part,
            ops.FinishOrdered: self.sockets.finish_part,
            ops.ReleaseOrdered: self.sockets.release_part,
        }

    def _make_hosts(self, hosts, connection_kwargs):
        urls = parse_hosts(hosts)
        return [Host(url, connection_kwargs, has_others=len(urls) > 1) for url in urls]

    def _pick_host(self, ranking):
        """The first host of `ranking` that is not known to be away."""
        return next((host for host in ranking if not self._is_down(host)), ranking[0])

    def _is_down(self, host):
        return self._hosts[host].health.is_down

    def _aio(self):
        loop = asyncio.get_running_loop()
        driver = self._async.get(loop)
        if driver is None:
            driver = self._async[loop] = AsyncDriver(self._hosts)
        return driver

    # -- channels -----------------------------------------------------------------------------

    def send(self, channel, message, delay_s=0.0):
        self._sync.run(self.core.send(self.prepare_send(channel, message, delay_s)))

    async def asend(self, channel, message, delay_s=0.0):
        await self._aio().run(self.core.send(self.prepare_send(channel, message, delay_s)))

    def receive(self, channels, block=False):
        channels = self.check_receive_names(channels)
        while True:
            plan = self.core.receive(channels, BLOCK_S if block else 0.0, time.monotonic())
            channel, message = self._sync.run(plan)
            if channel is not None or not block:
                return channel, message

    async def areceive(self, channels, block=False):
        channels = self.check_receive_names(channels)
        block_s = BLOCK_S if block else 0.0

        def make_plan():
            return self.core.receive(channels, block_s, time.monotonic())

        return await self._aio().receive(make_plan, self.core.put_back, block)

    # -- groups -------------------------------------------------------------------------------

    def group_add(self, group, channel):
        self._sync.run(self.groups.add(group, channel))

    async def agroup_add(self, group, channel):
        await self._aio().run(self.groups.add(group, channel))

    def group_discard(self, group, channel):
        self._sync.run(self.groups.discard(group, channel))

    async def agroup_discard(self, group, channel):
        await self._aio().run(self.groups.discard(group, channel))

    def group_discard_all(self, channel):
        """Take `channel` out of every group it is in; return their names."""
        return self._sync.run(self.groups.discard_all(channel))

    def group_channels(self, group):
        return self._sync.run(self.groups.channels(group))

    async def agroup_channels(self, group):
        return await self._aio().run(self.groups.channels(group))

    def send_group(self, group, message):
        self._sync.run(self.groups.send(self.prepare_send_group(group, message)))

    async def asend_group(self, group, message):
        await self._aio().run(self.groups.send(self.prepare_send_group(group, message)))

    # -- flush, statistics ----------------------------------------------------------------------

    def flush(self):
        self._sync.run(self.statistics.flush())

    async def aflush(self):
        """`flush`, as a coroutine."""
        await self._aio().run(self.statistics.flush())

    def channel_statistics(self, channel):
        return self._sync.run(self.statistics.channel(channel))

    def global_statistics(self):
        return self._sync.run(self.statistics.everything())

    def status(self, names_age_s=0.0):
        return self._sync.run(self._status.everything(names_age_s))

    # -- dead letters ---------------------------------------------------------------------------

    def dead_letter_channels(self):
        return self._sync.run(self._dead_letters.channels())

    def dead_letters(self, channel):
        return self._sync.run(self._dead_letters.letters(channel))

    def replay_dead_letters(self, channel, ids=None):
        return self._sync.run(self._dead_letters.replay(channel, ids))

    def purge_dead_letters(self, channel, ids=None):
        return self._sync.run(self._dead_letters.purge(channel, ids))

    # -- what workers call ------------------------------------------------------------------------

    def apply(self, operations):
        return self._sync.run(self._plan_apply(operations))

    def open_reader(self, channels):
        channels = self.check_receive_names(channels)
        cursor = Cursor(self.core.keyspace, channels, is_down=self._is_down)
        return RedisReader(self, self._sync, self._hosts, cursor)

    def load_session(self, reply_channel):
        reader = self._sync.here.reader
        replies = reader and reader.take_foreseen(reply_channel)
        if replies:
            return self.sockets.read_session(replies[0])
        return self._sync.run(self.sockets.load_session(names.check_channel_name(reply_channel)))

    def begin_ordered(self, delivery, reply_channel, order, owner):
        reader = self._sync.here.reader
        if reader is not None and reader.has_turn(delivery, reply_channel, order):
            reader.write_ahead(
                self.sockets.note_begin_requests(delivery, reply_channel, order, owner)
            )
            turn = ops.Turn.RUN
        else:
            plan = self.sockets.begin_ordered(delivery, reply_channel, order, owner)
            turn = self._sync.run(plan)
        if reader is not None and turn is ops.Turn.RUN:
            reader.note_begin(reply_channel, order)
        return turn

    def is_read(self, channel):
        server_id = self.core.keyspace.queue(channel).tag
        return not self._sync.run(self.presence.is_silent(server_id))

    def check_neighbours(self):
        self._sync.run(self.registry.check_neighbours(self.prefix, project_marks()))

    def keep_house(self, worker_id, facts, channels):
        self.drops.sum_up()
        buried = self._sync.run(
            self._housekeeping.keep(worker_id, facts, channels, time.monotonic())
        )
        for server_id, count in buried.items():
            logger.warning(
                "interface server %s is dead: %d disconnects made up for it", server_id, count
            )

    def leave_house(self, worker_id):
        self._sync.run(self._housekeeping.leave(worker_id))

    def plan_take(self, cursor, operations, block_s, now_s):
        """Plan: carry out operations and fetch the next message; see Reader.take."""
        batch, pushes = yield from self._plan_batch(operations)
        results, delivery = yield from self.core.take(
            cursor, batch, block_s, now_s, may_wait_at_once=self._may_wait(cursor, operations)
        )
        cursor.sets_free = any(results) and any(
            isinstance(result, ops.Delivery) for result in results
        )
        yield from self._prune(pushes, results)
        return results, delivery

    def _may_wait(self, cursor, operations):
        """Whether the wait for a message may be sent along with `operations`: not if they are
        likely to set one free, as when messages of an ordered socket overtake one another."""
        if len(self._hosts) > 1:
            return False
        return not cursor.sets_free or not any(
            type(operation) is ops.FinishOrdered for operation in operations
        )

    def _plan_apply(self, operations):
        batch, pushes = yield from self._plan_batch(operations)
        replies = yield [request for part, _ in batch for request in part]
        raise_if_all_are_away(replies)
        results = list(self.core.read_batch(batch, replies))
        yield from self._prune(pushes, results)
        return results

    def _plan_batch(self, operations):
        """The parts that carry out `operations`, in order; groups are looked up first."""
        groups = [op.group for op in operations if type(op) is ops.SendGroup]
        queues = (yield from self.groups.queues_of(list(dict.fromkeys(groups)))) if groups else {}
        batch, pushes, rows = [], [], self._plan_rows(operations)
        for position, operation in enumerate(operations):
            if type(operation) is ops.SendGroup:
                pushes.append((position, operation.group))
                batch.append(self.groups.push_part(operation, queues[operation.group]))
            elif position in rows:
                batch.append(rows[position])
            else:
                batch.append(self._parts[type(operation)](operation))
        return batch, pushes

    def _plan_rows(self, operations):
        """The parts of the operations that stand in a row with others, by their positions."""
        parts = {}
        for channel, places in ops.find_rows(operations):
            first, last = places[0], places[-1]
            if last == first + 1 and _is_reply_and_end(operations[first], operations[last]):
                parts[first], parts[last] = self.sockets.reply_and_finish_parts(
                    operations[first], operations[last]
                )
                continue
            name = f"{self._mark}{os.getpid()}.{next(self._marks)}"
            mark = self.core.keyspace.mark(channel, name)
            for place in places:
                row = Row(mark, {first: "first", last: "last"}.get(place, "more"))
                parts[place] = self._parts[type(operations[place])](operations[place], row)
        return parts

    def _prune(self, pushes, results):
        """Forget queues that turned out to have no members; a group send's result is None."""
        for position, group in pushes:
            empty, results[position] = results[position], None
            if empty:
                yield self.groups.prune_requests(group, empty)

    # -- what interface servers call ------------------------------------------------------------

    def open_link(self, server_id, on_reply, on_lost):
        return RedisServerLink(self, self._hosts, server_id, on_reply, on_lost)

    def open_worker_link(
        self, worker_id: str, on_message: Callable[[Content], None]
    ) -> RedisWorkerLink:
        return RedisWorkerLink(self, self._hosts, worker_id, on_message)

    def close(self):
        self._sync.close()

    async def aclose(self):
        driver = self._async.pop(asyncio.get_running_loop(), None)
        if driver is not None:
            await driver.close()


def _is_reply_and_end(first, last):
    """Whether two operations of a row are the one reply to an ordered message, and its end."""
    return type(first) is ops.Send and type(last) is ops.FinishOrdered and "!" in first.channel


class RedisLocalChannelLayer(RedisChannelLayer):
    """`asgi_redis.RedisLocalChannelLayer`: kept for its name. Its second, local Redis
    (`local_hosts`) is not needed: what one process reads lies on one host anyway."""

    def __init__(self, *, local_hosts=None, **config):
        super().__init__(**config)


class RedisSentinelChannelLayer(RedisChannelLayer):
    """A channel layer over masters that Redis Sentinel names.

    Args:
        hosts: the Sentinels, as (host, port) pairs; default localhost:26379.
        services: names of the masters to use, in the same order in all processes. Without it the
            Sentinels are asked for theirs when the layer is made, as in asgi_redis 1.x: how many
            there are decides what lies where. Later ones need a restart of all processes.
        sentinel_refresh_interval: of asgi_redis 1.x; has no effect, as each connection asks anew.

    Raises LayerUnavailable if the Sentinels have to be asked, and none answers.
    """

    def __init__(self, *, hosts=None, services=None, sentinel_refresh_interval=None, **config):
        if isinstance(services, str):
            raise ValueError(f"services must be a list, as in [{services!r}], not one string")
        self._services = list(services or ())
        super().__init__(hosts=hosts, **config)

    def _make_hosts(self, hosts, connection_kwargs):
        sentinels = parse_sentinels(hosts)
        services = self._services or find_services(sentinels, connection_kwargs)
        has_others = len(services) > 1
        return [
            SentinelHost(sentinels, name, connection_kwargs, has_others=has_others)
            for name in services
        ]
