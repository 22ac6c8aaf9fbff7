"""What an interface server and the worker that hosts one of its sockets say to one another.

A socket whose consumer is a class is hosted by one worker, its owner: that has the instance. The
server knows the owner's queue and the number of the ownership, which grows by one each time that
the socket gets another owner. Every message has a `type`.

To the server, on the socket's reply channel:

- OWN: the worker whose queue is `queue` owns the socket from now on, under `number`, and has
  handled the frames up to `order` and the messages up to `place`. What was held for it is let go,
  unless it was the owner before. `handles`: the events for the client that its consumer wants to
  see first. `keeps`: there will be checkpoints. `stays`: it can't move; let go what was held.
- HOLD: hold what comes for the socket, and put a FENCE into my queue. `number` as above.
- HAND_OVER: `instance` is what I put on the channel RESUME. The server keeps it until another
  worker owns the socket, and puts it there again if nobody does: who takes it may die at once.
- CHECKPOINT: `state` is what the instance was when it had handled frame `order` and message
  `place`; `events` are what it sent meanwhile.
- `websocket.accept`, `websocket.send` and `websocket.close` as in ASGI, with the queue of the owner
  in `from`. Without that they are anybody's, as a message to a group is.
- OWN_REQUEST, for an HTTP request: say on `channel` when the client has left.
- any other `type` is a message for the instance, from anybody: it goes on to the owner, as MEMBERS.

To the owner, on its queue, with `reply_channel` and `number` but for the last one:

- `websocket.receive` and `websocket.disconnect`: what the client did.
- FENCE: nothing more comes for this socket.
- MOVED: another worker owns the socket now, as you wished.
- GONE: the socket is not yours, or is closed: let go of the instance, unless its number is higher
  than `number`, which is None if there can't be a later one.
- MEMBERS: `message` is for the instances of `clients` of the server with the queue `server`, and
  `place` is its number among those of this server.

On the channel RESUME, for any worker with room: an instance that moves, or has lost its worker.
"""

from __future__ import annotations

from typing import Final

OWN: Final = "channels.own"
OWN_REQUEST: Final = "channels.own_request"
HOLD: Final = "channels.hold"
HAND_OVER: Final = "channels.hand_over"
CHECKPOINT: Final = "channels.checkpoint"
FENCE: Final = "channels.fence"
MOVED: Final = "channels.moved"
GONE: Final = "channels.gone"
MEMBERS: Final = "channels.members"

#: The channel on which instances wait for a worker.
RESUME: Final = "websocket.resume"

#: An instance may be offered several times. No copy of it waits for longer than this, in seconds.
COPIES_LIVE_S = 120.0
#: What stands behind the "!" of a worker's queue in the name of the channel that is sent to.
LOCAL_PART: Final = "host"
