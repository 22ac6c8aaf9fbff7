"""The Redis channel layers."""

from typing import Any

from channels.layers.redis.cluster import RedisClusterChannelLayer
from channels.layers.redis.layer import RedisChannelLayer
from channels.layers.redis.sentinel import RedisSentinelChannelLayer

__all__ = [
    "RedisChannelLayer",
    "RedisClusterChannelLayer",
    "RedisLocalChannelLayer",
    "RedisSentinelChannelLayer",
]


class RedisLocalChannelLayer(RedisChannelLayer):
    """`asgi_redis.RedisLocalChannelLayer`: kept for its name. Its second, local Redis
    (`local_hosts`) is not needed: what one process reads lies on one host anyway."""

    def __init__(self, *, local_hosts: Any = None, **config: Any) -> None:
        super().__init__(**config)
