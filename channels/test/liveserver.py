"""`ChannelLiveServerTestCase`: a real interface server and a real worker, for a real browser."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.test import TransactionTestCase

from channels.asgi import ChannelLayerManager, load_backend
from channels.channel import DEFAULT_CHANNEL_LAYER
from channels.layers.names import random_suffix
from channels.test.layers import replaced_layer, wrap_layer
from channels.test.processes import DaphneProcess, ProcessSetup, WorkerProcess, spawn

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer


__all__ = ["ChannelLiveServerTestCase", "DaphneProcess", "ProcessSetup", "WorkerProcess"]

#: Seconds within which the processes must be ready.
START_LIMIT_S = 60.0
#: Seconds after which a process that was told to stop is killed.
STOP_LIMIT_S = 10.0


class ChannelLiveServerTestCase(TransactionTestCase):
    """A TransactionTestCase with an interface server and a worker, in a process each, per class.

    They use the test databases, which therefore can't be in memory, and the layer that TEST_CONFIG
    describes; without it, that of CONFIG under a prefix of its own. In the tests themselves the
    alias means that layer too, so that they can send to what a browser has opened.
    """

    #: Where the server listens.
    host = "localhost"
    ProtocolServerProcess = DaphneProcess
    WorkerProcess = WorkerProcess
    #: How many consumers may run at the same time.
    worker_threads = 1
    #: Whether static files are served.
    serve_static = True

    _port_storage: Any
    _server_process: ProcessSetup
    _worker_process: ProcessSetup

    @property
    def live_server_url(self) -> str:
        return f"http://{self.host}:{self._port_storage.value}"

    @property
    def live_server_ws_url(self) -> str:
        return f"ws://{self.host}:{self._port_storage.value}"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        for connection in connections.all():
            cls._refuse_memory(connection)
        layers = {alias: choose_test_layer(alias) for alias in ChannelLayerManager()}
        if DEFAULT_CHANNEL_LAYER not in layers:
            raise ImproperlyConfigured(
                f"CHANNEL_LAYERS has no {DEFAULT_CHANNEL_LAYER!r}, which {cls.__qualname__} serves"
            )
        for alias, (backend, config) in layers.items():
            cls._enter_layer(alias, load_backend(backend, alias)(**config))
        cls._start_processes(layers)

    @staticmethod
    def _refuse_memory(connection: Any) -> None:
        if connection.vendor == "sqlite" and connection.is_in_memory_db():
            raise ImproperlyConfigured(
                "ChannelLiveServerTestCase can not be used with in memory databases: give "
                f"DATABASES[{connection.alias!r}] a file for its tests, as in "
                '"TEST": {"NAME": BASE_DIR / "test.sqlite3"}'
            )

    @classmethod
    def _enter_layer(cls, alias: str, layer: BaseChannelLayer) -> None:
        replacement = replaced_layer(alias, wrap_layer(layer, alias))
        replacement.__enter__()
        cls.addClassCleanup(replacement.__exit__, None, None, None)
        cls.addClassCleanup(layer.close)
        if "flush" in layer.extensions:
            layer.flush()
            cls.addClassCleanup(layer.flush)

    @classmethod
    def _start_processes(cls, layers: Any) -> None:
        names = {c.alias: c.settings_dict["NAME"] for c in connections.all()}
        overridden = {"DEBUG": settings.DEBUG, "ALLOWED_HOSTS": [*settings.ALLOWED_HOSTS, cls.host]}
        overridden = {**overridden, **(getattr(cls, "_overridden_settings", None) or {})}
        common = {
            "overridden_settings": overridden,
            "modified_settings": getattr(cls, "_modified_settings", None),
            "databases": names,
            "layers": layers,
        }
        cls._port_storage = spawn.Value("i")
        server_ready, worker_ready = spawn.Event(), spawn.Event()
        cls._server_process = cls.ProtocolServerProcess(
            cls.host, cls._port_storage, server_ready, **common
        )
        cls._worker_process = cls.WorkerProcess(
            worker_ready,
            cls.worker_threads,
            serve_static=cls.serve_static and apps.is_installed("django.contrib.staticfiles"),
            **common,
        )
        for process in (cls._server_process, cls._worker_process):
            process.start()
            cls.addClassCleanup(_stop, process)
        _wait_until_ready(cls._server_process, server_ready, "interface server")
        _wait_until_ready(cls._worker_process, worker_ready, "worker")


def choose_test_layer(alias: str) -> Any:
    """Return (BACKEND, CONFIG) of the layer that processes of a test share.

    Raises ImproperlyConfigured if it works within one process only.
    """
    entry = ChannelLayerManager().configs[alias]
    backend_class = load_backend(entry["BACKEND"], alias)
    if getattr(backend_class, "is_local", False):
        raise ImproperlyConfigured(
            f"CHANNEL_LAYERS[{alias!r}]: {entry['BACKEND']} works within one process only, and "
            "ChannelLiveServerTestCase starts several: use channels.layers.redis.RedisChannelLayer"
        )
    if "TEST_CONFIG" in entry:
        return entry["BACKEND"], entry["TEST_CONFIG"]
    config = dict(entry.get("CONFIG", {}))
    if "prefix" in inspect.signature(backend_class).parameters:
        config["prefix"] = f"test-{random_suffix()}"
    return entry["BACKEND"], config


def _wait_until_ready(process: Any, is_ready: Any, kind: str) -> None:
    """Wait for `is_ready`; raise RuntimeError if the process ends first, or takes too long."""
    waited_s = 0.0
    while not is_ready.wait(0.1):
        waited_s += 0.1
        if not process.is_alive():
            raise RuntimeError(
                f"the {kind} has ended with exit code {process.exitcode} before it was ready: "
                "its error is in the output above"
            )
        if waited_s > START_LIMIT_S:
            raise RuntimeError(f"the {kind} was not ready within {START_LIMIT_S:.0f} s")


def _stop(process: Any) -> None:
    process.terminate()
    process.join(STOP_LIMIT_S)
    if process.is_alive():
        process.kill()
        process.join()
    process.close()
