"""One connection of a thread to Redis.

redis-py connects and logs in; what then goes over the socket is packed and read by wire.py.
"""

import collections
import select
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis

from channels.layers.redis.transport import wire
from channels.layers.redis.transport.hosts import Host
from channels.layers.redis.transport.plans import put_in_place
from channels.layers.redis.transport.socket_limit import limit
from channels.layers.redis.transport.wire import Command
from channels.metrics import hooks

#: A blocking pop is called off as often as this, until it has ended.
CALL_OFF_EVERY_S = 0.002
#: Redis is asked for its time as often as this; in between, the time that has passed is added.
ASK_TIME_EVERY_S = 1.0
#: Who waits for a message looks this often whether the host has turned out to be away.
LOOK_EVERY_S = 1.0
#: Tells Redis not to answer the next command.
SKIP_REPLY = ("CLIENT", "REPLY", "SKIP")


class Connection:
    """A connection to one host, with the scripts loaded. Any error closes it for good.

    `longest_s`: how long each step of connecting may take; by default as long as any command.
    `reads`: whether it takes messages out of queues: it is not given up soon, see READ_PATIENCE_S.
    """

    def __init__(self, host: Host, longest_s: float | None = None, *, reads: bool = False) -> None:
        self._host, self._health = host, host.health
        self._patience_s = 0.0
        self._health.claim_try()
        self._connection = host.make_connection(longest_s)
        self.used_at = 0.0
        self._replies = wire.make_reader(self._note_error)
        #: Whether there may be an error among the latest replies.
        self._has_errors = False
        self._is_of_cluster = host.is_of_cluster
        self._ahead: collections.deque[Ahead] = collections.deque()
        #: Whether Redis lets itself be told not to answer: not by every ACL user.
        self._may_skip = False
        self._buffer = bytearray(wire.READ_BYTES)
        #: What Redis' clock is ahead of ours, and when that is to be looked at again.
        self._lead_ms = self._ask_time_at_s = 0.0
        try:
            self._connection.connect()
            #: The socket, to wait on (redis-py has no public name for it); None once it is closed.
            self.socket: Any = self._connection._sock
            #: How long the socket waits for what does not block.
            self._timeout_s: float = self.socket.gettimeout()
            self.client_id = self._setup()
            if reads:
                self._patience_s = host.read_patience_s
            if longest_s is not None:
                self._timeout_s = host.socket_timeout_s
            limit(self.socket, self._timeout_s)
        except (redis.RedisError, OSError) as error:
            self._connection.disconnect()
            raise self._health.failed(error) from error
        self._health.works()

    def _note_error(self) -> None:
        self._has_errors = True

    def _find_missing(self, replies: Sequence[Any]) -> list[int]:
        """See `wire.missing_scripts`."""
        complaints = self._health.complaints
        if not (self._has_errors or complaints.last):
            return []
        self._has_errors = False
        return wire.missing_scripts(replies, complaints)

    def _setup(self) -> Any:
        *replies, answers = self._run([*wire.setup_commands(), ("CLIENT", "REPLY", "ON")])
        self._may_skip = not isinstance(answers, Exception)
        return wire.read_setup(replies, is_of_cluster=self._host.is_of_cluster)

    def send(self, commands: Sequence[Command]) -> None:
        """Write a pipeline."""
        if self._is_of_cluster:
            commands = self._host.place(commands)
        try:
            for piece in wire.pack(commands):
                self.socket.sendall(piece)
        except BlockingIOError as error:
            raise TimeoutError("timed out") from error

    def _read(self) -> Any:
        """Return the next reply; a refused command's is its ResponseError."""
        reply = self._replies.gets()
        while reply is wire.NOT_YET:
            try:
                count = self.socket.recv_into(self._buffer)
            except (TimeoutError, BlockingIOError):
                self._wait_on()
                continue
            if not count:
                raise redis.ConnectionError("Redis closed the connection")
            self._replies.feed(self._buffer, 0, count)
            reply = self._replies.gets()
        return reply

    def _wait_on(self) -> None:
        """Wait for a host that has been silent for as long as a command may take; raise
        TimeoutError once there is no hope any more."""
        if self._patience_s <= self._timeout_s:
            raise TimeoutError("timed out")
        since_s = time.monotonic() - self._timeout_s
        while not self._can_read(LOOK_EVERY_S):
            silent_s = time.monotonic() - since_s
            if silent_s >= self._patience_s or self._health.is_late(since_s):
                raise TimeoutError("timed out")

    def hurry(self) -> None:
        """From any thread: have no more patience with a host that is silent."""
        self._patience_s = 0.0

    def write_ahead(self, commands: Sequence[Command]) -> "Ahead":
        """Write commands whose replies are not needed yet; return the Ahead that they will be in.

        Raises LayerUnavailable.
        """
        self._write(commands)
        ahead = Ahead(self, len(commands))
        self._ahead.append(ahead)
        return ahead

    def write_only(self, command: Command) -> None:
        """Write a command whose reply nobody needs. If Redis lets itself be told so, it sends none:
        that spares it a write, and this side a read. Raises LayerUnavailable.

        Ablation: an ordered message takes 6 % less CPU time, one with a session 8 % less.
        """
        if self._may_skip:
            self._write([SKIP_REPLY, command])
        else:
            self.write_ahead([command])

    def _write(self, commands: Sequence[Command]) -> None:
        try:
            self.send(commands)
        except (redis.RedisError, OSError) as error:
            self.close()
            raise self._health.lost(error) from error

    def read_ahead(self) -> None:
        """Read the replies to what was written ahead. Raises LayerUnavailable."""
        try:
            if self.socket is None:
                raise redis.ConnectionError("the connection broke meanwhile")
            self._read_ahead()
        except (redis.RedisError, OSError) as error:
            self.close()
            raise self._health.lost(error) from error

    def _read_ahead(self) -> None:
        while self._ahead:
            ahead = self._ahead[0]
            ahead.replies = [self._read() for _ in range(ahead.count)]
            self._ahead.popleft()

    def _run(self, commands: Sequence[Command]) -> list[Any]:
        self.send(commands)
        self._read_ahead()
        return [self._read() for _ in commands]

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Run a pipeline; return its replies, where a refused command's is its ResponseError.

        Raises LayerUnavailable.
        """
        started = time.perf_counter()
        try:
            replies = self._run(commands)
            if hooks.meter.is_on:
                hooks.meter.round_trip(time.perf_counter() - started)
            missing = self._find_missing(replies)
            if missing:
                self._run_again(commands, replies, missing)
            if self._is_of_cluster:
                replies = self._host.read_keys(commands, replies)
            return replies
        except (redis.RedisError, OSError) as error:
            self.close()
            raise self._health.lost(error) from error

    def exchange_within(self, longest_s: float, commands: Sequence[Command]) -> list[Any]:
        """`exchange`, where each step may take `longest_s`."""
        limit(self.socket, longest_s)
        replies = self.exchange(commands)
        limit(self.socket, self._timeout_s)
        return replies

    def exchange_and_pop(
        self,
        commands: Sequence[Command],
        pop: Command,
        go_on: Callable[[list[Any]], bool],
        call_off: Callable[[], None],
    ) -> tuple[Any, int]:
        """Run a pipeline with the blocking command `pop` at its end. `go_on(replies)` says whether
        to wait; if not, `call_off()` is called until the pop has ended.

        Returns (what was popped or None, the time of Redis in ms). Raises LayerUnavailable.
        """
        now_s = time.monotonic()
        asks = now_s >= self._ask_time_at_s
        try:
            self.send([*commands, pop, ("TIME",)] if asks else [*commands, pop])
            self._read_ahead()
            replies = [self._read() for _ in commands]
            if commands and hooks.meter.is_on:
                hooks.meter.round_trip(time.monotonic() - now_s)
            missing = self._find_missing(replies)
            if missing or not go_on(replies):
                self._call_off(call_off)
            popped = self._read_when_there(now_s + pop[-1] + self._timeout_s)
            told: Any = self._read() if asks else None
            if missing:
                self._run_again(commands, replies, missing)
                go_on(replies)
        except (redis.RedisError, OSError) as error:
            self.close()
            raise self._health.lost(error) from error
        now_s = time.monotonic()
        if asks:
            self._note_time(self._check(told), now_s)
        if self._has_errors:
            self._check(popped)
        if self._is_of_cluster:
            popped = self._host.read_popped(popped)
        return popped, int(now_s * 1000 + self._lead_ms)

    def _check(self, reply: Any) -> Any:
        """Return the reply to what must not be refused. Raises LayerUnavailable."""
        if isinstance(reply, Exception):
            raise self._health.lost(reply) from reply
        return reply

    def _note_time(self, told: Sequence[bytes], now_s: float) -> None:
        """Keep by how much the clock of Redis is ahead of ours; `told` is its TIME."""
        self._lead_ms = int(told[0]) * 1000 + int(told[1]) / 1000 - now_s * 1000
        self._ask_time_at_s = now_s + ASK_TIME_EVERY_S

    def _run_again(
        self, commands: Sequence[Command], replies: list[Any], missing: Sequence[int]
    ) -> None:
        """Redis has lost its scripts: load them, and run those commands that did not run."""
        self._setup()
        put_in_place(replies, missing, self._run([commands[place] for place in missing]))

    def _call_off(self, call_off: Callable[[], None]) -> None:
        """Call `call_off()` until the pop has ended, for as long as a command may take."""
        ends_at = time.monotonic() + self._timeout_s
        while not self._can_read(CALL_OFF_EVERY_S):
            if time.monotonic() > ends_at:
                raise TimeoutError("a blocking pop could not be called off")
            call_off()

    def _read_when_there(self, ends_at: float) -> Any:
        """Read the next reply, which may take until `ends_at`, and longer than the socket waits;
        not if the host turns out to be away, as seen from other connections."""
        try:
            return self._read()
        except TimeoutError:
            while not self._can_read(LOOK_EVERY_S):
                if self._health.is_down or time.monotonic() >= ends_at:
                    raise
        return self._read()

    def read_popped(self, block_s: float) -> Any:
        """Read the answer to a blocking pop that was sent before; it may take `block_s`."""
        try:
            self._read_ahead()
            reply = self._read_when_there(time.monotonic() + block_s + self._timeout_s)
        except (redis.RedisError, OSError) as error:
            self.close()
            raise self._health.lost(error) from error
        if isinstance(reply, Exception):
            raise self._health.lost(reply) from reply
        return self._host.read_popped(reply)

    def read_called_off(self, longest_s: float) -> Any:
        """Read the answer to a blocking pop that another connection has called off."""
        if not self._can_read(max(longest_s, 0.0)):
            self.close()
            raise self._health.lost(TimeoutError("a blocking pop could not be called off"))
        return self.read_popped(0.0)

    def _can_read(self, timeout_s: float) -> bool:
        """Whether there is something to read within `timeout_s`, be it only the end."""
        if self._replies.has_data() or _is_buffered(self.socket):
            return True
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(timeout_s * 1000))

    @property
    def is_open(self) -> bool:
        """Whether the connection can be used, as far as can be seen from here."""
        try:
            return self.socket is not None and not self._can_read(0)
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """Close the connection."""
        self.socket = None
        self._connection.disconnect()


class Ahead:
    """Replies to commands that were written before anybody needed them."""

    __slots__ = ("_connection", "count", "replies")

    def __init__(self, connection: Connection, count: int) -> None:
        self._connection, self.count = connection, count
        self.replies: list[Any] | None = None

    def get(self) -> list[Any] | None:
        """Return the replies, waiting for them if need be. Raises LayerUnavailable."""
        if self.replies is None:
            self._connection.read_ahead()
        return self.replies


def _is_buffered(socket: Any) -> bool:
    """Whether TLS has unpacked what was not yet read."""
    pending = getattr(socket, "pending", None)
    return pending is not None and pending() > 0
