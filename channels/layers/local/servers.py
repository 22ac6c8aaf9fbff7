"""Which processes live, and which clients of interface servers can't be written to."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence

from channels.layers.memory.servers import REMEMBERED_S, is_of_sockets
from channels.layers.names import REPLY_KINDS, reply_channel_name

__all__ = ["Servers", "is_of_sockets", "reply_queues"]


def reply_queues(server_id: str) -> list[str]:
    """The names of a server's reply queues."""
    return [reply_channel_name(kind, server_id, "") for kind in REPLY_KINDS]


class Servers:
    """The registry of processes, and what senders must know of the servers' clients."""

    def __init__(self, sql: sqlite3.Connection, now: float) -> None:
        self._sql, self._now = sql, now

    # -- processes ----------------------------------------------------------------------------

    def enter(self, kind: str, process_id: str, address: str, facts: bytes) -> None:
        """Show that a process lives; `address` is where it can be asked. `kind` is "server" or
        "worker"."""
        self._sql.execute(
            "INSERT OR REPLACE INTO processes VALUES (?, ?, ?, ?, ?)",
            (kind, process_id, address, self._now, facts),
        )

    def is_entered(self, kind: str, process_id: str) -> bool:
        """Whether a process is in the registry."""
        found = self._sql.execute(
            "SELECT 1 FROM processes WHERE kind = ? AND id = ?", (kind, process_id)
        )
        return found.fetchone() is not None

    def leave(self, kind: str, process_id: str) -> None:
        """Take a process out."""
        self._sql.execute("DELETE FROM processes WHERE kind = ? AND id = ?", (kind, process_id))

    def processes(self, kind: str) -> list[tuple[str, str, float, bytes]]:
        """The id, address, last sign of life and facts of each process of a kind."""
        return self._sql.execute(
            "SELECT id, address, seen_at, facts FROM processes WHERE kind = ? ORDER BY id", (kind,)
        ).fetchall()

    # -- states -------------------------------------------------------------------------------

    def set_state(self, queue: str, client: str, state: str | None) -> None:
        """Note "live" or "stopped" of a queue (`client` is empty), "held" or "gone" of a client;
        None forgets it."""
        if state is None:
            self._sql.execute("DELETE FROM states WHERE queue = ? AND client = ?", (queue, client))
        else:
            self._sql.execute(
                "INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?)",
                (queue, client, state, self._now),
            )

    def states_of(self, queue: str, client: str) -> tuple[str | None, str | None]:
        """The state of a queue and of one of its clients."""
        found = dict(
            self._sql.execute(
                "SELECT client, state FROM states WHERE queue = ? AND client IN ('', ?)",
                (queue, client),
            ).fetchall()
        )
        return found.get(""), found.get(client) if client else None

    def is_live(self, queue: str) -> bool:
        return self.states_of(queue, "")[0] == "live"

    def is_gone(self, queue: str, client: str) -> bool:
        """Whether the client, or the server that held it, has gone."""
        of_queue, of_client = self.states_of(queue, client)
        return of_queue == "stopped" or of_client == "gone"

    def has_left(self, queue: str, client: str) -> bool:
        """Whether the client of a server has left it: it can't join a group any more."""
        if "!" not in queue:
            return False
        of_queue, of_client = self.states_of(queue, client)
        if of_queue != "live":
            return of_queue == "stopped"
        if is_of_sockets(queue):
            return not self.is_open(queue, client)
        return of_client == "gone"

    def split_held(self, queue: str, clients: Sequence[str]) -> tuple[Sequence[str], int]:
        """Return (those of `clients` that can be written to, how many others are only held)."""
        if "!" not in queue:
            return clients, 0
        states = dict(
            self._sql.execute(
                "SELECT client, state FROM states WHERE queue = ? AND client != ''", (queue,)
            ).fetchall()
        )
        if not states:
            return clients, 0
        there = [client for client in clients if states.get(client) != "gone"]
        present = [client for client in there if states.get(client) != "held"]
        return present, len(there) - len(present)

    # -- open sockets -------------------------------------------------------------------------

    def open_socket(self, queue: str, client: str, path: str) -> None:
        self._sql.execute(
            "INSERT OR REPLACE INTO open_sockets VALUES (?, ?, ?)", (queue, client, path)
        )

    def forget_socket(self, queue: str, client: str) -> None:
        self._sql.execute(
            "DELETE FROM open_sockets WHERE queue = ? AND client = ?", (queue, client)
        )

    def is_open(self, queue: str, client: str) -> bool:
        found = self._sql.execute(
            "SELECT 1 FROM open_sockets WHERE queue = ? AND client = ?", (queue, client)
        )
        return found.fetchone() is not None

    def open_sockets(self, queue: str, limit: int) -> list[tuple[str, str]]:
        """The client and path of a server's open sockets."""
        return self._sql.execute(
            "SELECT client, path FROM open_sockets WHERE queue = ? LIMIT ?", (queue, limit)
        ).fetchall()

    def count_sockets(self, queue: str) -> int:
        found = self._sql.execute("SELECT count(*) FROM open_sockets WHERE queue = ?", (queue,))
        return int(found.fetchone()[0])

    # -- readers that wait --------------------------------------------------------------------

    def subscribe(self, address: str, queues: Iterable[str]) -> None:
        """Enter an address as a reader of these queues, and of no others."""
        self._sql.execute("DELETE FROM subscriptions WHERE address = ?", (address,))
        self._sql.executemany(
            "INSERT INTO subscriptions VALUES (?, ?)", [(queue, address) for queue in queues]
        )

    def wait(self, address: str) -> None:
        """The reader at an address sleeps from now on, until it is woken."""
        self._sql.execute("INSERT OR REPLACE INTO waiting VALUES (?, ?)", (address, self._now))

    def stop_waiting(self, address: str) -> bool:
        """The reader at an address is awake. Returns whether it counted as asleep."""
        return self._sql.execute("DELETE FROM waiting WHERE address = ?", (address,)).rowcount > 0

    def find_waiting(self, queues: Collection[str]) -> dict[str, list[str]]:
        """The addresses of the readers of each queue that wait, the longest first."""
        marks = ", ".join("?" * len(queues))
        found: dict[str, list[str]] = {}
        for queue, address in self._sql.execute(
            "SELECT queue, waiting.address FROM waiting CROSS JOIN subscriptions "  # in this order
            f"ON subscriptions.address = waiting.address WHERE queue IN ({marks}) ORDER BY since",
            tuple(queues),
        ):
            found.setdefault(queue, []).append(address)
        return found

    def unsubscribe(self, address: str) -> None:
        """An address is there no more."""
        self._sql.execute("DELETE FROM subscriptions WHERE address = ?", (address,))
        self.stop_waiting(address)

    def addresses(self) -> list[str]:
        """All addresses that are entered as readers'."""
        found = self._sql.execute("SELECT DISTINCT address FROM subscriptions").fetchall()
        return [address for (address,) in found]

    # -- time ---------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Forget who has been gone for long."""
        self._sql.execute(
            "DELETE FROM states WHERE state IN ('gone', 'stopped') AND since <= ?",
            (self._now - REMEMBERED_S,),
        )
