"""Routers by what a connection is: its protocol, or the channel that a message came on."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from channels.applications.shapes import (
    Application,
    Receive,
    Scope,
    Send,
    call_once,
    callable_twice,
)


class ProtocolTypeRouter:
    """An ASGI application that hands a connection to the application for its `scope["type"]`.

    Args:
        application_mapping: dict of type ("http", "websocket", "channel", ...) -> application.
            Without "http", Django's own application answers requests; it is made when the first
            one comes. In a project with a `get_asgi_application()` of its own, name that.

    Raises ValueError, when called, for a type that is not in the mapping.
    """

    def __init__(self, application_mapping: Mapping[str, Any]) -> None:
        self.application_mapping = application_mapping
        self._applications: dict[str, Application] = {}
        self._lock = threading.Lock()

    @callable_twice
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        kind = scope["type"]
        application = self._applications.get(kind)
        if application is None:
            application = self._find(kind)
        return await application(scope, receive, send)

    def _find(self, kind: str) -> Application:
        with self._lock:
            if kind in self.application_mapping:
                application = call_once(self.application_mapping[kind])
            elif kind == "http":
                application = _make_django_application()
            else:
                known = ", ".join(map(repr, self.application_mapping)) or "none"
                raise ValueError(
                    f"No application configured for scope type {kind!r}: add it to the "
                    f"ProtocolTypeRouter (it has: {known})"
                )
            self._applications[kind] = application
        return application


def _make_django_application() -> Application:
    from django.core.asgi import get_asgi_application

    application: Any = get_asgi_application()  # Django's own types of ASGI are narrower
    return call_once(application)


class ChannelNameRouter:
    """An ASGI application that hands a message of `runworker` to the application for its channel.

    Args:
        application_mapping: dict of channel name -> application.

    Raises ValueError, when called, for a channel that is not in the mapping, and for a scope that
    has none: it belongs below "channel" in a ProtocolTypeRouter.
    """

    def __init__(self, application_mapping: Mapping[str, Any]) -> None:
        self.application_mapping = application_mapping
        self._applications = {name: call_once(one) for name, one in application_mapping.items()}

    @callable_twice
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        if "channel" not in scope:
            raise ValueError(
                "ChannelNameRouter got a scope without a 'channel' key (its type is "
                f"{scope.get('type')!r}): put it below 'channel' in a ProtocolTypeRouter"
            )
        application = self._applications.get(scope["channel"])
        if application is None:
            known = ", ".join(map(repr, self._applications)) or "none"
            raise ValueError(
                f"No application configured for channel name {scope['channel']!r}: add it to the "
                f"ChannelNameRouter (it has: {known})"
            )
        return await application(scope, receive, send)
