"""The scripts on processes: signs of life and the registry."""

from channels.layers.redis.transport.wire import load

_HERE = "channels.layers.redis.presence"

BEAT = load(_HERE, "beat")
REGISTER = load(_HERE, "register")
CLAIM = load(_HERE, "claim")
DEAD = load(_HERE, "dead")
LIVING = load(_HERE, "living")
