"""The Redis hosts of a layer: how to connect to each, and which of them is away just now."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
import redis.asyncio
import redis.exceptions

from channels.exceptions import LayerRefused, LayerUnavailable
from channels.layers.backoff import Backoff
from channels.layers.redis.transport.addresses import check_options, name_of
from channels.layers.redis.transport.complaints import Complaints
from channels.layers.redis.transport.wire import Command
from channels.metrics import hooks

logger = logging.getLogger("channels.layers")

#: Seconds to wait for a connection, and for the answer to a command that does not block.
CONNECT_TIMEOUT_S = 2.0
#: A Redis that stands still (a fork for a snapshot, a slow command) goes on after a few seconds;
#: who has given up by then has lost the message that it gave him.
COMMAND_TIMEOUT_S = 10.0
#: The latter if there are other hosts: they go on without one that is silent, so it is given up
#: sooner, and all is well again within 5 s.
SHARED_TIMEOUT_S = 2.0
#: Who reads a queue waits for longer: what Redis has handed to a connection that is given up is
#: lost. If there is no other host to go to, nothing is gained by that. So a cable that is out, or a
#: Redis that stands still, for less than `websocket_patience` (30 s) loses nothing.
READ_PATIENCE_S = 35.0
#: Once the host answers others again, a connection that still hears nothing is waited for as long
#: again as the host was away: TCP sends again what was lost after pauses that double. This long at
#: least.
LATE_AFTER_S = 3.0
#: Longest blocking pop: after that, and the time for a command, a reader knows that Redis is gone.
#: A thread with nothing to do sends a few commands as often as this.
BLOCK_S = 10.0
#: A host that is away is tried again after this long, doubled each time up to the second figure.
FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.05, 1.0
#: Who tries a host that is away has this long for it, before somebody else does.
TRY_S = CONNECT_TIMEOUT_S + COMMAND_TIMEOUT_S
#: The kernel (Linux) ends a connection after so long without a sign of the other machine; the
#: second where the layer can go on with another one.
DEAD_AFTER_S = (READ_PATIENCE_S, 5.0)


def _keepalive(has_others: bool) -> dict[int, int]:
    """What the kernel does for connections on which nothing is to be heard: it asks the other
    machine after 2 s, then each second."""
    dead_after_s = DEAD_AFTER_S[has_others]
    options = (
        ("TCP_KEEPIDLE", 2),
        ("TCP_KEEPINTVL", 1),
        ("TCP_KEEPCNT", int(dead_after_s) - 2),
        ("TCP_USER_TIMEOUT", int(dead_after_s * 1000)),
    )
    return {getattr(socket, name): value for name, value in options if hasattr(socket, name)}


class Host:
    """One Redis, by its URL. `has_others`: whether the layer has more hosts than this one."""

    #: Whether it is to be a node of a Redis Cluster.
    is_of_cluster = False
    #: Whether another machine may take its place, at another address.
    has_successors = False

    def __init__(
        self, url: str, connection_kwargs: dict[str, Any], *, has_others: bool = False
    ) -> None:
        self.url, self.has_others = url, has_others
        self.name = name_of(url)
        check_options(connection_kwargs)
        self._options: dict[str, Any] = {
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "protocol": 2,
            "socket_keepalive": True,
            "socket_keepalive_options": _keepalive(has_others or self.has_successors),
            **connection_kwargs,
        }
        self.health = Health(self.name)
        #: Seconds to wait for the answer to a command that does not block.
        self.command_timeout_s = SHARED_TIMEOUT_S if has_others else COMMAND_TIMEOUT_S

    @property
    def read_patience_s(self) -> float:
        """The same for who reads a queue, beyond the time for which the read itself waits."""
        may_go_elsewhere = self.has_others or self.has_successors
        return self.command_timeout_s if may_go_elsewhere else READ_PATIENCE_S

    @property
    def socket_timeout_s(self) -> float:
        """The same for a thread's connection, where the configuration may say otherwise."""
        return self._options.get("socket_timeout") or self.command_timeout_s

    def make_connection(self, longest_s: float | None = None) -> Any:
        """Return a redis-py connection, not yet connected, on which nothing takes more than
        `longest_s`, if that is given."""
        options = {**self._options, "socket_timeout": self.socket_timeout_s}
        if longest_s is not None:
            for name in ("socket_connect_timeout", "socket_timeout"):
                options[name] = min(options[name] or longest_s, longest_s)
        return self._make(redis, options)

    def make_async_connection(self) -> Any:
        """Return a redis-py asyncio connection, not yet connected, without time-outs of its own."""
        return self._make(redis.asyncio, {**self._options, "socket_timeout": None})

    def place(self, commands: Sequence[Command]) -> Sequence[Command]:
        """Return commands as they are to be written, with the host's own names of keys."""
        return commands

    def read_keys(self, commands: Sequence[Command], replies: list[Any]) -> list[Any]:
        """Return the replies to commands with the names of keys that the plans know."""
        return replies

    def read_popped(self, reply: Any) -> Any:
        """The same for the reply to one blocking pop."""
        return reply

    def _make(self, library: Any, options: dict[str, Any]) -> Any:
        if self.url.startswith("unix:"):
            options = {key: value for key, value in options.items() if "keepalive" not in key}
        return library.ConnectionPool.from_url(self.url, **options).make_connection()


