"""The driver for threads: runs plans over blocking connections."""

import collections
import contextlib
import functools
import os
import selectors
import time
from collections.abc import Sequence
from typing import Any, TypeVar

import redis

from channels.exceptions import LayerUnavailable
from channels.layers.redis.transport.hosts import BLOCK_S, Host
from channels.layers.redis.transport.plans import (
    Block,
    Plan,
    Request,
    Wait,
    places_by_host,
    put_in_place,
)
from channels.layers.redis.transport.scout import Scout
from channels.layers.redis.transport.sync_connection import LOOK_EVERY_S, Connection
from channels.layers.redis.transport.wire import Command

T = TypeVar("T")

#: A pooled connection unused for this long is looked at before it is used again.
STALE_AFTER_S = 1.0
#: When one of several hosts has answered, the others have this long to do so as well: what came
#: from the first waits meanwhile.
CALL_OFF_S = 1.0


class Pool:
    """Connections to one host that any thread may use, one at a time each."""

    def __init__(self, host: Host) -> None:
        self._host, self._scout = host, Scout(host)
        self._idle: collections.deque[Connection] = collections.deque()
        self._pid = os.getpid()

    def exchange(self, commands: Sequence[Command], longest_s: float | None = None) -> list[Any]:
        """Run a pipeline over a connection of its own; each step may take `longest_s`, if given.
        Raises LayerUnavailable, after which that connection is gone."""
        connection = self.take(longest_s)
        if longest_s is None:
            replies = connection.exchange(commands)
        else:
            replies = connection.exchange_within(longest_s, commands)
        self.put_back(connection)
        return replies

    def check(self) -> None:
        """Raise LayerUnavailable if there are other hosts, and this one is known to be away."""
        if self._host.has_others and self._host.health.is_down:
            self._scout.send()
            raise self._host.health.unavailable()

    def connect(self, longest_s: float | None = None, *, reads: bool = False) -> Connection:
        """Make a connection that is not the pool's. Raises LayerUnavailable."""
        self.check()
        return Connection(self._host, longest_s, reads=reads)

    def put_back(self, connection: Connection) -> None:
        """Have a connection that works be used again."""
        connection.used_at = time.monotonic()
        self._idle.append(connection)

    def take(self, longest_s: float | None = None) -> Connection:
        """Take a connection out, or make one. Raises LayerUnavailable."""
        self.check()
        if self._pid != os.getpid():  # forked: the sockets belong to the parent
            self._idle, self._pid = collections.deque(), os.getpid()
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self.connect(longest_s)
            used_at = connection.used_at
            if used_at > self._host.health.lost_at and (
                time.monotonic() - used_at < STALE_AFTER_S or connection.is_open
            ):
                return connection
            connection.close()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()


class SyncDriver:
    """Runs plans in the calling thread."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self._hosts = hosts
        self._pools = [Pool(host) for host in hosts]

    def run(self, plan: Plan[T], reader: "SyncReader | None" = None) -> T:
        """Run a plan; return its result. `reader` lends the connections for what blocks."""
        answer: Any
        try:
            step = next(plan)
            while True:
                try:
                    if isinstance(step, Block):
                        answer = self._block(step, reader)
                    elif isinstance(step, Wait):
                        answer = _wait(step, reader)
                    else:
                        answer = self._exchange(step, reader)
                except LayerUnavailable as error:
                    step = plan.throw(error)
                else:
                    step = plan.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _exchange(self, requests: Sequence[Request], reader: "SyncReader | None") -> list[Any]:
        if not requests:
            return []
        first = requests[0].host
        if all(request.host == first for request in requests):
            return self._exchange_with(first, [request.command for request in requests], reader)
        replies: list[Any] = [None] * len(requests)
        for host, places in places_by_host(requests).items():
            commands = [requests[place].command for place in places]
            put_in_place(replies, places, self._exchange_with(host, commands, reader))
        return replies

    def _exchange_with(
        self, host: int, commands: Sequence[Command], reader: "SyncReader | None"
    ) -> list[Any]:
        try:
            if reader is not None:
                return reader.connection(host).exchange(commands)
            return self._pools[host].exchange(commands)
        except LayerUnavailable as error:
            return [error] * len(commands)

    def _block(self, block: Block, reader: "SyncReader | None") -> list[tuple[int, Any]]:
        if reader is not None:
            return reader.wait(block)
        with contextlib.closing(SyncReader(self, self._hosts)) as temporary:
            return temporary.wait(block)

    def pool(self, host: int) -> Pool:
        """The Pool of a host."""
        return self._pools[host]

    def unblock(self, host: int, client_id: int, longest_s: float | None = None) -> None:
        """End another connection's blocking pop. Raises LayerUnavailable."""
        self._pools[host].exchange([("CLIENT", "UNBLOCK", client_id)], longest_s)

    def close(self) -> None:
        """Close the idle connections."""
        for pool in self._pools:
            pool.close()


