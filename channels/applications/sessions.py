"""`SessionMiddleware`: the Django session of a browser, for class consumers."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.core.exceptions import SuspiciousOperation
from django.utils.functional import LazyObject
from django.utils.http import http_date

from channels.applications.cookies import CookieMiddleware
from channels.applications.shapes import (
    AnyApplication,
    Event,
    Receive,
    Scope,
    Send,
    call_once,
    callable_twice,
)
from channels.db import database_sync_to_async


class InstanceSessionWrapper:
    """The session of one connection: in `scope["session"]` of this object's `scope`, and saved by
    its `send`.

    If there is a session in the scope already, that one stays, and whoever put it there saves it.
    Raises ValueError without `scope["cookies"]`.
    """

    #: Before these events go out, a session that has changed is saved.
    save_message_types = ["http.response.start"]
    #: These can carry its cookie.
    cookie_response_message_types = ["http.response.start"]

    def __init__(self, scope: Scope, send: Send) -> None:
        self.cookie_name = settings.SESSION_COOKIE_NAME
        self.session_store = import_module(settings.SESSION_ENGINE).SessionStore
        self.scope: Scope = dict(scope)
        self.real_send = send
        self.activated = "session" not in self.scope
        if not self.activated:
            return
        if "cookies" not in self.scope:
            raise ValueError(
                "No cookies in scope - SessionMiddleware needs to run inside of CookieMiddleware: "
                "SessionMiddlewareStack(...) is both"
            )
        self.scope["session"] = LazyObject()

    async def resolve_session(self) -> None:
        """Find the session by its cookie. It is loaded when it is first looked into."""
        key = self.scope["cookies"].get(self.cookie_name)
        if self.activated:
            self.scope["session"]._wrapped = self.session_store(key)

    async def send(self, message: Event) -> None:
        """Send an event, and save the session before one that can carry its cookie."""
        if self.activated and message["type"] in self.save_message_types:
            session = self.scope["session"]
            is_to_be_saved = session.modified or settings.SESSION_SAVE_EVERY_REQUEST
            if is_to_be_saved and message.get("status", 200) != 500:
                was_empty = session.is_empty()
                await self.save_session()
                if message["type"] in self.cookie_response_message_types:
                    self._write_cookie(message, session, was_empty)
        await self.real_send(message)

    async def save_session(self) -> None:
        """Save the session. Raises SuspiciousOperation if it has been deleted meanwhile."""
        try:
            await database_sync_to_async(self.scope["session"].save)()
        except UpdateError as error:
            raise SuspiciousOperation(
                "The request's session was deleted before the request completed. The user may "
                "have logged out in a concurrent request, for example."
            ) from error

    def _write_cookie(self, message: Event, session: SessionBase, was_empty: bool) -> None:
        place = {"path": settings.SESSION_COOKIE_PATH, "domain": settings.SESSION_COOKIE_DOMAIN}
        if was_empty:
            if self.cookie_name in self.scope["cookies"]:
                CookieMiddleware.delete_cookie(message, self.cookie_name, **place)
            return
        max_age = None if session.get_expire_at_browser_close() else session.get_expiry_age()
        CookieMiddleware.set_cookie(
            message,
            self.cookie_name,
            session.session_key,
            max_age=max_age,
            expires=None if max_age is None else http_date(time.time() + max_age),
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=settings.SESSION_COOKIE_HTTPONLY,
            samesite=settings.SESSION_COOKIE_SAMESITE or None,
            **place,
        )


class SessionMiddleware:
    """An ASGI application that puts the browser's Django session into `scope["session"]`, for one
    that stands behind it. It needs CookieMiddleware before it."""

    def __init__(self, inner: AnyApplication) -> None:
        self.inner = call_once(inner)

    @callable_twice
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        wrapper = InstanceSessionWrapper(scope, send)
        await wrapper.resolve_session()
        return await self.inner(wrapper.scope, receive, wrapper.send)


def SessionMiddlewareStack(inner: AnyApplication) -> CookieMiddleware:
    """`inner` with sessions: a SessionMiddleware in a CookieMiddleware."""
    return CookieMiddleware(SessionMiddleware(inner))
