"""The scripts on one socket: its session, and the order of its messages."""

from channels.layers.redis.queues.scripts import ROOM_PART, ROWS_PART, SEND_PART, SENT_PART
from channels.layers.redis.transport.wire import load, read_part

_HERE = "channels.layers.redis.ordering"

ORDER_PART = read_part(_HERE, "order")
FINISH_PART = read_part(_HERE, "finish")

BEGIN = load(_HERE, "begin", ORDER_PART)
FINISH = load(_HERE, "finish", ORDER_PART, FINISH_PART, ROWS_PART)
REPLY_AND_FINISH = load(
    _HERE, "reply_and_finish", ROOM_PART, SENT_PART, SEND_PART, ORDER_PART, FINISH_PART
)
LOOK = load(_HERE, "look")
NEXT_ORDERS = load(_HERE, "next_orders")
MEND = load(_HERE, "mend", ORDER_PART)
FORGET = load(_HERE, "forget")
KEEP_SESSION = load(_HERE, "keep_session")
