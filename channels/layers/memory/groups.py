"""Groups: which clients of which queues are their members, and since when."""

from __future__ import annotations

from channels.layers.memory.servers import Servers, is_of_sockets
from channels.layers.names import split_local


class Groups:
    """All groups. The socket of a live server stays in them; any other member expires.

    Args:
        expiry_s: seconds a membership lives without another `add`.
        servers: the Servers that say which queue is live, and which has stopped.
    """

    def __init__(self, expiry_s: float, servers: Servers) -> None:
        self._expiry_s = expiry_s
        self._servers = servers
        #: group -> queue -> client -> time of the last add
        self._groups: dict[str, dict[str, dict[str, float]]] = {}
        #: channel -> names of its groups
        self._joined: dict[str, set[str]] = {}

    def add(self, group: str, channel: str, now: float) -> None:
        queue, client = split_local(channel)
        if self._servers.has_left(queue, client):
            return
        self._groups.setdefault(group, {}).setdefault(queue, {})[client] = now
        self._joined.setdefault(channel, set()).add(group)

    def discard(self, group: str, channel: str) -> None:
        queue, client = split_local(channel)
        queues = self._groups.get(group, {})
        clients = queues.get(queue, {})
        clients.pop(client, None)
        if not clients:
            queues.pop(queue, None)
        if not queues:
            self._groups.pop(group, None)
        joined = self._joined.get(channel, set())
        joined.discard(group)
        if not joined:
            self._joined.pop(channel, None)

    def discard_all(self, channel: str) -> list[str]:
        """Take `channel` out of every group; return the groups' names."""
        joined = list(self._joined.get(channel, ()))
        for group in joined:
            self.discard(group, channel)
        return joined

    def members(self, group: str, now: float) -> dict[str, tuple[str, ...]]:
        """The live members as {queue: tuple of clients}; dead ones leave the group."""
        live = {}
        for queue, clients in list(self._groups.get(group, {}).items()):
            dead = self._dead(queue, clients, now)
            for client in dead:
                self.discard(group, queue + client)
            if clients:
                live[queue] = tuple(clients)
        return live

    def sweep(self, now: float) -> None:
        """Let dead members leave all groups."""
        for group in list(self._groups):
            self.members(group, now)

    def _dead(self, queue: str, clients: dict[str, float], now: float) -> list[str]:
        if self._servers.is_stopped(queue):
            return list(clients)
        if self._servers.is_live(queue) and is_of_sockets(queue):
            return []
        return [client for client, since in clients.items() if since + self._expiry_s <= now]
