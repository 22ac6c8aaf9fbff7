"""`ChannelsLiveServerTestCase`: a real server, in a process of its own, for a real browser."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import django
from daphne.testing import DaphneProcess
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.base.creation import TEST_DATABASE_PREFIX
from django.test import TransactionTestCase
from django.test.utils import modify_settings, override_settings

from channels.applications.default import get_default_application
from channels.applications.shapes import Application, call_once

__all__ = ["ChannelsLiveServerTestCase", "make_application", "set_database_connection"]

#: Between two looks whether the server has ended before it was ready.
LOOK_EVERY_S = 0.1
#: A server that was told to end is killed after this time.
STOP_LIMIT_S = 10.0


class ChannelsLiveServerTestCase(TransactionTestCase):
    """A TransactionTestCase with a server of ASGI_APPLICATION, one for each class.

    It uses the test databases, which therefore can't be in memory, and the settings of the class.
    The process may be forked or spawned.
    """

    #: Where the server listens.
    host: ClassVar[str] = "localhost"
    ProtocolServerProcess: ClassVar[type] = DaphneProcess
    #: What serves static files in front of the application.
    static_wrapper: ClassVar[Callable[[Any], Any]] = ASGIStaticFilesHandler
    #: Whether static files are served.
    serve_static: ClassVar[bool] = True

    _port: ClassVar[int]
    _server_process: ClassVar[Any]

    @property
    def live_server_url(self) -> str:
        return f"http://{self.host}:{self._port}"

    @property
    def live_server_ws_url(self) -> str:
        return f"ws://{self.host}:{self._port}"

    @classmethod
    def setUpClass(cls) -> None:
        for connection in connections.all():
            _refuse_memory(connection)
        super().setUpClass()
        hosts = modify_settings(ALLOWED_HOSTS={"append": cls.host})
        hosts.enable()
        cls.addClassCleanup(hosts.disable)
        cls._start_server()

    @classmethod
    def _start_server(cls) -> None:
        get_application = functools.partial(
            make_application, static_wrapper=cls.static_wrapper if cls.serve_static else None
        )
        cls._server_process = cls.ProtocolServerProcess(
            cls.host, get_application, setup=functools.partial(_set_up, **cls._see_settings())
        )
        cls._server_process.start()
        cls.addClassCleanup(_stop, cls._server_process)
        while not cls._server_process.ready.wait(LOOK_EVERY_S):
            if not cls._server_process.is_alive():
                raise RuntimeError(
                    f"Server stopped with exit code {cls._server_process.exitcode} before it "
                    "listened: its error is in the output above"
                )
        cls._port = cls._server_process.port.value

    @classmethod
    def _see_settings(cls) -> dict[str, Any]:
        """What the process has to be told of this one: a spawned one knows nothing of it."""
        return {
            "databases": {one.alias: str(one.settings_dict["NAME"]) for one in connections.all()},
            "overridden": {
                "DEBUG": settings.DEBUG,
                **(getattr(cls, "_overridden_settings", None) or {}),
                "ALLOWED_HOSTS": list(settings.ALLOWED_HOSTS),
            },
            "modified": dict(getattr(cls, "_modified_settings", None) or {}),
        }


def make_application(*, static_wrapper: Callable[[Any], Any] | None) -> Application:
    """Return the application of ASGI_APPLICATION, with static files in front of it."""
    application = call_once(get_default_application())
    return application if static_wrapper is None else static_wrapper(application)


def set_database_connection() -> None:
    """Let the default database be that of the tests, in a process that is not told of it."""
    database = settings.DATABASES["default"]
    database["NAME"] = database["TEST"]["NAME"] or f"{TEST_DATABASE_PREFIX}{database['NAME']}"


def _set_up(
    databases: Mapping[str, str], overridden: Mapping[str, Any], modified: Mapping[str, Any]
) -> None:
    """In the process: see what the test sees."""
    for alias, name in databases.items():
        settings.DATABASES[alias]["NAME"] = name
        connections[alias].settings_dict["NAME"] = name
    if not apps.ready:
        django.setup(set_prefix=False)
    if modified:
        modify_settings(**modified).enable()
    override_settings(**overridden).enable()


def _refuse_memory(connection: Any) -> None:
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        raise ImproperlyConfigured(
            "ChannelLiveServerTestCase can not be used with in memory databases: give "
            f'DATABASES[{connection.alias!r}] a file for its tests, as in "TEST": {{"NAME": '
            'BASE_DIR / "test.sqlite3"}'
        )


def _stop(process: Any) -> None:
    process.terminate()
    process.join(STOP_LIMIT_S)
    if process.is_alive():
        process.kill()
        process.join()
