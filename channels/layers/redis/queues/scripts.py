"""The scripts on queues, and what other scripts share with them."""

from channels.layers.redis.transport.scripts import load, read_part

ROOM_PART = read_part(__package__, "room")
SENT_PART = read_part(__package__, "sent")
SEND_PART = read_part(__package__, "send")
ROWS_PART = read_part(__package__, "rows")
DELAYS_PART = read_part(__package__, "delays")
DEAD_LETTERS_PART = read_part(__package__, "dead_letters")

SEND = load(__package__, "send", ROOM_PART, SENT_PART, SEND_PART)
SEND_IN_ROW = load(__package__, "send_in_row", ROOM_PART, SENT_PART, SEND_PART, ROWS_PART)
SEND_MANY = load(__package__, "send_many", SENT_PART)
RECEIVE = load(__package__, "receive")
DRAIN = load(__package__, "drain")
DELAY = load(__package__, "delay", DELAYS_PART)
PROMOTE = load(__package__, "promote", SENT_PART, DELAYS_PART)
PUT_BACK = load(__package__, "put_back")
