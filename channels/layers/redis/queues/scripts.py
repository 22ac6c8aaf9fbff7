"""The scripts on queues, and what other scripts share with them."""

from channels.layers.redis.transport.wire import load, read_part

_HERE = "channels.layers.redis.queues"

ROOM_PART = read_part(_HERE, "room")
SENT_PART = read_part(_HERE, "sent")
SEND_PART = read_part(_HERE, "send")
ROWS_PART = read_part(_HERE, "rows")
DELAYS_PART = read_part(_HERE, "delays")
DEAD_LETTERS_PART = read_part(_HERE, "dead_letters")

SEND = load(_HERE, "send", ROOM_PART, SENT_PART, SEND_PART)
SEND_IN_ROW = load(_HERE, "send_in_row", ROOM_PART, SENT_PART, SEND_PART, ROWS_PART)
SEND_MANY = load(_HERE, "send_many", SENT_PART)
SEND_ONCE = load(_HERE, "send_once", ROOM_PART, SENT_PART, SEND_PART)
SEND_BATCH = load(_HERE, "send_batch", ROOM_PART, SENT_PART)
RECEIVE = load(_HERE, "receive")
DRAIN = load(_HERE, "drain")
DELAY = load(_HERE, "delay", DELAYS_PART)
PROMOTE = load(_HERE, "promote", SENT_PART, DELAYS_PART)
PUT_BACK = load(_HERE, "put_back")
