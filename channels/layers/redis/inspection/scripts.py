"""The scripts on dead letters."""

from channels.layers.redis.acknowledged.scripts import STREAM_PART
from channels.layers.redis.queues.scripts import DEAD_LETTERS_PART, SENT_PART
from channels.layers.redis.transport.wire import load

_HERE = "channels.layers.redis.inspection"

BURY = load(_HERE, "bury", DEAD_LETTERS_PART)
REPLAY = load(_HERE, "replay", SENT_PART, STREAM_PART)
