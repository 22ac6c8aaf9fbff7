"""The Redis channel layer: its verbs, each one line over a plan and a driver."""

import asyncio
import collections
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from channels.layers import names
from channels.layers import operations as ops
from channels.layers.codec import Codec
from channels.layers.contract import OnReply, Received
from channels.layers.limits import MAX_MESSAGE_BYTES
from channels.layers.process_link import Deliver
from channels.layers.redis.acknowledged.channels import Acknowledged
from channels.layers.redis.groups.membership import Groups
from channels.layers.redis.inspection.dead_letters import DeadLetters
from channels.layers.redis.inspection.statistics import Statistics
from channels.layers.redis.inspection.status import Status
from channels.layers.redis.keys import Keyspace
from channels.layers.redis.ordering.guardian import Guardian
from channels.layers.redis.ordering.sockets import Sockets
from channels.layers.redis.presence.housekeeping import Housekeeping
from channels.layers.redis.presence.lifeline import Lifeline
from channels.layers.redis.presence.link import RedisServerLink
from channels.layers.redis.presence.presence import Presence
from channels.layers.redis.presence.process_link import RedisProcessLink
from channels.layers.redis.presence.registry import Registry
from channels.layers.redis.presence.rollback import Rollbacks
from channels.layers.redis.presence.worker_link import RedisWorkerLink
from channels.layers.redis.queues.cursor import Cursor
from channels.layers.redis.queues.delays import Delays
from channels.layers.redis.queues.receiving import Receiving, Returns
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.queues.sending import Sending, Traffic
from channels.layers.redis.reader import Batches, PartMakers, RedisReader
from channels.layers.redis.steps import RedisSteps
from channels.layers.redis.transport.addresses import read_hosts
from channels.layers.redis.transport.aio import AsyncDriver
from channels.layers.redis.transport.hosts import BLOCK_S, Host
from channels.layers.redis.transport.plans import Plan
from channels.layers.redis.transport.sync import SyncDriver
from channels.layers.verbs import LayerOverStore
from channels.layers.worker_link import OnMessage
from channels.startup.identity import project_marks

logger = logging.getLogger("channels.layers")

T = TypeVar("T")

#: Put before every key, as asgi_redis 1.x did. Two projects on one Redis need two prefixes.
PREFIX = "asgi:"


