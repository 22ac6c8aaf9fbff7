"""Masters that a set of Sentinels names."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.retry
import redis.asyncio.sentinel
import redis.retry
import redis.sentinel
from redis.backoff import NoBackoff

from channels.exceptions import LayerUnavailable
from channels.layers.redis.transport.addresses import HostAndPort
from channels.layers.redis.transport.hosts import Host

#: Seconds to wait for one Sentinel; the time for a connection to a master goes on meanwhile.
TIMEOUT_S = 0.5
DEFAULT_SENTINELS = (("localhost", 26379),)


class SentinelHost(Host):
    """The master of a service; the Sentinels are asked for it again at each connection."""

    has_successors = True

    def __init__(
        self,
        sentinels: Sequence[HostAndPort],
        service: str,
        connection_kwargs: dict[str, Any],
        *,
        has_others: bool = False,
    ) -> None:
        super().__init__(f"sentinel://{service}", connection_kwargs, has_others=has_others)
        self._sentinel_options = _sentinel_options(self._options)
        self._options.pop("sentinel_kwargs", None)
        self.name = f"{service} (by Sentinel)"
        self._sentinels, self._service = sentinels, service

    def _make(self, library: Any, options: dict[str, Any]) -> Any:
        is_sync = library is redis
        base = library.SSLConnection if options.pop("ssl", False) else library.Connection
        find = self._find_master if is_sync else self._afind_master
        return finding_connection(base, is_sync)(find, **options)

    def _manager(self, library: Any) -> Any:
        options = _once(library, self._sentinel_options)
        return library.sentinel.Sentinel(self._sentinels, sentinel_kwargs=options)

    def _find_master(self) -> HostAndPort:
        manager = self._manager(redis)
        try:
            return self._note_first(manager, manager.discover_master(self._service))
        finally:
            for client in manager.sentinels:
                client.close()

    async def _afind_master(self) -> HostAndPort:
        manager = self._manager(redis.asyncio)
        try:
            return self._note_first(manager, await manager.discover_master(self._service))
        finally:
            for client in manager.sentinels:
                await client.aclose()

    def _note_first(self, manager: Any, address: HostAndPort) -> HostAndPort:
        """The Sentinel that answered is asked first the next time: others may be away."""
        place = manager.sentinels[0].connection_pool.connection_kwargs
        first = (place["host"], place["port"])
        self._sentinels = sorted(self._sentinels, key=lambda sentinel: sentinel != first)
        return address


# Not redis-py's own connections for Sentinel: they need a pool that lives on, with connections to
# the Sentinels that stay open.
@functools.cache
def finding_connection(base: Any, is_sync: bool) -> Any:
    """A subclass of a redis-py connection that finds out where to connect to."""

    class Connection(base):  # type: ignore[misc]
        def __init__(self, find_master: Callable[[], Any], **options: Any) -> None:
            self._find_master = find_master
            super().__init__(**options)

    class SyncConnection(Connection):
        def connect(self) -> None:
            self.host, self.port = self._find_master()
            super().connect()

    class AsyncConnection(Connection):
        async def connect(self) -> None:
            self.host, self.port = await self._find_master()
            await super().connect()

    return SyncConnection if is_sync else AsyncConnection


def parse_sentinels(hosts: Sequence[Any] | None) -> list[HostAndPort]:
    """Return (host, port) pairs for the `hosts` of a CONFIG. Raises ValueError."""
    if isinstance(hosts, str):
        raise ValueError("hosts must be a list, as in [('localhost', 26379)], not one string")
    return [_parse_sentinel(*one) for one in enumerate(hosts or DEFAULT_SENTINELS)]


def _parse_sentinel(place: int, host: Any) -> HostAndPort:
    if isinstance(host, (tuple, list)) and len(host) == 2:
        return str(host[0]), int(host[1])
    raise ValueError(  # which may be a URL with a password
        f"hosts[{place}] must be the (host, port) pair of a Sentinel, got {type(host).__name__}; "
        "a password is `sentinel_kwargs` in connection_kwargs"
    )


def find_services(sentinels: Sequence[HostAndPort], connection_kwargs: dict[str, Any]) -> list[str]:
    """Ask the Sentinels, one after the other until one answers, for the names of their masters.

    Returns a sorted list, the same in each process. Raises LayerUnavailable if none answers, and
    ValueError if there are no masters.
    """
    troubles = []
    for host, port in sentinels:
        options = _once(redis, _sentinel_options(connection_kwargs))
        try:
            with redis.Redis(host, port, **options) as client:
                masters: Any = client.sentinel_masters()
                found = sorted(masters)
        except redis.RedisError as error:
            troubles.append(f"{host}:{port}: {error}")
            continue
        if not found:
            raise ValueError(f"the Sentinel at {host}:{port} knows of no master: name `services`")
        return found
    raise LayerUnavailable(
        f"no Sentinel could be asked for its masters ({'; '.join(troubles)}): start one, or name "
        "`services` in CONFIG",
        was_sent=False,
    )


def _sentinel_options(options: dict[str, Any]) -> dict[str, Any]:
    """Options of the connections to the Sentinels themselves."""
    return {
        "socket_connect_timeout": TIMEOUT_S,
        "socket_timeout": TIMEOUT_S,
        "protocol": options.get("protocol", 2),
        **options.get("sentinel_kwargs", {}),
    }


def _once(library: Any, options: dict[str, Any]) -> dict[str, Any]:
    """`options` of a client that tries once: there are other Sentinels."""
    return {**options, "retry": library.retry.Retry(NoBackoff(), 0)}
