"""Which web pages may open a WebSocket: ASGI middleware, at its Channels 2 import path.

A browser sends a site's cookies with a WebSocket that a page of any other site opens. What tells
the two apart is the Origin header, which the browser sets and a page can't. For consumers of 1.x
there is `channels.security.websockets`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any
from urllib.parse import ParseResult, urlparse

from django.conf import settings
from django.utils.http import is_same_domain

from channels.applications.shapes import (
    AnyApplication,
    Receive,
    Scope,
    Send,
    call_once,
    callable_twice,
)
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.security.origins import read_origin

__all__ = ["AllowedHostsOriginValidator", "OriginValidator", "WebsocketDenier"]

logger = logging.getLogger("django.security.channels")

#: What a port is that an origin does not name.
DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
#: What ALLOWED_HOSTS means when it is empty and DEBUG is on.
DEBUG_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


class OriginValidator:
    """An ASGI application that refuses WebSockets which pages of foreign sites open (with 403).

    Args:
        application: what the others go on to.
        allowed_origins: a list of hosts ("example.com"; ".example.com" with all below it), of
            origins ("https://example.com:8000"; "http://.example.com:80"), and of "*" for any,
            even for none: clients that are no browsers send no Origin.
    """

    def __init__(self, application: AnyApplication, allowed_origins: Iterable[str]) -> None:
        self.application = call_once(application)
        self.allowed_origins = allowed_origins

    @callable_twice
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        if scope["type"] != "websocket":
            raise ValueError(
                "You cannot use OriginValidator on a non-WebSocket connection: it got "
                f"{scope['type']!r}; put it below 'websocket' in a ProtocolTypeRouter"
            )
        origin = _read_origin(scope)
        if self.valid_origin(origin):
            return await self.application(scope, receive, send)
        logger.warning(
            "WebSocket to %s from Origin %r refused: it is not in %s",
            scope.get("path"),
            None if origin is None else origin.geturl(),
            list(self.allowed_origins),
        )
        return await WebsocketDenier()(scope, receive, send)

    def valid_origin(self, parsed_origin: ParseResult | None) -> bool:
        """Whether a page of this origin may connect; None is a client that sent none."""
        if parsed_origin is None and "*" not in self.allowed_origins:
            return False
        return self.validate_origin(parsed_origin)

    def validate_origin(self, parsed_origin: ParseResult | None) -> bool:
        """Whether one of the patterns fits an origin."""
        return any(
            pattern == "*" or self.match_allowed_origin(parsed_origin, pattern)
            for pattern in self.allowed_origins
        )

    def match_allowed_origin(self, parsed_origin: ParseResult | None, pattern: str) -> bool:
        """Whether `pattern`, one of `allowed_origins`, fits an origin."""
        if parsed_origin is None or parsed_origin.hostname is None:
            return False
        allowed = urlparse(pattern.lower())
        if not allowed.scheme:
            host = urlparse(f"//{pattern}").hostname or pattern
            return bool(is_same_domain(parsed_origin.hostname, host))
        return (
            allowed.scheme == parsed_origin.scheme
            and self.get_origin_port(allowed) == self.get_origin_port(parsed_origin)
            and bool(is_same_domain(parsed_origin.hostname, allowed.hostname or ""))
        )

    def get_origin_port(self, origin: ParseResult) -> int | None:
        """The port of an origin, or what its scheme has instead; None if that is not known."""
        return origin.port or DEFAULT_PORTS.get(origin.scheme)


def AllowedHostsOriginValidator(application: AnyApplication) -> OriginValidator:
    """An OriginValidator for the hosts in the setting ALLOWED_HOSTS."""
    allowed_hosts = settings.ALLOWED_HOSTS
    if settings.DEBUG and not allowed_hosts:
        allowed_hosts = DEBUG_HOSTS
    return OriginValidator(application, allowed_hosts)


class WebsocketDenier(AsyncWebsocketConsumer):
    """A consumer that refuses every socket: the client sees 403."""

    async def connect(self) -> None:
        await self.close()


def _read_origin(scope: Scope) -> ParseResult | None:
    """The Origin header; None if there is none, or one that can't be read."""
    for name, value in scope.get("headers", ()):
        if name == b"origin":
            text = value.decode("latin1")
            return urlparse(text) if read_origin(text) else None
    return None
