"""The scripts on one socket: its session, and the order of its messages."""

from channels.layers.redis.queues.scripts import ROOM_PART, ROWS_PART, SEND_PART, SENT_PART
from channels.layers.redis.transport.scripts import load, read_part

ORDER_PART = read_part(__package__, "order")
FINISH_PART = read_part(__package__, "finish")

BEGIN = load(__package__, "begin", ORDER_PART)
FINISH = load(__package__, "finish", ORDER_PART, FINISH_PART, ROWS_PART)
REPLY_AND_FINISH = load(
    __package__, "reply_and_finish", ROOM_PART, SENT_PART, SEND_PART, ORDER_PART, FINISH_PART
)
LOOK = load(__package__, "look")
MEND = load(__package__, "mend", ORDER_PART)
FORGET = load(__package__, "forget")
KEEP_SESSION = load(__package__, "keep_session")
