"""`CookieMiddleware`: the cookies of a connection, and those of a response."""

from __future__ import annotations

import datetime
import time
from http.cookies import Morsel, SimpleCookie
from typing import Any

from django.http import parse_cookie
from django.utils import timezone
from django.utils.http import http_date

from channels.applications.shapes import (
    AnyApplication,
    Event,
    Receive,
    Scope,
    Send,
    call_once,
    callable_twice,
)

#: What `samesite` of a cookie may be.
SAME_SITE = ("strict", "lax", "none")
#: When a cookie has expired that is to be deleted.
LONG_AGO = "Thu, 01-Jan-1970 00:00:00 GMT"


class CookieMiddleware:
    """An ASGI application that puts the cookies of a connection into `scope["cookies"]` (a dict),
    for one that stands behind it. Raises ValueError for a connection without headers."""

    def __init__(self, inner: AnyApplication) -> None:
        self.inner = call_once(inner)

    @callable_twice
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        if "headers" not in scope:
            raise ValueError(
                "CookieMiddleware was passed a scope that did not have a headers key (its type is "
                f"{scope.get('type')!r}): make sure it is only passed HTTP or WebSocket connections"
            )
        # Over HTTP/2, each cookie may come in a header of its own.
        found = [value.decode("latin1") for name, value in scope["headers"] if name == b"cookie"]
        return await self.inner({**scope, "cookies": parse_cookie("; ".join(found))}, receive, send)

    @classmethod
    def set_cookie(
        cls,
        message: Event,
        key: str,
        value: object = "",
        max_age: int | None = None,
        expires: datetime.datetime | str | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool | None = False,
        httponly: bool | None = False,
        samesite: str | None = "lax",
    ) -> None:
        """Have a response, an `http.response.start` message, set a cookie.

        Args:
            max_age: seconds that it lives; None: until the browser ends.
            expires: when it ends: a datetime (UTC, if it is naive), from which `max_age` follows,
                or a text that goes out as it is.
            samesite: "strict", "lax", "none", or None to leave it out. Raises ValueError for
                any other.
        """
        cookies = SimpleCookie({key: str(value)})
        morsel = cookies[key]
        if isinstance(expires, datetime.datetime):
            max_age, expires = _seconds_until(expires), None
        _set_life(morsel, max_age, expires)
        if samesite is not None and samesite.lower() not in SAME_SITE:
            raise ValueError(f"samesite must be one of {SAME_SITE} or None, got {samesite!r}")
        attributes = {"path": path, "domain": domain, "samesite": samesite}
        morsel.update({name: text for name, text in attributes.items() if text is not None})
        for name, is_on in (("secure", secure), ("httponly", httponly)):
            if is_on:
                morsel[name] = True
        header = (b"Set-Cookie", cookies.output(header="").strip().encode())
        message.setdefault("headers", []).append(header)

    @classmethod
    def delete_cookie(
        cls, message: Event, key: str, path: str | None = "/", domain: str | None = None
    ) -> None:
        """Have a response, an `http.response.start` message, delete a cookie."""
        cls.set_cookie(message, key, max_age=0, path=path, domain=domain, expires=LONG_AGO)


def _seconds_until(end: datetime.datetime) -> int:
    now = datetime.datetime.now(datetime.timezone.utc)
    end = end if timezone.is_aware(end) else end.replace(tzinfo=datetime.timezone.utc)
    # A second more: that it is not whole is no reason to end a second too soon.
    return max(0, int((end - now).total_seconds()) + 1)


def _set_life(morsel: Morsel[str], max_age: int | None, expires: str | None) -> None:
    if max_age is not None:
        morsel["max-age"] = max_age
    if expires is not None:
        morsel["expires"] = expires
    elif max_age is not None:
        morsel["expires"] = http_date(time.time() + max_age)  # for browsers of old
