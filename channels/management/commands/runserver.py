"""`manage.py runserver`: an interface server and a worker in one process, for development."""

from __future__ import annotations

import datetime
import os
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError
from django.db import connections
from django.utils import autoreload

from channels.management.explained import explained

with explained():
    from channels.asgi import ChannelLayerWrapper, channel_layers
    from channels.channel import DEFAULT_CHANNEL_LAYER
    from channels.exceptions import InvalidChannelLayerError
    from channels.layers.memory import MemoryChannelLayer
    from channels.log import setup_loggers
    from channels.management.development import ActionLog, DevelopmentServer, WorkerThread
    from channels.management.in_process import InProcessServer, make_application, runs_in_process
    from channels.management.reloading import bear_modules_that_go, name_guilty_file
    from channels.routing import InvalidRoute

if TYPE_CHECKING:
    DjangoCommand: Any
elif apps.is_installed("django.contrib.staticfiles"):
    from django.contrib.staticfiles.management.commands.runserver import Command as DjangoCommand
else:
    from django.core.management.commands.runserver import Command as DjangoCommand

if TYPE_CHECKING:
    from django.core.management import CommandParser

    from interface_server.hosts.daphne import DaphneServer
    from interface_server.options import Options


__all__ = ["Command", "WorkerThread"]

#: Consumers that may run at the same time, as in 1.x; one with --nothreading.
THREADS = 4
#: Seconds that requests and consumers get to finish before the server ends or is reloaded.
GRACE_S = 2.0
#: Seconds in which a server that was told to stop ends: the grace, and time for close frames.
STOP_LIMIT_S = 2 * GRACE_S + 1.0