class RedisChannelLayer(LayerOverStore[RedisSteps]):
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

    answers_once = True

    def __init__(
        self,
        *,
        hosts: Sequence[Any] | None = None,
        prefix: str = PREFIX,
        symmetric_encryption_keys: Sequence[str | bytes] = (),
        connection_kwargs: dict[str, Any] | None = None,
        stats_prefix: str | None = None,
        **config: Any,
    ) -> None:
        super().__init__(**config)
        if not isinstance(prefix, str) or "{" in prefix or "}" in prefix:
            raise ValueError(f"prefix must be a string without braces, got {prefix!r}")
        self.prefix = prefix
        self._hosts = self._make_hosts(hosts, connection_kwargs or {})
        self.keyspace = Keyspace(prefix, len(self._hosts))
        self.codec = Codec(MAX_MESSAGE_BYTES, symmetric_encryption_keys, self._get_life_s)
        self.rules = Rules(
            self.keyspace,
            self.codec,
            self.drops,
            get_capacity=self.get_capacity,
            get_expiry=self.get_expiry,
            pick_host=self._pick_host,
        )
        self._sync = SyncDriver(self._hosts)
        self._lifeline = Lifeline(self._hosts[self.keyspace.host_of("registry")])
        #: The channels of ordered messages that run, by the thread that runs them.
        self.runs_in_order: dict[int, str] = {}
        self._async: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncDriver] = (
            weakref.WeakKeyDictionary()
        )
        self._make_plans()

    def _make_plans(self) -> None:
        """What makes the plans of this layer's verbs, each from what it needs of the others."""
        rules = self.rules
        self.acknowledged = Acknowledged(rules, self.get_acknowledgement)
        #: What this process has sent and taken of late.
        self.traffic = Traffic()
        self.sending = Sending(rules, self.acknowledged, self.traffic)
        self._delays = Delays(rules, self.acknowledged)
        self.returns = Returns(rules, self.sending, self.acknowledged)
        self._receiving = Receiving(rules, self._delays, self.acknowledged, self.traffic)
        self.groups = Groups(rules, self.group_expiry)
        self.sockets = Sockets(rules, self.sending, self.returns)
        self.registry = Registry(rules)
        self.presence = self.make_presence(self.make_guardian())
        self.statistics = Statistics(rules)
        self._status = Status(rules, self.registry, self.statistics)
        self._dead_letters = DeadLetters(rules, self.acknowledged, self.statistics.scan_names)
        self.rollbacks = Rollbacks(rules, self.traffic)
        self.steps = RedisSteps(self.sending, self.groups, self.statistics, self._dead_letters)
        self._housekeeping = Housekeeping(
            rules,
            self._delays,
            self.acknowledged,
            presence=self.presence,
            registry=self.registry,
            rollbacks=self.rollbacks,
        )
        self.batches = Batches(
            rules, self._receiving, self.groups, self.sockets, self._make_parts()
        )

    def _make_parts(self) -> PartMakers:
        return {
            ops.Send: self.sending.part,
            ops.Drop: self.sending.drop_part,
            ops.Done: self.returns.done_part,
            ops.Retry: self.returns.retry_part,
            ops.PutBack: self.returns.put_back_part,
            ops.DeadLetter: self._dead_letters.bury_part,
            ops.SaveSession: self.sockets.save_part,
            ops.ForgetSocket: self.sockets.forget_part,
            ops.FinishOrdered: self.sockets.finish_part,
            ops.ReleaseOrdered: self.sockets.release_part,
        }

    def make_guardian(self) -> Guardian:
        """A Guardian, which has suspects of its own."""
        return Guardian(self.rules, self.returns, self.sockets, self.registry)

    def make_presence(self, guardian: Guardian, sending: Sending | None = None) -> Presence:
        """The plans of interface servers whose sockets `guardian` looks after; `sending` by one of
        them."""
        return Presence(
            self.rules,
            sending or self.sending,
            self._delays,
            groups=self.groups,
            sockets=self.sockets,
            guardian=guardian,
            registry=self.registry,
        )

    def _make_hosts(
        self, hosts: Sequence[Any] | None, connection_kwargs: dict[str, Any]
    ) -> Sequence[Host]:
        addresses = read_hosts(hosts)
        return [
            Host(url, {**connection_kwargs, **options}, has_others=len(addresses) > 1)
            for url, options in addresses
        ]

    def _get_life_s(self, channel: str) -> float | None:
        """How many seconds a message may take until it is read; None if it may be read again."""
        name = names.queue_name(channel)
        return None if self.get_acknowledgement(name) else self.get_expiry(name)

    def _pick_host(self, ranking: Sequence[int]) -> int:
        """The first host of `ranking` that is not known to be away."""
        return next((host for host in ranking if not self._is_down(host)), ranking[0])

    def _is_down(self, host: int) -> bool:
        return self._hosts[host].health.is_down

    def _aio(self) -> AsyncDriver:
        loop = asyncio.get_running_loop()
        driver = self._async.get(loop)
        if driver is None:
            driver = self._async[loop] = AsyncDriver(self._hosts)
        return driver

    def run(self, step: Plan[T]) -> T:
        return self._sync.run(step)

    async def arun(self, step: Plan[T]) -> T:
        return await self._aio().run(step)

    # -- channels -----------------------------------------------------------------------------

    def receive(self, channels: Sequence[str], block: bool = False) -> Received:
        channels = self.check_receive_names(channels)
        while True:
            plan = self._receiving.receive(channels, BLOCK_S if block else 0.0, time.monotonic())
            received = self._sync.run(plan)
            if received[0] is not None or not block:
                return received

    async def areceive(self, channels: Sequence[str], block: bool = False) -> Received:
        channels = self.check_receive_names(channels)
        block_s = BLOCK_S if block else 0.0

        def make_plan() -> Plan[Received]:
            return self._receiving.receive(channels, block_s, time.monotonic())

        return await self._aio().receive(make_plan, self.returns.put_back, block)

    # -- flush, what can be seen ------------------------------------------------------------------

    async def aflush(self) -> None:
        """`flush`, as a coroutine."""
        await self.arun(self.steps.flush())

    def status(self, names_age_s: float = 0.0) -> dict[str, Any]:
        return self._sync.run(self._status.everything(names_age_s))

    def living_workers(self) -> list[dict[str, Any]]:
        return self._sync.run(self.registry.processes("workers"))

    # -- what workers call ------------------------------------------------------------------------

    def apply(self, operations: Sequence[ops.Operation]) -> list[Any]:
        return self._sync.run(self.batches.apply(operations))

    def open_reader(self, channels: Sequence[str]) -> RedisReader:
        channels = self.check_receive_names(channels)
        cursor = Cursor(self.keyspace, channels, is_down=self._is_down)
        return RedisReader(self, self._sync, self._hosts, cursor)

    def load_session(self, reply_channel: str) -> dict[str, Any]:
        return self._sync.run(self.sockets.load_session(names.check_channel_name(reply_channel)))

    def begin_ordered(
        self, delivery: ops.Delivery, reply_channel: str, order: int, owner: str
    ) -> ops.Turn:
        turn = self._sync.run(self.sockets.begin_ordered(delivery, reply_channel, order, owner))
        if turn is ops.Turn.RUN:
            self.runs_in_order[threading.get_ident()] = delivery.channel
        return turn

    def is_read(self, channel: str) -> bool:
        server_id = self.keyspace.queue(channel).tag
        return not self._sync.run(self.presence.is_silent(server_id))

    def check_neighbours(self) -> None:
        self._sync.run(self.registry.check_neighbours(self.prefix, project_marks()))

    def keep_house(self, worker_id: str, facts: Mapping[str, Any], channels: Iterable[str]) -> None:
        self.drops.sum_up()
        buried = self._sync.run(
            self._housekeeping.keep(
                worker_id,
                self._with_lifeline(facts),
                channels,
                now_s=time.monotonic(),
                lost_at_s=max(host.health.lost_at for host in self._hosts),
            )
        )
        for server_id, count in buried.items():
            logger.warning(
                "interface server %s is dead: %d disconnects made up for it", server_id, count
            )

    def _with_lifeline(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """What else others are to know of a worker: its lifeline, and what it runs in order."""
        ordered = collections.Counter(self.runs_in_order.values())
        running = []
        for item in facts.get("running") or ():
            is_ordered = ordered[item["channel"]] > 0
            ordered[item["channel"]] -= is_ordered
            running.append({**item, "is_ordered": True} if is_ordered else item)
        return {**facts, "running": running, "lifeline": self._lifeline.hold()}

    def leave_house(self, worker_id: str) -> None:
        self._lifeline.let_go()
        self._sync.run(self._housekeeping.leave(worker_id))

    # -- what interface servers call ------------------------------------------------------------

    def open_link(
        self, server_id: str, on_reply: OnReply, on_lost: Callable[[], None]
    ) -> RedisServerLink:
        return RedisServerLink(self, self._hosts, server_id, on_reply, on_lost)

    def open_worker_link(self, worker_id: str, on_message: OnMessage) -> RedisWorkerLink:
        return RedisWorkerLink(self, self._hosts, worker_id, on_message)

    def open_process_link(
        self, queue: str, deliver: Deliver, on_lost: Callable[[], None]
    ) -> RedisProcessLink:
        return RedisProcessLink(self, self._hosts, queue, deliver, on_lost, self.arun)

    def close(self) -> None:
        self._lifeline.let_go()
        self._sync.close()

    async def aclose(self) -> None:
        driver = self._async.pop(asyncio.get_running_loop(), None)
        if driver is not None:
            await driver.close()
