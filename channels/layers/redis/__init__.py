"""The Redis channel layers."""

from channels.layers.redis.cluster import RedisClusterChannelLayer
from channels.layers.redis.layer import (
    RedisChannelLayer,
    RedisLocalChannelLayer,
    RedisSentinelChannelLayer,
)

__all__ = [
    "RedisChannelLayer",
    "RedisClusterChannelLayer",
    "RedisLocalChannelLayer",
    "RedisSentinelChannelLayer",
]
