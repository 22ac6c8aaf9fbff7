"""Groups: which clients of which queues are their members, and until when."""

import sqlite3

from channels.layers.local.servers import Servers, is_of_sockets
from channels.layers.names import split_local


class Groups:
    """All groups. The socket of a live server stays in them; any other member expires."""

    def __init__(
        self, sql: sqlite3.Connection, servers: Servers, expiry_s: float, now: float
    ) -> None:
        self._sql, self._servers, self._expiry_s, self._now = sql, servers, expiry_s, now

    def add(self, group: str, channel: str) -> None:
        """Make a channel a member; not that of a client who has left its server."""
        queue, client = split_local(channel)
        if self._servers.has_left(queue, client):
            return
        stays = self._servers.is_live(queue) and is_of_sockets(queue)
        expires_at = None if stays else self._now + self._expiry_s
        self._sql.execute(
            "INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?)",
            (group, queue, client, expires_at),
        )

    def discard(self, group: str, channel: str) -> None:
        """Take a channel out of one group."""
        self._sql.execute(
            "DELETE FROM members WHERE group_name = ? AND queue = ? AND client = ?",
            (group, *split_local(channel)),
        )

    def discard_all(self, channel: str) -> list[str]:
        """Take a channel out of every group; return their names."""
        place = split_local(channel)
        found = self._sql.execute(
            "SELECT group_name FROM members WHERE queue = ? AND client = ?", place
        ).fetchall()
        if found:
            self._sql.execute("DELETE FROM members WHERE queue = ? AND client = ?", place)
        return [group for (group,) in found]

    def discard_queue(self, queue: str) -> None:
        """Take all clients of a process that has gone out of every group."""
        self._sql.execute("DELETE FROM members WHERE queue = ?", (queue,))

    def members(self, group: str) -> dict[str, list[str]]:
        """The live members, as {queue: clients}."""
        found = self._sql.execute(
            "SELECT queue, group_concat(client, ' ') FROM members WHERE group_name = ? "
            "AND (expires_at IS NULL OR expires_at > ?) GROUP BY queue",
            (group, self._now),
        )
        return {queue: clients.split(" ") for queue, clients in found}

    def sweep(self) -> None:
        """Remove the members that have expired."""
        self._sql.execute("DELETE FROM members WHERE expires_at <= ?", (self._now,))
