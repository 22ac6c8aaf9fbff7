"""The scripts on groups."""

from channels.layers.redis.queues.scripts import ROOM_PART, SENT_PART
from channels.layers.redis.transport.scripts import load

ADD = load(__package__, "add")
JOIN = load(__package__, "join")
PRUNE = load(__package__, "prune")
PUSH = load(__package__, "push", ROOM_PART, SENT_PART)
MEMBERS = load(__package__, "members")
RENEW = load(__package__, "renew")
