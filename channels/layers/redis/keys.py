"""Which Redis key holds what, and which host it is on.

Every key has a hash tag, so that the keys of one script call share a slot of a Redis Cluster:

    <prefix>{<tag>}:q:<queue>     list of envelopes
    <prefix>{<tag>}:n:<queue>     hash of counts
    <prefix>{<tag>}:later:<queue> sorted set of delayed messages
    <prefix>{<tag>}:dead:<queue>  stream of dead letters
    <prefix>{<tag>}:s:<queue>     stream of the messages of an acknowledged channel
    <prefix>{<tag>}:in:<queue>:<group>  sorted set of a group's members in one process
    <prefix>{<tag>}:of:<channel>  set of the groups a client is in
    <prefix>{<tag>}:session:<channel>, :order:<channel>   hashes of one socket
    <prefix>{<tag>}:mark:<id>     that one message of a pipeline was refused
    <prefix>{<tag>}:once          sorted set of the disconnects that were sent lately
    <prefix>{<tag>}:batch:<id>    the number of an interface server's latest batch of frames
    <prefix>{<tag>}:alive, :known, :sockets, :clients, :running, :waiting  of one interface server
    <prefix>{g.<group>}           sorted set of the queues with members in a group, on two hosts
    <prefix>{registry}:<kind>     sorted set of processes, and :facts beside it

The tag of `websocket.send.Hk3f!2a` and of `http.response.Hk3f!` is `Hk3f`: all that belongs to one
interface server lies together. The tag of a channel without a `!` is its name.
"""

import functools
import hashlib
from collections.abc import Iterable

from channels.layers import names

#: Life of what a socket keeps in the layer; its server renews it much more often (see
#: presence/link.py).
SOCKET_STATE_TTL_MS = 7 * 86_400_000


class Keyspace:
    """Names of keys below one prefix, spread over `host_count` hosts."""

    def __init__(self, prefix: str, host_count: int) -> None:
        self.prefix = prefix
        self.host_count = host_count
        self.ranking = functools.lru_cache(maxsize=8192)(self._ranking)
        self._known_queue = functools.lru_cache(maxsize=8192)(self._make_queue)

    def _ranking(self, tag: str) -> tuple[int, ...]:
        """The hosts of a tag, by rendezvous hashing: the first has its keys, the next one takes
        over if that is away. One host more takes over 1/n of the tags."""
        return tuple(
            sorted(
                range(self.host_count),
                key=lambda host: hashlib.blake2b(f"{host}:{tag}".encode(), digest_size=8).digest(),
            )
        )

    def host_of(self, tag: str) -> int:
        """The host that has the keys of a tag."""
        return self.ranking(tag)[0]

    def queue(self, channel: str) -> "QueueKeys":
        """The QueueKeys of the queue that holds `channel`'s messages: all clients of a process
        share one, and nearly each request is a client of its own."""
        return self._known_queue(names.queue_name(channel))

    def _make_queue(self, name: str) -> "QueueKeys":
        tag = tag_of(name)
        return QueueKeys(name, tag, f"{self.prefix}{{{tag}}}:", self.host_of(tag))

    def hosts_of(self, all_keys: Iterable["QueueKeys"]) -> tuple[int, ...]:
        """The hosts on which a reader of these queues must look."""
        all_keys = list(all_keys)
        if any(keys.is_plain for keys in all_keys):
            return tuple(range(self.host_count))
        return tuple(sorted({keys.host for keys in all_keys}))

    def client(self, channel: str, kind: str) -> str:
        """The key of one client's state: `kind` is "session", "order" or "of"."""
        return f"{self.prefix}{{{tag_of(channel)}}}:{kind}:{channel}"

    def mark(self, channel: str, name: str) -> str:
        """The key of the mark of one row: see queues/part_rows.lua."""
        return f"{self.prefix}{{{tag_of(channel)}}}:mark:{name}"

    def batch(self, tag: str, sender: str) -> str:
        """The key of the latest numbered batch of one sender: see send_batch.lua."""
        return f"{self.prefix}{{{tag}}}:batch:{sender}"

    def once(self, tag: str) -> str:
        """The key of what was sent to a queue lately that must not come twice: send_once.lua."""
        return f"{self.prefix}{{{tag}}}:once"

    def server(self, tag: str, kind: str) -> str:
        """The key of one interface server's state."""
        return f"{self.prefix}{{{tag}}}:{kind}"

    def members(self, queue: str, group: str) -> str:
        """The key of a group's members in one process."""
        return f"{self.prefix}{{{tag_of(queue)}}}:in:{queue}:{group}"

    def group(self, group: str) -> str:
        """The key of the queues that have members in a group."""
        return f"{self.prefix}{{g.{group}}}"

    def group_hosts(self, group: str) -> tuple[int, ...]:
        """The hosts of that key: two, if there are as many, so that a group outlives one."""
        return self.ranking(f"g.{group}")[:2]

    def registry(self, kind: str) -> str:
        """The key of the registry of one kind of process."""
        return f"{self.prefix}{{registry}}:{kind}"


class QueueKeys:
    """The keys of one queue, made once."""

    __slots__ = (
        "counts",
        "dead",
        "host",
        "is_for_anybody",
        "is_plain",
        "is_single_reader",
        "known",
        "later",
        "name",
        "owner",
        "queue",
        "sockets",
        "states",
        "stream",
        "tag",
    )

    def __init__(self, name: str, tag: str, base: str, host: int) -> None:
        self.name, self.tag, self.host = name, tag, host
        self.queue = f"{base}q:{name}"
        self.counts = f"{base}n:{name}"
        self.later = f"{base}later:{name}"
        self.dead = f"{base}dead:{name}"
        self.stream = f"{base}s:{name}"
        self.states = f"{base}clients"
        self.known = f"{base}known"
        self.sockets = f"{base}sockets"
        #: Who reads it: the "sockets" or the "requests" of an interface server, or another
        #: "process" that shows that it lives; "": somebody else.
        self.owner = _owner_of(name)
        self.is_single_reader = "?" in name
        self.is_plain = "?" not in name and "!" not in name
        #: Whether its messages are of no client's socket, nor for one reader.
        self.is_for_anybody = self.is_plain and not name.startswith("websocket.")


def tag_of(channel: str) -> str:
    """Return the hash tag of a channel's keys."""
    head, mark, _ = channel.partition("!")
    return head.rpartition(".")[2] if mark else channel


def _owner_of(queue: str) -> str:
    if not queue.endswith("!"):
        return ""
    if names.is_socket(queue):
        return "sockets"
    if names.is_of_process(queue):
        return "process"
    return "requests" if names.is_response(queue) else ""
