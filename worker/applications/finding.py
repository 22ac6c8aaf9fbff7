"""Which ASGI application a worker hosts, and for what."""

from __future__ import annotations

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


def find_socket_application() -> Any:
    """The same, if it is there for WebSockets; None if not."""
    application = find_application()
    return application if serves(application, "websocket") else None


def serves(application: Any, kind: str) -> bool:
    """Whether an application is there for "websocket" or "http": any application may be, unless it
    says what it is for."""
    if isinstance(application, ProtocolTypeRouter):
        return kind in application.application_mapping
    if isinstance(application, ASGIHandler):
        return kind == "http"
    return application is not None


def application_for(application: Any) -> Any:
    """Return what to call with (scope, receive, send)."""
    return call_once(application)
