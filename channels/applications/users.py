"""`AuthMiddleware`: the user of a connection, for class consumers; log-in and log-out there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import auth
from django.utils.crypto import constant_time_compare
from django.utils.functional import LazyObject

from channels.applications.cookies import CookieMiddleware
from channels.applications.sessions import SessionMiddleware
from channels.applications.shapes import AnyApplication, Receive, Scope, Send, callable_twice
from channels.consuming.logout import close_sockets_of_session
from channels.consuming.users import anonymous_user, load_user, write_user
from channels.db import database_sync_to_async
from channels.middleware import BaseMiddleware

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.contrib.sessions.backends.base import SessionBase


@database_sync_to_async
def get_user(scope: Scope) -> Any:
    """Return the user of a connection's session, or an AnonymousUser; a coroutine function.

    Raises ValueError if there is no `scope["session"]`.
    """
    return load_user(_session_of(scope))


class UserLazyObject(LazyObject):  # type: ignore[type-arg]  # it takes none when it runs
    """The user of a connection, before it is known who that is: using it raises ValueError."""

    def _setup(self) -> None:
        raise ValueError("Accessing scope user before it is ready.")


class AuthMiddleware(BaseMiddleware):
    """An ASGI application that puts the session's user into `scope["user"]`, for one that stands
    behind it. It needs SessionMiddleware before it."""

    def populate_scope(self, scope: Scope) -> None:
        if "session" not in scope:
            raise ValueError(
                "AuthMiddleware cannot find session in scope. SessionMiddleware must be above it: "
                "AuthMiddlewareStack(...) is all of them"
            )
        if "user" not in scope:
            scope["user"] = UserLazyObject()

    async def resolve_scope(self, scope: Scope) -> None:
        scope["user"]._wrapped = await get_user(scope)

    @callable_twice
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        return await super().__call__(scope, receive, send)


def AuthMiddlewareStack(inner: AnyApplication) -> CookieMiddleware:
    """`inner` with users: an AuthMiddleware in a SessionMiddleware in a CookieMiddleware."""
    return CookieMiddleware(SessionMiddleware(AuthMiddleware(inner)))


@database_sync_to_async
def log_in(scope: Scope, user: AbstractBaseUser | None, backend: str | None = None) -> None:
    """Make `user` (None: the scope's own) the one of the connection and of its session."""
    session = _session_of(scope)
    user = scope.get("user") if user is None else user
    if user is None:
        raise ValueError("User must be passed as an argument or must be present in the scope.")
    _renew_session(session, user)
    write_user(session, user, backend)
    scope["user"] = user
    auth.user_logged_in.send(sender=type(user), request=None, user=user)


@database_sync_to_async
def log_out(scope: Scope) -> None:
    """Empty the session of a connection, and make its user anonymous."""
    session = _session_of(scope)
    user = scope.get("user")
    if user is not None and getattr(user, "is_authenticated", True):
        # First, so that those who are told can find out who it was.
        auth.user_logged_out.send(sender=user.__class__, request=None, user=user)
    key = session.session_key
    session.flush()
    if "user" in scope:
        scope["user"] = anonymous_user()
    close_sockets_of_session(key)


def _renew_session(session: SessionBase, user: AbstractBaseUser) -> None:
    """Nobody goes on with the session of another user, or with a key known from before."""
    if auth.SESSION_KEY not in session:
        session.cycle_key()
        return
    get_hash = getattr(user, "get_session_auth_hash", None)
    known_hash = session.get(auth.HASH_SESSION_KEY, "")
    known_key = auth.get_user_model()._meta.pk.to_python(session[auth.SESSION_KEY])
    if known_key != user.pk or (get_hash and not constant_time_compare(known_hash, get_hash())):
        session.flush()


def _session_of(scope: Scope) -> Any:
    if "session" not in scope:
        raise ValueError(
            "Cannot find session in scope. You should wrap your consumer in SessionMiddleware: "
            "AuthMiddlewareStack(...) does"
        )
    return scope["session"]
