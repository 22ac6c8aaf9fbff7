"""The scripts on processes: signs of life and the registry."""

from channels.layers.redis.transport.scripts import load

BEAT = load(__package__, "beat")
REGISTER = load(__package__, "register")
CLAIM = load(__package__, "claim")
DEAD = load(__package__, "dead")
LIVING = load(__package__, "living")
