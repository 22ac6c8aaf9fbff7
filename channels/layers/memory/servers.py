"""Which interface servers live, and which of their clients can't be written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from channels.layers.names import REPLY_KINDS

if TYPE_CHECKING:
    from channels.layers.memory.link import MemoryLink

#: Seconds for which a server that has stopped, or a client that has left, is remembered.
REMEMBERED_S = 600.0


def is_of_sockets(queue: str) -> bool:
    """Whether a server's queue is that of its sockets."""
    return queue.startswith("websocket.send.")


class Server:
    """A live interface server; `link` is its ServerLink, which only the shell looks into."""

    def __init__(self, server_id: str, link: MemoryLink) -> None:
        self.queues = tuple(f"{kind}.{server_id}!" for kind in REPLY_KINDS)
        self.link = link
        #: Local parts of clients that have more to read than they can take.
        self.held: set[str] = set()
        #: Local parts of clients that have left -> when.
        self.gone: dict[str, float] = {}
        #: Local parts of clients whose WebSocket is open.
        self.sockets: set[str] = set()

    def mark_gone(self, client: str, now: float) -> None:
        self.held.discard(client)
        self.gone[client] = now


class Servers:
    """The registry of interface servers."""

    def __init__(self) -> None:
        self._live: dict[str, Server] = {}
        self._stopped: dict[str, float] = {}

    def add(self, server_id: str, link: MemoryLink) -> Server:
        server = Server(server_id, link)
        for queue in server.queues:
            self._live[queue] = server
            self._stopped.pop(queue, None)
        return server

    def remove(self, server: Server, now: float) -> None:
        """Take a server out; its queues count as stopped from now on."""
        for queue in server.queues:
            if self._live.get(queue) is server:
                del self._live[queue]
                self._stopped[queue] = now

    def links(self) -> list[MemoryLink]:
        """The links of all live servers."""
        return list({id(server): server.link for server in self._live.values()}.values())

    def is_live(self, queue: str) -> bool:
        return queue in self._live

    def is_stopped(self, queue: str) -> bool:
        return queue in self._stopped

    def is_gone(self, queue: str, client: str) -> bool:
        """Whether the client, or the server that held it, has gone."""
        server = self._live.get(queue)
        return client in server.gone if server else queue in self._stopped

    def has_left(self, queue: str, client: str) -> bool:
        """Whether the client of a live server has left it: it can't join a group any more."""
        server = self._live.get(queue)
        if server is None:
            return False
        return client not in server.sockets if is_of_sockets(queue) else client in server.gone

    def is_held(self, queue: str, client: str) -> bool:
        server = self._live.get(queue)
        return server is not None and client in server.held

    def split_held(self, queue: str, clients: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
        """Return (those of `clients` that can be written to, how many others are only held)."""
        server = self._live.get(queue)
        if server is None or not (server.held or server.gone):
            return clients, 0
        there = [client for client in clients if client not in server.gone]
        present = tuple(client for client in there if client not in server.held)
        return present, len(there) - len(present)

    def sweep(self, now: float) -> None:
        """Forget who has been gone for long."""
        old = now - REMEMBERED_S
        self._stopped = {name: since for name, since in self._stopped.items() if since > old}
        for server in self._live.values():
            server.gone = {name: since for name, since in server.gone.items() if since > old}
