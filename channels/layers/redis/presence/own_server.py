"""What the parts of an interface server's link share: who it is, and how its hosts are."""

import asyncio
import collections
import time
from collections.abc import Sequence
from typing import TypeVar

from channels.exceptions import LayerUnavailable, PrefixTaken
from channels.layers.names import WEBSOCKET_SEND, reply_channel_name
from channels.layers.recent import Recent
from channels.layers.redis.keys import Keyspace
from channels.layers.redis.presence.rollback import LOOKED_FOR_S
from channels.layers.redis.transport.aio import AsyncDriver
from channels.layers.redis.transport.hosts import Host
from channels.layers.redis.transport.lane import KEPT_S
from channels.layers.redis.transport.plans import Plan, Request

T = TypeVar("T")

#: What was taken so long before the first message that was lost may have waited in its queue and
#: been consumed after it, and so come again.
DOUBT_S = 2.0
#: What a Redis that has lost its last moments may give again is no older than this when that is
#: known, be it from another server.
DOUBTED_S = KEPT_S + DOUBT_S + LOOKED_FOR_S
#: A socket whose order is broken is closed for that within this time.
BROKEN_KEPT_S = 60.0


class OwnServer:
    """The interface server that this process is, as its link sees it."""

    def __init__(self, server_id: str, hosts: Sequence[Host], keyspace: Keyspace) -> None:
        self.id = server_id
        self.hosts, self.keyspace = hosts, keyspace
        #: The PrefixTaken for which it serves nobody just now, or None.
        self.refusal: PrefixTaken | None = None
        #: None before it has started and after it has stopped.
        self.driver: AsyncDriver | None = None
        #: The sockets that the layer has a record of, unless it lost some when it was away.
        self.sockets: set[str] = set()
        #: Those whose handshake is not answered yet, and since when.
        self._connecting: dict[str, float] = {}
        #: Those of them whose connect may be lost, or run twice.
        self._doubted: set[str] = set()
        #: When the latest handshakes were answered, oldest first: (time, client).
        self._openings: collections.deque[tuple[float, str]] = collections.deque()
        #: Sockets whose order was broken while they were open, and until when a worker's thread may
        #: take a turn of theirs for known all the same.
        self.broken: Recent[str, float] = Recent(BROKEN_KEPT_S)
        #: Its host was away, and what is lost by that was not looked at yet.
        self.was_away, self.is_back = False, asyncio.Event()
        #: There may be replies that are delayed.
        self.is_woken = asyncio.Event()

    @property
    def host_number(self) -> int:
        """The number of the host that its replies come from."""
        return self.keyspace.host_of(self.id)

    @property
    def host(self) -> Host:
        """The Host that its replies come from."""
        return self.hosts[self.host_number]

    @property
    def is_available(self) -> bool:
        """Whether it serves clients, and every host answers."""
        return self.refusal is None and not any(host.health.is_down for host in self.hosts)

    def note_connecting(self, client: str) -> None:
        """A socket is about to be opened."""
        self._connecting[client] = time.monotonic()

    def note_accepted(self, client: str) -> bool:
        """The handshake of a socket is answered. Returns whether its connect is in doubt."""
        self._connecting.pop(client, None)
        now_s = time.monotonic()
        while self._openings and self._openings[0][0] < now_s - DOUBTED_S:
            self._openings.popleft()
        self._openings.append((now_s, client))
        return client in self._doubted

    def note_closed(self, client: str) -> None:
        """A socket has closed, or could not be opened."""
        self._connecting.pop(client, None)
        for some in (self.sockets, self._doubted):
            some.discard(client)

    def forget_sockets(self) -> None:
        """The server has a new id: the layer knows nothing of its sockets."""
        for some in (self.sockets, self._connecting, self._doubted, self._openings):
            some.clear()

    def doubt(self, span_s: float, until_s: float = 0.0) -> list[str]:
        """Redis has lost what happened in the last `span_s`, until `until_s` ago. Returns the
        sockets that were accepted then; those that are not yet are in doubt, too."""
        now_s = time.monotonic()
        begin_s, end_s = now_s - span_s, now_s - until_s
        self._doubted.update(c for c, at_s in self._connecting.items() if at_s <= end_s)
        openings = [client for at_s, client in self._openings if begin_s <= at_s <= end_s]
        return [client for client in openings if client in self.sockets]

    def socket_channel(self, client: str) -> str:
        """The reply channel of one of its sockets."""
        return reply_channel_name(WEBSOCKET_SEND, self.id, client)

    async def run(self, plan: Plan[T]) -> T:
        """Run a plan. Raises LayerUnavailable, also if the link has been stopped."""
        if self.driver is None:
            raise LayerUnavailable("the link to Redis has been stopped", was_sent=False)
        return await self.driver.run(plan)

    async def run_for_clients(self, plan: Plan[T]) -> T:
        """The same for what a client has sent: not while the server serves nobody."""
        if self.refusal is not None:
            raise LayerUnavailable(str(self.refusal), was_sent=False)
        return await self.run(plan)

    def submit(self, request: Request) -> None:
        """Run a request and ignore its fate."""
        if self.driver is not None:
            self.driver.submit(request)