#: What asyncio raises when the time is up, before Python 3.11.
_TIMEOUT = asyncio.TimeoutError


class Health:
    """Whether a host answers; thread-safe. While it is away, callers fail at once."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self._clock, self._lock = name, clock, threading.Lock()
        self._is_down, self._is_refused = False, False
        self._backoff = Backoff(FIRST_BACKOFF_S, LAST_BACKOFF_S)
        self.complaints = Complaints(lambda: self.name)
        self._retry_at = self._down_since = 0.0
        #: Until then somebody tries to reach the host, and nobody else needs to.
        self._tried_until = 0.0
        self._reason = ""
        #: When the host was last found to be back, and for how long it had been away.
        self._back_at, self._was_away_s = float("-inf"), 0.0
        #: Whether it just does not answer: it may only stand still, and go on with all it knows.
        self.is_silent = False
        #: When a connection was last found to be broken: others may be as well, and those that are
        #: not may lead to a Redis that is not the one to talk to any more.
        self.lost_at = 0.0

    @property
    def is_down(self) -> bool:
        """Whether the last attempt to reach the host failed."""
        return self._is_down

    @property
    def down_for_s(self) -> float:
        """Seconds since the host was first found to be away; 0 if it is not."""
        return self._clock() - self._down_since if self._is_down else 0.0

    def check(self) -> None:
        """Raise LayerUnavailable if it is not yet time to try again."""
        if self._is_down and self._clock() < self._retry_at:
            raise self.unavailable()

    def claim_try(self) -> None:
        """For threads: raise LayerUnavailable unless the host is there, or the caller may try it
        again. Only one does at a time: to find out that a host is silent takes long."""
        if not self._is_down:
            return
        with self._lock:
            now = self._clock()
            if self._is_down and now < max(self._retry_at, self._tried_until):
                raise self.unavailable()
            self._tried_until = now + TRY_S

    def failed(self, error: BaseException, unanswered_s: float = 0.0) -> LayerUnavailable:
        """Note that the host can't be reached, or has not answered for `unanswered_s`; return the
        LayerUnavailable to raise for it."""
        with self._lock:
            self._reason = str(error) or type(error).__name__
            self.is_silent = isinstance(error, (redis.TimeoutError, TimeoutError, _TIMEOUT))
            first, self._is_down = not self._is_down, True
            was_refused, self._is_refused = self._is_refused, _is_settings_error(error)
            self._down_since = self._clock() - unanswered_s if first else self._down_since
            self._retry_at, self._tried_until = self._clock() + self._backoff.next_s(), 0.0
        if self._is_refused and not (was_refused and not first):
            logger.error(
                "Redis at %s refuses this process (%s): that is an error of the settings, of user, "
                "password or database, and waiting does not mend it",
                self.name,
                self._reason,
            )
        elif first:
            logger.error(
                "Redis at %s is unreachable (%s); trying again every %.1f s until it is back",
                self.name,
                self._reason,
                LAST_BACKOFF_S,
            )
        return self.unavailable()

    def unavailable(self) -> LayerUnavailable:
        """The LayerUnavailable to raise while the host is away."""
        if self._is_refused:
            return LayerRefused(
                f"Redis at {self.name} refuses this process ({self._reason}): check user, "
                "password and database in the CONFIG of CHANNEL_LAYERS",
                was_sent=False,
            )
        text = f"Redis at {self.name} is unreachable ({self._reason})"
        return LayerUnavailable(text, was_sent=False)

    def lost(self, error: BaseException, unanswered_s: float = 0.0) -> LayerUnavailable:
        """Note that an open connection broke, or was silent for `unanswered_s`; return the
        LayerUnavailable to raise for it. Whether the host is away shows at the next attempt to
        connect, unless it just did not answer."""
        self.lost_at = self._clock()
        hooks.meter.connection_lost()
        if isinstance(error, (redis.TimeoutError, TimeoutError)):
            self.failed(error, unanswered_s)
        text = f"lost a connection to Redis at {self.name} ({error})"
        return LayerUnavailable(text, was_sent=getattr(error, "was_sent", True))

    def works(self) -> None:
        """Note that the host answers."""
        if self._is_down:
            with self._lock:
                if self._is_down:
                    self._back_at, self._was_away_s = self._clock(), self.down_for_s
                was_down, self._is_down, self._tried_until = self._is_down, False, 0.0
                self._is_refused = False
                self._backoff.reset()
            if was_down:
                logger.warning("Redis at %s answers again", self.name)

    def is_late(self, since_s: float) -> bool:
        """Whether a connection on which nothing was heard since a time (of the clock) is to be
        given up, as the host has answered others long enough."""
        is_back = self._back_at > since_s and not self._is_down
        return is_back and self._clock() - self._back_at > max(self._was_away_s, LATE_AFTER_S)

    @property
    def retry_in_s(self) -> float:
        """Seconds until it is time to try again; 0 if it is now."""
        return max(0.0, self._retry_at - self._clock()) if self._is_down else 0.0


def _is_settings_error(error: BaseException) -> bool:
    """Whether Redis refuses this process for what its settings say: no waiting mends that."""
    kinds = (
        redis.exceptions.AuthenticationError,
        redis.exceptions.AuthorizationError,
        redis.exceptions.NoPermissionError,
    )
    text = str(error)
    return isinstance(error, kinds) or "Invalid Database" in text or "DB index" in text
