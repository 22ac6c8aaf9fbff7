"""What `manage.py runserver` puts together: a server and a worker in the threads of one process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from channels.startup.rooms import load_room

load_room("interface_server")

from interface_server.access_log import quoted_path, quoted_target  # noqa: E402
from interface_server.application import InterfaceServer  # noqa: E402

if TYPE_CHECKING:
    from channels.worker import Worker
    from interface_server.asgi import Receive, Scope, Send


#: Where the moment of a request's arrival is kept in its scope.
_STARTED = "channels.started"

#: Lines of the access log -> the actions of Daphne 1.x.
_SOCKET_ACTIONS = {
    "WSCONNECTING": "connecting",
    "WSCONNECT": "connected",
    "WSREJECT": "rejected",
    "WSDISCONNECT": "disconnected",
}


class DevelopmentServer(InterfaceServer):
    """An InterfaceServer that notes when each request came in."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_STARTED] = time.monotonic()
        await super().__call__(scope, receive, send)


class ActionLog:
    """An access log that is written by somebody else's `log_action`, as Daphne 1.x had it.

    Args:
        log_action: called as `log_action(protocol, action, details)`; see `Command.log_action`.
    """

    def __init__(self, log_action: Callable[[str, str, dict[str, Any]], None]) -> None:
        self._log_action = log_action

    def write_request(self, scope: Scope, status: int, length: int) -> None:
        """Tell of a finished response of `length` bytes."""
        self._log_action(
            "http",
            "complete",
            {
                "method": scope["method"],
                "path": quoted_target(scope),
                "status": status,
                "size": length,
                "time_taken": time.monotonic() - scope[_STARTED],
                "client": _name_client(scope),
            },
        )

    def write_socket(self, scope: Scope, action: str) -> None:
        """Tell of a step in the life of a socket."""
        details = {"path": quoted_path(scope), "client": _name_client(scope)}
        self._log_action("websocket", _SOCKET_ACTIONS[action], details)


def _name_client(scope: Scope) -> str:
    client = scope.get("client")
    if not client:
        return "-"
    return f"[{client[0]}]:{client[1]}" if ":" in client[0] else f"{client[0]}:{client[1]}"


class WorkerThread(threading.Thread):
    """Runs a Worker that takes no signals, until `stop`."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(name="worker", daemon=True)
        self.worker = worker

    def run(self) -> None:
        self.worker.ready()
        self.worker.run()

    def stop(self, limit_s: float) -> None:
        """Let what runs end, for `limit_s` seconds at most."""
        self.worker.stop()
        self.join(limit_s)
