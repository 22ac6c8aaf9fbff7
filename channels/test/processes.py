"""The processes of a ChannelLiveServerTestCase.

They are spawned, not forked: a forked one would share the connections of the test.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import socket
import sys
import threading
import types
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings

from channels.channel import DEFAULT_CHANNEL_LAYER

spawn = multiprocessing.get_context("spawn")

#: What the interface server serves.
SERVED = "channels.test.serving:channel_layer"
#: Connections that may wait to be accepted.
BACKLOG = 128


if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess as _Process
else:
    _Process = spawn.Process


class ProcessSetup(_Process):
    """What both processes share: the settings, databases and layers of the test.

    Args:
        overridden_settings, modified_settings: those of the test case.
        databases: alias -> name of its test database.
        layers: alias -> (BACKEND, CONFIG).
    """

    def __init__(
        self, *, overridden_settings: Any, modified_settings: Any, databases: Any, layers: Any
    ) -> None:
        super().__init__(daemon=True)
        self.overridden_settings = overridden_settings
        self.modified_settings = modified_settings
        self.databases = databases
        self.layers = layers

    def start(self) -> None:
        """Start the process, without running the main script of this one again in it."""
        main = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            super().start()
        finally:
            sys.modules["__main__"] = main

    def run(self) -> None:
        """Set up, and serve until told to stop."""
        threading.Thread(target=_leave_with_parent, daemon=True).start()
        self.common_setup()
        self.serve()

    def serve(self) -> None:
        """Do what the process is for."""
        raise NotImplementedError(f"{type(self).__name__} must define serve()")

    def common_setup(self) -> None:
        """Make Django see what the test sees."""
        self.setup_databases()
        django.setup(set_prefix=False)
        self.override_settings()
        self.setup_layers()

    def setup_layers(self) -> None:
        """Use the test's layers."""
        for alias, (backend, config) in self.layers.items():
            settings.CHANNEL_LAYERS[alias].update(BACKEND=backend, CONFIG=config)

    def setup_databases(self) -> None:
        """Use the test's databases."""
        for alias, name in self.databases.items():
            settings.DATABASES[alias]["NAME"] = name

    def override_settings(self) -> None:
        """Use the test case's settings."""
        from django.test.utils import modify_settings, override_settings

        override_settings(**self.overridden_settings).enable()
        if self.modified_settings:
            modify_settings(self.modified_settings).enable()

    @property
    def channel_layer(self) -> Any:
        """The layer with its routing."""
        from channels.asgi import channel_layers

        return channel_layers[DEFAULT_CHANNEL_LAYER]


class DaphneProcess(ProcessSetup):
    """An interface server, as the command `interface-server` runs it, under Daphne.

    Args:
        host: where to listen.
        port_storage: a shared value that gets the port.
        is_ready: an event to set once it listens.
        **common: the arguments of ProcessSetup.
    """

    def __init__(self, host: Any, port_storage: Any, is_ready: Any, **common: Any) -> None:
        super().__init__(**common)
        self.host, self.port_storage, self.is_ready = host, port_storage, is_ready

    def serve(self) -> None:
        from interface_server.cli import command

        interface = "127.0.0.1" if self.host == "localhost" else self.host
        with socket.create_server((interface, 0), backlog=BACKLOG) as listening:
            self.port_storage.value = listening.getsockname()[1]
            self.is_ready.set()
            arguments = ["--fd", str(listening.fileno()), "-v", "0", SERVED]
            command.main(arguments, standalone_mode=False)


class WorkerProcess(ProcessSetup):
    """A worker.

    Args:
        is_ready: an event to set once it works.
        n_threads: how many consumers may run at the same time.
        serve_static: whether it serves static files.
        **common: the arguments of ProcessSetup.
    """

    def __init__(self, is_ready: Any, n_threads: Any, *, serve_static: Any, **common: Any) -> None:
        super().__init__(**common)
        self.is_ready, self.n_threads, self.serve_static = is_ready, n_threads, serve_static

    def serve(self) -> None:
        from channels.management.taking import prepare_router
        from channels.staticfiles import StaticFilesConsumer
        from channels.worker import Worker

        layer = self.channel_layer
        http_consumer = StaticFilesConsumer() if self.serve_static else None
        hosted = prepare_router(
            layer.router, http_consumer, with_static_files=bool(self.serve_static)
        )
        self.worker = Worker(layer, threads=self.n_threads, hosted=hosted)
        self.worker.ready()
        self.is_ready.set()
        self.worker.run()


def _leave_with_parent() -> None:
    """End with the test run, even if that is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)