class Command(DjangoCommand):  # type: ignore[misc]
    help = "Starts a web server for development that runs consumers too, and serves WebSockets."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--noworker",
            action="store_false",
            dest="run_worker",
            help="Run no consumers here; start `manage.py runworker` elsewhere. Needs Redis.",
        )
        parser.add_argument(
            "--noasgi",
            action="store_false",
            dest="use_asgi",
            help="Run Django's own WSGI server, without WebSockets and consumers.",
        )
        parser.add_argument(
            "--http_timeout",
            "--http-timeout",
            type=float,
            default=60,
            metavar="S",
            help="Seconds until a request without a reply gets 503 (default: 60; -1: never).",
        )
        parser.add_argument(
            "--websocket_handshake_timeout",
            "--websocket-handshake-timeout",
            type=float,
            default=20,
            metavar="S",
            help="Seconds until a handshake without an answer gets 503 (default: 20; -1: never).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.verbosity = options["verbosity"]
        self.logger = setup_loggers(self.verbosity, also=("interface_server",))
        self._stop_server: Callable[[], None] = lambda: None
        super().handle(*args, **options)  # type: ignore[no-untyped-call]

    def run(self, **options: Any) -> None:
        """Serve; with the autoreloader, `inner_run` is in a thread that ends before we do."""
        bear_modules_that_go()
        try:
            super().run(**options)  # type: ignore[no-untyped-call]
        finally:
            self._stop_server()

    def inner_run(self, *args: Any, **options: Any) -> None:
        autoreload.raise_last_exception()
        if not options["use_asgi"]:
            super().inner_run(*args, **options)
            return
        if runs_in_process():
            self._serve_in_process(options)
            return
        worker = self._prepare(options)
        self._check(options)
        self._serve(worker, options)

    # -- before it listens --------------------------------------------------------------------

    def _prepare(self, options: dict[str, Any]) -> WorkerThread | None:
        """Find the layer; return the WorkerThread for it, not started, or None."""
        try:
            self.channel_layer = self._find_layer()
            from channels.management.taking import prepare_router
            from channels.worker import Worker

            hosted = prepare_router(
                self.channel_layer.router,
                self.get_consumer(**options),
                with_static_files=self._serves_files(options),
            )
        except (InvalidChannelLayerError, InvalidRoute, ImproperlyConfigured) as error:
            self._give_up(error, options)
        if options["run_worker"]:
            threads = THREADS if options["use_threading"] else 1
            worker = Worker(
                self.channel_layer, signal_handlers=False, threads=threads, hosted=hosted
            )
            return WorkerThread(worker)
        if self.channel_layer.local_only():
            self.stderr.write(
                self.style.WARNING(
                    "The channel layer lives in the memory of this process, so no worker elsewhere "
                    "can serve what comes in here: use Redis in CHANNEL_LAYERS, or leave out "
                    "--noworker."
                )
            )
        return None

    @staticmethod
    def _find_layer() -> ChannelLayerWrapper:
        """Return the default layer; without one in the settings, an in-memory one."""
        if DEFAULT_CHANNEL_LAYER not in channel_layers:
            layer = ChannelLayerWrapper(MemoryChannelLayer(), DEFAULT_CHANNEL_LAYER, [])
            channel_layers.set(DEFAULT_CHANNEL_LAYER, layer)
        return channel_layers[DEFAULT_CHANNEL_LAYER]

    def get_consumer(self, *args: Any, **options: Any) -> Callable[..., Any]:
        """Return what takes http.request if no route does: Django's views, and perhaps files."""
        if self._serves_files(options):
            from channels.staticfiles import StaticFilesConsumer

            return StaticFilesConsumer()
        from channels.handler import ViewConsumer

        return ViewConsumer()

    @staticmethod
    def _serves_files(options: dict[str, Any]) -> bool:
        wants_files = options.get("use_static_handler")
        return bool(wants_files and (settings.DEBUG or options["insecure_serving"]))

    def _check(self, options: dict[str, Any]) -> None:
        if not options["skip_checks"]:
            self.stdout.write("Performing system checks...\n\n")
            self.check(display_num_errors=True)
        self.check_migrations()
        for connection in connections.all():
            connection.close()

    @staticmethod
    def _give_up(error: BaseException, options: dict[str, Any]) -> NoReturn:
        """End; under the autoreloader, once it knows which file's change to wait for."""
        if not options["use_reloader"]:
            raise CommandError(str(error)) from error
        name_guilty_file(error)
        raise error

    # -- serving ------------------------------------------------------------------------------

    def _serve_in_process(self, options: dict[str, Any]) -> None:
        """Serve ASGI_APPLICATION here, without a channel layer in between."""
        from interface_server.hosts.daphne import describe
        from interface_server.hosts.settings import Listen

        try:
            application = make_application(with_static_files=self._serves_files(options))
        except ImproperlyConfigured as error:
            self._give_up(error, options)
        self._check(options)
        server = InProcessServer(
            application,
            describe(Listen(self._address(), int(self.port))),
            lambda urls: self._welcome(urls[0], f"ASGI application {settings.ASGI_APPLICATION}"),
            action_logger=self.log_action,
            http_timeout=_limit(options["http_timeout"]),
            websocket_handshake_timeout=options["websocket_handshake_timeout"],
            root_path=settings.FORCE_SCRIPT_NAME or "",
        )
        self._run(server, None, options)

    def _serve(self, worker: WorkerThread | None, options: dict[str, Any]) -> None:
        from interface_server.hosts.daphne import DaphneServer, describe
        from interface_server.hosts.settings import HostSettings, Listen

        def begin(urls: Sequence[str]) -> None:
            self._welcome(urls[0], f"Channel layer {self.channel_layer}")
            if worker is not None:
                worker.start()

        application = DevelopmentServer(self.channel_layer, self._options(options))
        listen = Listen(self._address(), int(self.port))
        server = DaphneServer(
            application, describe(listen), HostSettings(grace_s=GRACE_S, on_listening=begin)
        )
        self._run(server, worker, options)

    def _run(
        self,
        server: InProcessServer | DaphneServer,
        worker: WorkerThread | None,
        options: dict[str, Any],
    ) -> None:
        """Run a server until it is told to stop, and end the worker with it."""
        from twisted.internet import reactor

        loop: Any = reactor

        server.signal_handlers = threading.current_thread() is threading.main_thread()
        ended = threading.Event()

        def stop_server() -> None:
            if not ended.is_set():
                loop.callFromThread(server.stop)
                ended.wait(STOP_LIMIT_S)

        self._stop_server = stop_server
        try:
            server.run()
        finally:
            if worker is not None and worker.is_alive():
                worker.stop(GRACE_S)
            ended.set()
        if server.failure is not None:
            self._fail_to_listen(server.failure, options)
        if options.get("shutdown_message"):
            self.stdout.write(options["shutdown_message"])

    def _options(self, options: dict[str, Any]) -> Options:
        from interface_server.options import Options

        return Options(
            http_timeout_s=_limit(options["http_timeout"]),
            websocket_connect_timeout_s=_limit(options["websocket_handshake_timeout"]),
            **self.channel_layer.server_settings,
            websocket_protocols=tuple(getattr(settings, "CHANNELS_WS_PROTOCOLS", None) or ()),
            root_path=settings.FORCE_SCRIPT_NAME or "",
            grace_s=GRACE_S,
            access_log=ActionLog(self.log_action),
        )

    def _address(self) -> str:
        """Return where to listen; a name under --ipv6 as its address, which Twisted asks for."""
        if not self.use_ipv6 or ":" in self.addr:
            return str(self.addr)
        try:
            return str(socket.getaddrinfo(self.addr, None, socket.AF_INET6)[0][4][0])
        except OSError as error:
            raise CommandError(f"{self.addr!r} has no IPv6 address: {error}") from error

    def _welcome(self, url: str, what: str) -> None:
        quit_command = "CTRL-BREAK" if sys.platform == "win32" else "CONTROL-C"
        self.stdout.write(
            f"{datetime.datetime.now():%B %d, %Y - %X}\n"
            f"Django version {self.get_version()}, using settings {settings.SETTINGS_MODULE!r}\n"
            f"Starting Channels development server at {url}/\n"
            f"{what}\n"
            f"Quit the server with {quit_command}.\n"
        )

    def _fail_to_listen(self, reason: str, options: dict[str, Any]) -> None:
        error = (
            f"{reason.rstrip('.')}. Stop what listens there, or name another port, as in "
            "`manage.py runserver 8001`"
        )
        if not options["use_reloader"]:
            raise CommandError(error)
        self.stderr.write(f"Error: {error}")
        sys.stderr.flush()
        os._exit(1)  # as Django's own: sys.exit() would end this thread only

    # -- what happens -------------------------------------------------------------------------

    def log_action(self, protocol: str, action: str, details: dict[str, Any]) -> None:
        """Write a line about a request or socket.

        Args:
            protocol: "http" or "websocket".
            action: "complete", or "connecting", "connected", "rejected" or "disconnected".
            details: `path` and `client`; for HTTP also `method`, `status`, `size` (in
                bytes) and `time_taken` (in seconds).
        """
        if protocol == "http":
            line = "HTTP {method} {path} {status} [{time_taken:.2f}, {client}]"
            paint = getattr(self.style, _choose_style(details["status"]))
        else:
            line = f"WebSocket {_SOCKET_WORDS[action]} {{path}} [{{client}}]"
            paint = _plain
        line = f"[{datetime.datetime.now():%Y/%m/%d %H:%M:%S}] {line.format_map(details)}"
        self.stderr.write(paint(line), _plain)  # which would paint the end of the line too


_SOCKET_WORDS = {
    "connecting": "HANDSHAKING",
    "connected": "CONNECT",
    "rejected": "REJECT",
    "disconnected": "DISCONNECT",
}


def _plain(text: str) -> str:
    return text


def _choose_style(status: int) -> str:
    """Return the name of Django's style for a status."""
    exact = {304: "HTTP_NOT_MODIFIED", 404: "HTTP_NOT_FOUND"}
    hundreds = {1: "HTTP_INFO", 2: "HTTP_SUCCESS", 3: "HTTP_REDIRECT", 4: "HTTP_BAD_REQUEST"}
    return exact.get(status) or hundreds.get(status // 100, "HTTP_SERVER_ERROR")


def _limit(seconds: float) -> float | None:
    """Time-outs below zero are none."""
    return None if seconds < 0 else seconds
