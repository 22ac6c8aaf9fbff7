"""The scripts on groups."""

from channels.layers.redis.queues.scripts import ROOM_PART, SENT_PART
from channels.layers.redis.transport.wire import load

_HERE = "channels.layers.redis.groups"

ADD = load(_HERE, "add")
JOIN = load(_HERE, "join")
PRUNE = load(_HERE, "prune")
PUSH = load(_HERE, "push", ROOM_PART, SENT_PART)
MEMBERS = load(_HERE, "members")
RENEW = load(_HERE, "renew")
