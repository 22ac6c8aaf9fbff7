"""Checks of the Origin header: which web pages may open a WebSocket.

A browser sends a site's cookies with a WebSocket that a page of any other site opens. What tells
the two apart is the Origin header, which the browser sets and a page can't.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.http.request import validate_host
from django.utils.http import is_same_domain

from channels.consuming.decorators import find_message, is_async_consumer, marks_of
from channels.exceptions import DenyConnection
from channels.message import Message
from channels.requests.head import get_header, list_headers
from channels.security.origins import read_origin

logger = logging.getLogger("django.security.channels")

#: What ALLOWED_HOSTS means when it is empty and DEBUG is on; as in django.http.request.
DEBUG_HOSTS = (".localhost", "127.0.0.1", "[::1]")


class BaseOriginValidator:
    """Base of decorators that let a `websocket.connect` consumer run for some Origins only.

    Subclasses define `validate_origin(message, origin)`. The socket is refused (DenyConnection, the
    client sees 403) if that returns False, or if the Origin is missing or not ASCII.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        functools.update_wrapper(self, func)
        self.func = func
        self.consumer_marks = marks_of(func).union([type(self).__name__])
        if is_async_consumer(func):
            markcoroutinefunction(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        message = find_message(args, type(self).__name__, self.func)
        origin = self.get_origin(message)
        if not self.validate_origin(message, origin):
            raise _denial(message, origin, "validate_origin() does not allow it")
        return self.func(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> BaseOriginValidator:
        """Make it work on the methods of a class."""
        return self if instance is None else type(self)(self.func.__get__(instance, owner))

    def get_header(self, message: Message, name: bytes) -> list[bytes]:
        """Return the values (bytes) of the header `name` (lower-case bytes) as a list.

        Raises KeyError if there is none.
        """
        values = [value for key, value in list_headers(message.content) if key == name]
        if not values:
            raise KeyError(f"no header named {name!r}")
        return values

    def get_origin(self, message: Message) -> str:
        """Return the Origin as str. Raises DenyConnection if it is missing or not ASCII."""
        try:
            return self.get_header(message, b"origin")[0].decode("ascii")
        except KeyError as error:
            raise _denial(message, None, "the request has no Origin") from error
        except UnicodeDecodeError as error:
            raise _denial(message, error.object, "it is not ASCII") from error

    def validate_origin(self, message: Message, origin: str) -> bool:
        """Say whether a page of `origin`, such as "https://example.com:8000", may connect."""
        raise NotImplementedError(f"{type(self).__name__} must define validate_origin()")


class AllowedHostsOnlyOriginValidator(BaseOriginValidator):
    """Lets pages of the hosts in ALLOWED_HOSTS connect, and no others."""

    def validate_origin(self, message: Message, origin: str) -> bool:
        return is_allowed_host(origin)


allowed_hosts_only = AllowedHostsOnlyOriginValidator


def check_origin(message: Message) -> None:
    """Refuse a `websocket.connect` that a page of a foreign site opens; let all else pass.

    Decorators that read a cookie's user do this by default; CHANNELS_CHECK_ORIGIN = False switches
    it off. Pages of ALLOWED_HOSTS and of CSRF_TRUSTED_ORIGINS may connect, and so may clients that
    send no Origin: they are no browsers, and nobody else's cookie is in them. Raises
    DenyConnection.
    """
    if message.channel.name != "websocket.connect":
        return
    header = get_header(message.content, b"origin")
    if header is None or not getattr(settings, "CHANNELS_CHECK_ORIGIN", True):
        return
    origin = header.decode("latin1")
    if not (is_allowed_host(origin) or is_trusted_origin(origin)):
        raise _denial(message, origin, "it is in neither ALLOWED_HOSTS nor CSRF_TRUSTED_ORIGINS")


def is_allowed_host(origin: str) -> bool:
    """Whether the host of `origin` is one of ALLOWED_HOSTS."""
    allowed_hosts = settings.ALLOWED_HOSTS
    if settings.DEBUG and not allowed_hosts:
        allowed_hosts = DEBUG_HOSTS
    parts = read_origin(origin)
    return parts is not None and validate_host(parts.host, allowed_hosts)


def is_trusted_origin(origin: str) -> bool:
    """Whether `origin` matches one of CSRF_TRUSTED_ORIGINS."""
    parts = read_origin(origin)
    if parts is None:
        return False
    for trusted in settings.CSRF_TRUSTED_ORIGINS:
        trusted_scheme, _, pattern = trusted.partition("://")
        if parts.scheme != trusted_scheme:
            continue
        if pattern == parts.netloc:
            return True
        if pattern.startswith("*") and is_same_domain(parts.netloc, pattern[1:]):
            return True
    return False


def _denial(message: Message, origin: str | bytes | None, reason: str) -> DenyConnection:
    logger.warning(
        "WebSocket to %s from Origin %r refused: %s", message.get("path"), origin, reason
    )
    return DenyConnection(f"Origin {origin!r}: {reason}")
