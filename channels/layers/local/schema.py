"""The tables of the local layer. Times are in seconds since 1970."""

#: The version of these tables. Processes of two versions can't share a folder.
VERSION = 1
#: A message's id is its queue's id, shifted by so many bits, and its place in the queue.
PLACE_BITS = 40
#: The place of the first message of a new queue: there is room before it and behind it.
FIRST_PLACE = 1 << (PLACE_BITS - 1)

#: What is counted of a queue lies in columns named as in `channel_statistics`.
TABLES = f"""
CREATE TABLE queues (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    pending INTEGER NOT NULL DEFAULT 0,        -- messages that can be received
    first INTEGER NOT NULL DEFAULT {FIRST_PLACE},  -- the first place in use
    behind INTEGER NOT NULL DEFAULT {FIRST_PLACE}, -- the first free place behind the last one
    next_due REAL,                             -- when the first of its late messages is due
    last_served REAL NOT NULL DEFAULT 0,
    touched_at REAL NOT NULL DEFAULT 0,
    rate_began REAL NOT NULL DEFAULT 0,
    rate_now INTEGER NOT NULL DEFAULT 0,
    rate_before INTEGER NOT NULL DEFAULT 0,
    messages_count INTEGER NOT NULL DEFAULT 0,
    channel_full_count INTEGER NOT NULL DEFAULT 0,
    expired_count INTEGER NOT NULL DEFAULT 0,
    dropped_count INTEGER NOT NULL DEFAULT 0,
    lost_count INTEGER NOT NULL DEFAULT 0,
    undecodable_count INTEGER NOT NULL DEFAULT 0,
    dead_letter_count INTEGER NOT NULL DEFAULT 0
);
-- The counts of queues that are no longer there.
CREATE TABLE retired (
    name TEXT PRIMARY KEY,
    count INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,                    -- queue and place
    clients TEXT NOT NULL,                     -- local parts, parted by spaces
    payload BLOB NOT NULL,
    sent_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    attempts INTEGER NOT NULL,
    deliveries INTEGER NOT NULL                -- how often a worker had it: acknowledged channels
);
-- Messages that are not due yet.
CREATE TABLE late (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    due REAL NOT NULL,
    clients TEXT NOT NULL,
    payload BLOB NOT NULL,
    attempts INTEGER NOT NULL
);
CREATE INDEX late_by_due ON late (queue, due);
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    at REAL NOT NULL,
    reason TEXT NOT NULL,
    clients TEXT NOT NULL,
    payload BLOB NOT NULL,
    attempts INTEGER NOT NULL
);
CREATE INDEX dead_letters_by_queue ON dead_letters (queue);
-- Messages of acknowledged channels that are with a worker.
CREATE TABLE owned (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    owner TEXT NOT NULL,                       -- the address of the process
    payload BLOB NOT NULL,
    sent_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    attempts INTEGER NOT NULL,
    deliveries INTEGER NOT NULL
);
CREATE TABLE members (
    group_name TEXT NOT NULL,
    queue TEXT NOT NULL,
    client TEXT NOT NULL,
    expires_at REAL,                           -- NULL: with its server
    PRIMARY KEY (group_name, queue, client)
) WITHOUT ROWID;
CREATE INDEX members_by_channel ON members (queue, client);
CREATE TABLE processes (
    kind TEXT NOT NULL,                        -- server, worker
    id TEXT NOT NULL,
    address TEXT NOT NULL,
    seen_at REAL NOT NULL,
    facts BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
-- What senders to a reply queue must know: of the queue (client is empty: live, stopped), of its
-- clients (held, gone).
CREATE TABLE states (
    queue TEXT NOT NULL,
    client TEXT NOT NULL,
    state TEXT NOT NULL,
    since REAL NOT NULL,
    PRIMARY KEY (queue, client)
) WITHOUT ROWID;
-- The open sockets of interface servers.
CREATE TABLE open_sockets (
    queue TEXT NOT NULL,
    client TEXT NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (queue, client)
) WITHOUT ROWID;
CREATE TABLE sessions (
    channel TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (channel, key)
) WITHOUT ROWID;
-- The order of a socket's messages; see channels.layers.memory.sockets.SocketOrder.
CREATE TABLE orders (
    channel TEXT PRIMARY KEY,
    condition TEXT NOT NULL,
    next INTEGER NOT NULL,
    running INTEGER,
    owner TEXT,                                -- the worker that runs it
    missed_at REAL,
    moved_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE parked (
    channel TEXT NOT NULL,
    number INTEGER NOT NULL,
    queue TEXT NOT NULL,
    payload BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (channel, number)
) WITHOUT ROWID;
-- When a session or an order was last used; or, for a socket that has been forgotten, until when
-- its stragglers are dropped.
CREATE TABLE touched (
    channel TEXT PRIMARY KEY,
    at REAL NOT NULL,
    forgotten INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
-- Who reads which queue, and which of them wait just now.
CREATE TABLE subscriptions (
    queue TEXT NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (queue, address)
) WITHOUT ROWID;
CREATE TABLE waiting (
    address TEXT PRIMARY KEY,
    since REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    value REAL NOT NULL
) WITHOUT ROWID;
"""

#: What `flush` empties: all but what living processes have to be found by.
FLUSHED = (
    "queues",
    "retired",
    "messages",
    "late",
    "dead_letters",
    "owned",
    "members",
    "processes",
    "states",
    "open_sockets",
    "sessions",
    "orders",
    "parked",
    "touched",
    "marks",
)
