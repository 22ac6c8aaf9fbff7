"""The server of `manage.py runserver` for a project that runs in process: Daphne, with the
application of ASGI_APPLICATION."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from daphne.server import Server
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from channels.applications.default import get_default_application, runs_in_process
from channels.applications.shapes import Application, call_once

__all__ = ["InProcessServer", "make_application", "runs_in_process"]


def make_application(*, with_static_files: bool) -> Application:
    """Return the project's application. Raises ImproperlyConfigured."""
    application = call_once(get_default_application())
    if not callable(application):
        raise ImproperlyConfigured(
            f"ASGI_APPLICATION names {settings.ASGI_APPLICATION!r}, which is a "
            f"{type(application).__name__}, and no application"
        )
    if not with_static_files:
        return application
    from channels.staticfiles import StaticFilesWrapper

    wrapped: Application = StaticFilesWrapper(application)
    return wrapped


class InProcessServer(Server):  # type: ignore[misc]
    """Daphne, which tells where it listens, or why it can't.

    Args:
        application: the application.
        endpoints: Twisted's descriptions of where to listen.
        on_listening: called with a list of URLs.
        options: those of Daphne's server.

    Attributes:
        failure: why it could not listen, or None.
    """

    def __init__(
        self,
        application: Application,
        endpoints: Sequence[str],
        on_listening: Callable[[list[str]], None],
        **options: Any,
    ) -> None:
        super().__init__(application, endpoints=list(endpoints), **options)
        self.failure: str | None = None
        self._on_listening = on_listening

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        address = port.getHost()
        name = f"[{address.host}]" if ":" in address.host else address.host
        self._on_listening([f"http://{name}:{address.port}"])

    def listen_error(self, failure: Any) -> None:
        self.failure = failure.getErrorMessage()
        self.stop()
