"""Which ASGI application a worker hosts, and for what."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler

from channels.applications.default import get_default_application
from channels.applications.protocols import ProtocolTypeRouter
from channels.applications.shapes import call_once


def find_application() -> Any:
    """Return the application that ASGI_APPLICATION names, if there is one for a worker to host.

    None if it is not set, or names what serves the split itself: a channel layer, as in `asgi.py`
    of Channels 1.x. Raises ImproperlyConfigured.
    """
    if not getattr(settings, "ASGI_APPLICATION", None):
        return None
    application = get_default_application()
    if callable(getattr(application, "open_link", None)):
        return None
    return application


@dataclasses.dataclass(frozen=True)
class Hosted:
    """An ASGI application, and what of it a worker hosts.

    Attributes:
        application: called with (scope, receive, send).
        with_sockets: whether it has WebSockets.
        with_http: whether it answers requests in another way than Django's views do, which run in
            the worker's threads.
    """

    application: Any
    with_sockets: bool
    with_http: bool


def find_hosted() -> Hosted | None:
    """Return what a worker is to host; None if there is nothing. Raises ImproperlyConfigured."""
    application = find_application()
    hosted = Hosted(
        call_once(application) if application is not None else None,
        serves(application, "websocket"),
        serves(application, "http") and not _is_django(application),
    )
    return hosted if hosted.with_sockets or hosted.with_http else None


def _is_django(application: object) -> bool:
    """Whether requests go to Django's views, and nowhere else."""
    while isinstance(application, ProtocolTypeRouter):
        application = application.application_mapping.get("http")
    return isinstance(application, ASGIHandler)


def serves(application: object, kind: str) -> bool:
    """Whether an application is there for "websocket" or "http": any application may be, unless it
    says what it is for."""
    if isinstance(application, ProtocolTypeRouter):
        return kind in application.application_mapping
    if isinstance(application, ASGIHandler):
        return kind == "http"
    return application is not None
