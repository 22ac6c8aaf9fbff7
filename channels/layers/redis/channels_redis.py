"""The Redis layer, for settings that were written for the package channels_redis (2 to 4).

Source of the options: https://pypi.org/project/channels-redis/, "Usage".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from channels.layers.redis.layer import RedisChannelLayer
from channels.layers.redis.transport.addresses import parse_hosts
from channels.layers.redis.transport.hosts import Host
from channels.layers.redis.transport.sentinel import SentinelHost, parse_sentinels

#: What channels_redis puts before its keys, if the settings name nothing else.
PREFIX = "asgi"
DEFAULT_PORT = 6379


class ChannelsRedisLayer(RedisChannelLayer):  # type: ignore[misc]
    """A RedisChannelLayer that takes the options of both layers of channels_redis.

    Args:
        hosts: a list of URLs, (host, port) pairs and dicts: of an `address` (one of these), of
            `host`, `port`, `db`, or of `sentinels` and a `master_name`; with what redis-py's
            connections to that host take besides.
        prefix: put before every key.
        symmetric_encryption_keys: a list; the first encrypts messages, all decrypt them.
        config: those of RedisChannelLayer; all others have no effect here.
    """

    #: Option -> why it has no effect.
    without_effect: ClassVar[Mapping[str, str]] = {
        "random_prefix_length": "messages carry nothing random",
        "serializer_format": "messages are packed as MessagePack",
        "on_connect": "connections belong to the layer, and come back by themselves",
        "on_disconnect": "a connection that breaks comes back by itself, and the log tells it",
        "on_reconnect": "what a socket is a member of outlives a connection",
        "channel_layer": "there is one layer for all event loops of a process",
    }

    def __init__(
        self,
        hosts: Sequence[Any] | None = None,
        prefix: str = PREFIX,
        symmetric_encryption_keys: Sequence[Any] | None = None,
        random_prefix_length: object = None,
        serializer_format: object = None,
        on_connect: object = None,
        on_disconnect: object = None,
        on_reconnect: object = None,
        channel_layer: object = None,
        **config: Any,
    ) -> None:
        super().__init__(
            hosts=hosts,
            prefix=f"{prefix}:" if isinstance(prefix, str) else prefix,
            symmetric_encryption_keys=symmetric_encryption_keys or (),
            **config,
        )

    def _make_hosts(
        self, hosts: Sequence[Any] | None, connection_kwargs: Mapping[str, Any]
    ) -> list[Host]:
        if isinstance(hosts, (str, bytes)):
            raise ValueError(f"hosts must be a list, as in [{hosts!r}], not one string")
        described = list(hosts or [("localhost", DEFAULT_PORT)])
        return [
            _make_host(one, connection_kwargs, has_others=len(described) > 1) for one in described
        ]


def _make_host(described: Any, common: Mapping[str, Any], *, has_others: bool) -> Host:
    if not isinstance(described, Mapping):
        return Host(parse_hosts([described])[0], dict(common), has_others=has_others)
    options = {**common, **described}
    if "master_name" in options or "sentinels" in options:
        return _make_sentinel_host(options, has_others)
    address = options.pop("address", None)
    if address is None:
        address = _make_url(options)
    return Host(parse_hosts([address])[0], options, has_others=has_others)


def _make_sentinel_host(options: dict[str, Any], has_others: bool) -> Host:
    lacking = {"master_name", "sentinels"} - options.keys()
    if lacking:
        raise ValueError(f"a host with Sentinels needs {' and '.join(sorted(lacking))}")
    sentinels = parse_sentinels(options.pop("sentinels"))
    name = options.pop("master_name")
    if options.get("sentinel_kwargs") is None:
        options.pop("sentinel_kwargs", None)
    return SentinelHost(sentinels, name, options, has_others=has_others)


def _make_url(options: dict[str, Any]) -> str:
    database = options.pop("db", 0)
    if "path" in options:
        return f"unix://{options.pop('path')}?db={database}"
    host, port = options.pop("host", "localhost"), options.pop("port", DEFAULT_PORT)
    scheme = "rediss" if options.pop("ssl", False) else "redis"
    name = f"[{host}]" if ":" in str(host) else host
    return f"{scheme}://{name}:{port}/{database}"
