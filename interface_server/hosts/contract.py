"""What a host server must give an interface server.

A host server (Daphne, uvicorn) speaks HTTP and WebSocket. Beyond ASGI it must do these things, and
whoever adds a host adds a module to this folder that does them, and one for the private names it
needs:

- **run**: serve until SIGTERM or SIGINT, with the times and sizes of `HostSettings`;
- **hold**: stop reading from a client that sends more than is taken;
- **wait**: let `send` wait while the client does not read, so that a response does not pile up;
- **write now** (if it can): write a frame without waiting, as long as the client reads;
- **refuse**: answer a handshake with any status (the ASGI extension `websocket.http.response`);
- **abort**: break off a response, so that it can't pass for a whole one;
- **close codes**: send those of `channels.messages.SENDABLE_CODES`, and report the client's own,
  1005 where it gave none, and 1006 where the connection broke;
- **start** and **stop**: run the application's lifespan, or say so (`is_stopped_by_host`) and call
  its `start`, and its `stop` before connections are closed; tell `HostSettings.on_listening`;
- **gate** (if it can): let a `Gate` judge heads before the host reads them, and set `is_gated`;
  without one, the application judges what is left of them in the scope.

Some of that needs names of the host server's own that are not promised to stay. Each host touches
them in one file, named `…_inside.py`, whose list is checked when the server starts.
"""

from typing import Protocol, runtime_checkable

from interface_server.asgi import Event, Receive, Scope, Send
from interface_server.hosts.settings import HostSettings, Listen


@runtime_checkable
class HoldingReceive(Protocol):
    """The `receive` of a host that would read on while nobody calls it."""

    async def __call__(self) -> Event:
        """Return the next event."""
        ...

    def hold(self) -> None:
        """Read no more from the client until `receive` is called again."""


@runtime_checkable
class AbortingSend(Protocol):
    """The `send` of a host that does not close the connection when an application returns early."""

    async def __call__(self, event: Event) -> None:
        """Send an event; wait while the client does not read."""

    def abort(self) -> None:
        """Close the connection, or the stream of HTTP/2, in the middle of a response."""


@runtime_checkable
class PromptSend(Protocol):
    """The `send` of a host whose sockets can be written to at once, without a task.

    Ablation: an echo takes 5 to 6 % less CPU time of server, worker and Redis.
    """

    async def __call__(self, event: Event) -> None:
        """Send an event; wait while the client does not read."""

    def write_now(self, event: Event) -> bool:
        """Send a `websocket.send`, and return True; or do nothing, and return False, if the client
        does not read. Raises what the host likes if the socket is closed."""
        ...


class Application(Protocol):
    """What a host serves: the InterfaceServer."""

    #: Whether a host without a lifespan will call `stop`.
    is_stopped_by_host: bool
    #: Whether a Gate stands before the host.
    is_gated: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""

    async def start(self) -> object:
        """Make what the process needs."""

    async def stop(self) -> None:
        """Turn away who comes, close sockets, let requests finish."""


class HostServer(Protocol):
    """A module of this folder that `interface-server --server` names."""

    def check(self) -> None:
        """Raise UnknownRelease if the host server is not one that this works with."""

    def run(self, application: Application, listen: Listen, settings: HostSettings) -> None:
        """Serve until SIGTERM or SIGINT. Raises OSError if it can't listen."""
