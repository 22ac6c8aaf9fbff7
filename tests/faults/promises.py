"""What hurt the users of Channels 1.x, from its issue threads and its code, and what holds here.

The numbers are those by which scenarios, the page and commit messages name a row.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Promise:
    """One row: what hurt in 1.x, and what must hold here."""

    row: int
    hurt: str
    holds: str


#: Rows of channel layers that are not here (yet).
LATER: dict[int, str] = {}

_ROWS = [
    ("group sends lose messages in big groups",
     "1,000 sockets on one server, 50 broadcasts at 1/s: 50,000 of 50,000 frames, p99 of the "
     "fan-out < 1 s; a drop is counted, and only the slow socket is closed"),
    ("an ordered socket wedges for ever when its wait queue fills",
     "one socket, 500 frames in a burst, 20 ms consumer, 4 workers: 500 in order, once each; or "
     "1013 and exactly one disconnect"),
    ("a Redis restart leaves half-dead sockets and long hangs",
     "200 sockets, Redis wiped and down for 10 s: all closed within 5 s of its return, 503 in "
     "< 1 s meanwhile, all well 5 s after"),
    ("worker threads die on a Redis error and stay dead",
     "all client connections killed 20 times: every thread still consumes"),
    ("ChannelFull crashes workers during a backlog",
     "a reply channel kept full, 20,000 waiting: no worker exits, the backlog falls steadily"),
    ("queued messages expire silently",
     "workers away for longer than the expiry with 50 queued: 50 counted and logged as expired; "
     "the expiry can be set per channel"),
    ("one slow consumer starves the site",
     "10 jobs of 60 s on a channel with a worker of its own: http.request p99 < 200 ms"),
    ("an exception in an ordered consumer stalls the socket",
     "frame 3 of 10 raises: 4 to 10 run, one error is logged, with socket and order"),
    ("handshakes fail at random after 5 s",
     "a connect consumer of 8 s with a limit of 20 s opens; 500 connects at 50/s: none reset"),
    ("connection storms fail",
     "2,000 connects in 10 s: each opens or gets a clear 503; all are open within 30 s"),
    ("the default capacity saturates at trivial load",
     "50 clients that ask every 2 s, 2 workers: no refusal in 10 minutes; any excess gets 503 with "
     "Retry-After, never a hang"),
    ("ordering races strand frames",
     "100 sockets × 1,000 frames, 8 workers, random 0–20 ms: none stuck, none out of order"),
    ("ConsumeLater spins, drops or duplicates",
     "ready after 3 s: runs once, at most 10 requeues a second; giving up: one log line and a dead "
     "letter"),
    ("disconnects get lost",
     "500 sockets leave while websocket.disconnect is full: 500 disconnects run; a killed server's "
     "disconnects are made up for within 60 s"),
    ("dead members stay in groups for a day",
     "1,000 sockets vanish without a discard: group size 0 within 2 minutes"),
    ("live sockets are cut off by an expiry",
     "group_expiry 10 s, a socket open for 60 s: 60 of 60 broadcasts arrive"),
    ("receive runs before connect is done",
     "connect takes 2 s, the client sends at once: 0 of 1,000 receive first"),
    ("SIGTERM is not graceful",
     "SIGTERM with 8 jobs of 5 s: all finish, exit 0 within 6 s; idle exit within 1 s; nothing is "
     "taken and not run"),
    ("messages die with the worker",
     "one of 4 workers killed 50 times in 100,000 messages: lost ≤ what was running; on "
     "acknowledged channels 0 lost"),
    ("a worker hangs on a vanished client's full reply channel",
     "server killed in the middle of a 100 MB response: the worker is free within 10 s"),
    ("large or streamed responses fail",
     "a 1 GB stream to a slow client completes, worker memory grows < 20 MB"),
    ("503 in the middle of a long response",
     "http_timeout 5 s: a stream of 30 s completes"),
    ("an upload goes as one message, all in memory",
     "1 GB upload: server < 100 MB, Redis < 50 MB, the view streams it; over the limit: 413 before "
     "the body is read"),
    ("Redis fills with message bodies",
     "10,000 requests: the key count is back where it was within 2 s"),
    ("Redis fills with group records",
     "10,000 connects and disconnects: 0 keys more"),
    ("idle CPU and polling",
     "one server and 4 workers idle: < 1 % CPU in all, < 2 Redis commands a second each"),
    ("latency: 10–50 ms for an echo",
     "echo p50 ≤ 2 × in process; HTTP ≥ 90 % of gunicorn with as many workers"),
    ("duplicates after restarts",
     "20 restarts at 200 messages/s: 0 duplicates"),
    ("sends wait until the consumer ends",
     "immediately=True once a second: each arrives within 100 ms"),
    ("a forgotten old worker eats messages; deploys drop sockets",
     "rolling restart of 8 workers, 500 sockets at 100 messages/s: none closed, none lost; the "
     "status shows each worker's code version"),
    ("database connections pile up",
     "16 threads, CONN_MAX_AGE 0: 0 connections when idle; a database restart costs at most one "
     "error a thread"),
    ("channel sessions pile up",
     "10,000 connects and disconnects: ≤ 10 session records after a minute"),
    ("the user is anonymous on the socket",
     "log in, connect, receive, disconnect with a lag of 500 ms: the same user 1,000 of 1,000; "
     "wrong decorators raise at start-up"),
    ("signed-cookie sessions don't work",
     "they do, with no setting"),
    ("two projects on one Redis mix",
     "two projects, one Redis, default settings: start-up is refused with the setting to change "
     "named, or nothing crosses"),
    ("shards and failover stall",
     "2 hosts: p99 as with one; one killed: ≤ 5 s of trouble"),
    ("RabbitMQ never reconnects", "broker restarted: well again within 10 s"),
    ("the IPC layer is fragile",
     "100 starts and stops with kill -9 among them: 100 work, nothing left behind"),
    ("demultiplexer against ordering",
     "3 ordered streams on one socket: each sees connect, 100 frames, disconnect, in order"),
    ("the delay server loses or stops",
     "1,000 due at once onto a channel of capacity 100: 1,000 delivered; a malformed one is "
     "logged, the server lives"),
    ("back-pressure at the edges",
     "websocket.connect full: 503, no open socket that the application never heard of"),
    ("no denial, no close codes, foreign Origins",
     "a foreign Origin gets 403; close 4001 reaches the client and the disconnect consumer"),
    ("wrong client address behind a proxy",
     "behind nginx, on TCP and a Unix socket: the real address and scheme, HTTP and WebSocket; an "
     "untrusted X-Forwarded-For is ignored"),
    ("memory grows",
     "100,000 requests and 20,000 sockets: < 10 % growth after the warm-up"),
    ("errors are opaque",
     "each consumer error reaches one hook with channel, socket and worker; mismatched versions "
     "refuse to start"),
]  # fmt: skip

#: Rows that came later: what an ordinary bad moment did to this project itself, at first.
_LATER_ROWS = {
    46: ("Redis stands still for 5 s, is slow, or loses packets: most sockets are closed",
         "2,000 sockets, Redis still for 25 s: all go on, every frame once, in order; so with 5 % "
         "of packets lost for 20 s, 20 ms of latency, and 20 cuts"),
    47: ("an interface server stands still for 5 s: half of its sockets are closed",
         "all go on, every frame once, in order"),
    48: ("a worker stands still, or none is there for a while: sockets are closed",
         "nobody is closed for a trouble that ends within websocket_patience (30 s)"),
    50: ("four clients that read slowly: no page for anybody for a minute",
         "100 clients at 20 KB/s, four worker threads: p99 of all others < 200 ms"),
    51: ("a body longer than its Content-Length is read as the next response",
         "never more than was announced; what is shorter is broken off"),
    58: ("20 ms to Redis and more requests than can be served: a quarter is answered",
         "half to four times the capacity: goodput stays at 80 % of the best; the rest gets 503 "
         "with Retry-After within a second"),
    52: ("an interface server is frozen for 90 s: its disconnects run twice",
         "once for each socket, whatever the length"),
    49: ("Redis loses its last half second: ordered sockets stall for 30 s, frames run twice",
         "within 2 s each socket goes on, every frame once, or is closed with 1012; it is told"),
    53: ("who can write to Redis, and has no key, moves and replays encrypted messages",
         "a message is bound to its channel, client and expiry; a replay is dropped where it can "
         "be known; the log says why"),
    54: ("encryption keys are rotated as [new, old] beside [old]: most frames have no answer",
         "refused, with the key's fingerprint; in three steps every frame is answered"),
    55: ("a junk entry in the registry keeps new processes from starting",
         "told, removed, not obeyed"),
    56: ("a worker is killed with a plain message in its hands: it is counted nowhere",
         "what it is known to have run is counted as lost, and told; disconnects, where their "
         "channel is acknowledged, run in another worker"),
    57: ("a worker is killed while it runs an ordered message: its socket stalls for 32 s",
         "its socket goes on within 5 s"),
    70: ("class consumers, Channels 2 to 4: a deploy drops every socket",
         "2,000 sockets at 500 frames a second, a rolling restart of 4 workers: none closed, no "
         "frame lost, twice or out of order, none waits longer than 500 ms"),
    71: ("class sockets that move while Redis stands still",
         "none closed, no frame lost, twice or out of order"),
    72: ("a worker is killed that hosts class sockets with checkpoints",
         "all go on within 15 s, every frame once, in order"),
    73: ("a worker that hosts class sockets with checkpoints is frozen, and comes back",
         "all go on with others, every frame once; it lets go of them"),
}  # fmt: skip

#: Row number -> Promise.
PROMISES = {
    row: Promise(row, hurt, holds)
    for row, (hurt, holds) in {**dict(enumerate(_ROWS, 1)), **_LATER_ROWS}.items()
}
