"""What a layer holds, and for how long, where its CONFIG does not say."""

#: Seconds an unread message lives. Channels 1.x default.
EXPIRY_S = 60
#: Seconds a group membership lives without another group_add. Channels 1.x default: one day.
GROUP_EXPIRY_S = 86_400
#: Messages a channel holds before it is full. Channels 1.x default.
CAPACITY = 100
#: The same for websocket.receive, unless `capacity` is given. Frames come in bursts: where 500
#: clients speak at once, a capacity of 100 would close the sockets of 400.
FRAMES_CAPACITY = 1_000
#: The largest packed message, in bytes: 1 MiB, as the 1.x message format asked layers to carry.
MAX_MESSAGE_BYTES = 1024 * 1024
#: One queue serves all sockets of an interface server, of a worker, or of a process that runs class
#: consumers by itself: it holds far more than one channel does; and a worker that stops hands over
#: all of its sockets at about the same time.
DEFAULT_CHANNEL_CAPACITY = {
    "specific.*!*": 5_000,
    "websocket.send.*!*": 5_000,
    "worker.*!*": 5_000,
    "websocket.resume": 10_000,
}
#: Messages of one socket that may wait for an earlier one before the socket is given up (1013).
ORDERED_BACKLOG = 1_000