class SyncReader:
    """The connections of one thread that waits for messages: one for each host."""

    def __init__(self, driver: SyncDriver, hosts: Sequence[Host]) -> None:
        self._driver, self._hosts = driver, hosts
        self._connections: dict[int, Connection] = {}
        #: The connections that wait by host: replaced as a whole, as other threads look at it.
        self._waiting: dict[int, Connection] = {}

    def connection(self, host: int) -> Connection:
        """The connection to a host, made or made anew if need be."""
        connection, pool = self._connections.get(host), self._driver.pool(host)
        if connection is None or connection.socket is None:
            connection = self._connections[host] = pool.connect(reads=True)
        elif self._hosts[host].has_others:
            self._check(pool, connection)
        return connection

    @staticmethod
    def _check(pool: Pool, connection: Connection) -> None:
        """Close a connection to a host that is known to be away: it would be waited for in vain."""
        try:
            pool.check()
        except LayerUnavailable:
            connection.close()
            raise

    def exchange_and_wait(self, step: Wait) -> tuple[Any, int]:
        """Carry out a Wait. Raises LayerUnavailable."""
        connection = self.connection(step.host)
        pop = _pop_command(step.queues, step.timeout_s)

        def call_off() -> None:
            with contextlib.suppress(LayerUnavailable):
                self._driver.unblock(step.host, connection.client_id)

        self._waiting = {step.host: connection}
        try:
            return connection.exchange_and_pop(step.commands, pop, step.go_on, call_off)
        finally:
            self._waiting = {}

    def wait(self, block: Block) -> list[tuple[int, Any]]:
        """Carry out a Block, without the hosts that are away; LayerUnavailable if all are."""
        command = _pop_command(block.queues, block.timeout_s)
        waiting: dict[int, Connection] = {}
        trouble = LayerUnavailable("there is no host to wait on", was_sent=False)
        for host in block.hosts:
            try:
                connection = self.connection(host)
                connection.send([command])
                waiting[host] = connection
            except (LayerUnavailable, redis.RedisError, OSError) as error:
                trouble = self._note(host, error)
        if not waiting:
            raise trouble
        self._waiting = waiting
        try:
            return self._collect(waiting, command[-1], set(block.hosts) - set(waiting))
        finally:
            self._waiting = {}

    def _collect(
        self, waiting: dict[int, Connection], block_s: float, missing: set[int]
    ) -> list[tuple[int, Any]]:
        is_alone = len(waiting) == 1 and not missing
        ready = (
            set(waiting) if is_alone else self._wait_for_any(waiting, block_s + CALL_OFF_S, missing)
        )
        answers: list[tuple[int, Any]] = []
        troubles: list[LayerUnavailable] = []
        ends_at = time.monotonic() + CALL_OFF_S
        for host in sorted(waiting, key=lambda host: host not in ready):
            try:
                if host in ready:
                    reply = waiting[host].read_popped(block_s)
                else:
                    reply = self._call_off(host, waiting[host], ends_at)
            except LayerUnavailable as error:
                troubles.append(error)
                continue
            if reply is not None:
                answers.append((host, reply))
        if len(troubles) == len(waiting):
            raise troubles[0]
        return answers

    def _wait_for_any(
        self, waiting: dict[int, Connection], longest_s: float, missing: set[int]
    ) -> set[int]:
        """Wait until a host answers, or one turns out to be away, or a missing one to be back;
        return those that answered."""
        ends_at = time.monotonic() + longest_s
        with selectors.DefaultSelector() as selector:
            for host, connection in waiting.items():
                selector.register(connection.socket, selectors.EVENT_READ, host)
            while True:
                left_s = ends_at - time.monotonic()
                ready = {key.data for key, _ in selector.select(min(left_s, LOOK_EVERY_S))}
                downs = [host for host, it in enumerate(self._hosts) if it.health.is_down]
                has_changed = missing.difference(downs) or waiting.keys() & downs
                if ready or left_s <= 0 or has_changed:
                    return ready

    def _call_off(self, host: int, connection: Connection, ends_at: float) -> Any:
        """End a host's pop by `ends_at`; return what it got all the same. A host that is silent is
        not waited for any longer. Raises LayerUnavailable."""
        try:
            left_s = max(ends_at - time.monotonic(), 0.05)
            self._driver.unblock(host, connection.client_id, left_s)
        except LayerUnavailable:
            connection.close()
            raise
        return connection.read_called_off(ends_at - time.monotonic())

    def _note(self, host: int, error: Exception) -> LayerUnavailable:
        if isinstance(error, LayerUnavailable):
            return error
        self._connections[host].close()
        return self._hosts[host].health.lost(error)

    def interrupt(self) -> None:
        """From any thread: call off the pops that wait."""
        for host, connection in list(self._waiting.items()):
            connection.hurry()
            with contextlib.suppress(LayerUnavailable):
                self._driver.unblock(host, connection.client_id)

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections = {}


def _wait(step: Wait, reader: SyncReader | None) -> tuple[Any, int]:
    if reader is None:
        raise TypeError("a Wait is for a reader, which has a connection of its own")
    return reader.exchange_and_wait(step)


@functools.lru_cache(maxsize=256)
def _pop_command(queues: tuple[str, ...], timeout_s: float) -> Command:
    return ("BLPOP", *queues, max(round(min(timeout_s, BLOCK_S), 3), 0.001))
