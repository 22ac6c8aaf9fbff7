"""Uvicorn as the host of an interface server: `interface-server --server uvicorn`."""

import logging
import os
import signal
import socket
from types import FrameType

import uvicorn

from interface_server.hosts.contract import Application
from interface_server.hosts.settings import HostSettings, Listen

#: Connections that may wait to be accepted.
_BACKLOG = 2048
#: How long a connection may be idle between requests. Longer than proxies keep theirs (nginx: 60),
#: or they send requests into connections that are just being closed.
_KEEP_ALIVE_S = 75


def check() -> None:
    """Raise UnknownRelease, or ImportError, if uvicorn is not one that this works with."""
    from interface_server.hosts import uvicorn_inside

    uvicorn_inside.check()


def run(application: Application, listen: Listen, settings: HostSettings) -> None:
    """Serve `application` until SIGTERM or SIGINT. Raises OSError if it can't listen.

    See `interface_server.hosts.contract.HostServer`; `listen` names one place only.
    """
    from interface_server.hosts.uvicorn_inside import GatedSocket, gated_http

    if settings.verbosity < 2:
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
    application.is_gated = True
    listener = _open_listener(listen)
    config = uvicorn.Config(
        application,
        http=gated_http(settings),
        ws=GatedSocket,
        log_config=None,
        access_log=False,
        lifespan="on",
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        ws_max_size=settings.max_frame_bytes,
        ws_ping_interval=settings.ping_interval_s,
        ws_ping_timeout=settings.ping_timeout_s,
        ws_per_message_deflate=settings.compresses_frames,
        timeout_graceful_shutdown=max(1, round(settings.grace_s)),
    )
    try:
        UvicornServer(config, application, settings).run(sockets=[listener])
    finally:
        if listen.unix_socket:
            _remove(listen.unix_socket)


class UvicornServer(uvicorn.Server):
    """Uvicorn, which ends with 0 after a signal, and closes sockets with 1001 first."""

    def __init__(
        self, config: uvicorn.Config, application: Application, settings: HostSettings
    ) -> None:
        super().__init__(config)
        self._application = application
        self._settings = settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, listen, and say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._settings.on_listening([_url(listener) for listener in sockets or ()])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen no more, let the application finish, then close what is left."""
        for server in self.servers:
            server.close()
        await self._application.stop()
        await super().shutdown(sockets=sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; a second Ctrl-C does not wait. Not raised again, as uvicorn's own would be."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True


def _open_listener(listen: Listen) -> socket.socket:
    if listen.file_descriptor is not None:
        return socket.socket(fileno=listen.file_descriptor)
    if listen.unix_socket:
        return _open_unix_listener(listen.unix_socket)
    host = (listen.host or "").strip("[]")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, listen.port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _open_unix_listener(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        if _is_abandoned(path):
            os.unlink(path)
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _is_abandoned(path: str) -> bool:
    """Whether `path` is a Unix socket that nobody listens on any more."""
    if not os.path.exists(path):
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _remove(path: str) -> None:
    if _is_abandoned(path):
        os.unlink(path)


def _url(listener: socket.socket) -> str:
    name = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return f"unix:{name}"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"http://{host}:{name[1]}"
