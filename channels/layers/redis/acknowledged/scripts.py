"""The scripts on acknowledged channels."""

from channels.layers.redis.queues.scripts import (
    DEAD_LETTERS_PART,
    DELAYS_PART,
    ROOM_PART,
    SENT_PART,
)
from channels.layers.redis.transport.wire import load, read_part

_HERE = "channels.layers.redis.acknowledged"

STREAM_PART = read_part(_HERE, "stream")

SEND = load(_HERE, "send", ROOM_PART, SENT_PART, STREAM_PART)
READ = load(_HERE, "read", DEAD_LETTERS_PART, STREAM_PART)
END = load(_HERE, "end", DELAYS_PART, DEAD_LETTERS_PART, STREAM_PART)
PUT = load(_HERE, "put", STREAM_PART)
PROMOTE = load(_HERE, "promote", SENT_PART, DELAYS_PART, STREAM_PART)
KEEP = load(_HERE, "keep", DEAD_LETTERS_PART, STREAM_PART)
