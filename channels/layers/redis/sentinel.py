"""`RedisSentinelChannelLayer`: the Redis layer over masters that Redis Sentinel names."""

from collections.abc import Sequence
from typing import Any

from channels.layers.redis.layer import RedisChannelLayer
from channels.layers.redis.transport.hosts import Host
from channels.layers.redis.transport.sentinel import SentinelHost, find_services, parse_sentinels


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

    def __init__(
        self,
        *,
        hosts: Sequence[Any] | None = None,
        services: Sequence[str] | None = None,
        sentinel_refresh_interval: float | None = None,
        **config: Any,
    ) -> None:
        if isinstance(services, str):
            raise ValueError(f"services must be a list, as in [{services!r}], not one string")
        self._services = list(services or ())
        super().__init__(hosts=hosts, **config)

    def _make_hosts(
        self, hosts: Sequence[Any] | None, connection_kwargs: dict[str, Any]
    ) -> Sequence[Host]:
        sentinels = parse_sentinels(hosts)
        services = self._services or find_services(sentinels, connection_kwargs)
        has_others = len(services) > 1
        return [
            SentinelHost(sentinels, name, connection_kwargs, has_others=has_others)
            for name in services
        ]
