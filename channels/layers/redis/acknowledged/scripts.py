"""The scripts on acknowledged channels."""

from channels.layers.redis.queues.scripts import (
    DEAD_LETTERS_PART,
    DELAYS_PART,
    ROOM_PART,
    SENT_PART,
)
from channels.layers.redis.transport.scripts import load, read_part

STREAM_PART = read_part(__package__, "stream")

SEND = load(__package__, "send", ROOM_PART, SENT_PART, STREAM_PART)
READ = load(__package__, "read", DEAD_LETTERS_PART, STREAM_PART)
END = load(__package__, "end", DELAYS_PART, DEAD_LETTERS_PART, STREAM_PART)
PUT = load(__package__, "put", STREAM_PART)
PROMOTE = load(__package__, "promote", SENT_PART, DELAYS_PART, STREAM_PART)
KEEP = load(__package__, "keep", DEAD_LETTERS_PART, STREAM_PART)
