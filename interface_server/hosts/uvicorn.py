"""Uvicorn as the host of an interface server: `interface-server --server uvicorn`."""

import logging
import os
import signal
import socket

import uvicorn

#: Connections that may wait to be accepted.
_BACKLOG = 2048
#: How long a connection may be idle between requests. Longer than proxies keep theirs (nginx: 60),
#: or they send requests into connections that are just being closed.
_KEEP_ALIVE_S = 75


def run(application, listen, settings):
    """Serve `application` until SIGTERM or SIGINT. Raises OSError if it can't listen.

    The arguments are those of `interface_server.hosts.daphne.run`; `listen` names one place only.
    """
    if settings.verbosity < 2:
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
    listener = _open_listener(listen)
    config = uvicorn.Config(
        application,
        http=_choose_http(settings),
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

    def __init__(self, config, application, settings):
        super().__init__(config)
        self._application = application
        self._settings = settings

    async def startup(self, sockets=None):
        """Start the application, listen, and say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._settings.on_listening([_url(listener) for listener in sockets])

    async def shutdown(self, sockets=None):
        """Listen no more, let the application finish, then close what is left."""
        for server in self.servers:
            server.close()
        await self._application.stop()
        await super().shutdown(sockets=sockets)

    def handle_exit(self, sig, frame):
        """Stop; a second Ctrl-C does not wait. Not raised again, as uvicorn's own would be."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True


def _choose_http(settings):
    try:
        from interface_server.hosts.uvicorn_http import guard
    except ImportError:  # no httptools: h11 has limits of its own
        return "auto"
    return guard(settings.head_timeout_s, settings.max_header_bytes)


def _open_listener(listen):
    if listen.file_descriptor is not None:
        return socket.socket(fileno=listen.file_descriptor)
    if listen.unix_socket:
        return _open_unix_listener(listen.unix_socket)
    host = listen.host.strip("[]")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, listen.port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _open_unix_listener(path):
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


def _is_abandoned(path):
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


def _remove(path):
    if _is_abandoned(path):
        os.unlink(path)


def _url(listener):
    name = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return f"unix:{name}"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"http://{host}:{name[1]}"
