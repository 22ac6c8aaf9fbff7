"""Decorators that give a consumer its user, and log-in and log-out on a socket."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from django.conf import settings
from django.contrib import auth
from django.utils.functional import SimpleLazyObject

from channels.consuming.decorators import Call, P, R, Steps, StepsFunction, nest, run_consumer
from channels.consuming.session_steps import channel_session_steps
from channels.security.websockets import check_origin
from channels.sessions import (
    channel_and_http_session_steps,
    http_session_steps,
    optional_http_session_steps,
    wrap_in_session,
)

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser
    from django.contrib.sessions.backends.base import SessionBase

    from channels.message import Message

    #: Who is on a socket: one who has logged in, or nobody known.
    SocketUser: TypeAlias = AbstractBaseUser | AnonymousUser

_AUTH_KEYS = (auth.SESSION_KEY, auth.BACKEND_SESSION_KEY, auth.HASH_SESSION_KEY)


def transfer_user(from_session: SessionBase, to_session: SessionBase) -> None:
    """Copy who is logged in from one session to another; nothing if nobody is."""
    if all(key in from_session for key in _AUTH_KEYS):
        for key in _AUTH_KEYS:
            to_session[key] = from_session[key]


def channel_session_user(func: Callable[P, R]) -> Callable[P, R]:
    """Decorate a consumer so that `message.user` is the user of its socket.

    That is the one that `channel_session_user_from_http` or `login` has put into the channel
    session, else an AnonymousUser. Comes with `channel_session`. The user is loaded when first
    touched (before the consumer, if that is `async def`).
    """
    steps = nest(channel_session_steps, _channel_user_steps)
    return wrap_in_session(func, steps, "channel_session_user", "channel_session")


def http_session_user(func: Callable[P, R]) -> Callable[P, R]:
    """Decorate a consumer so that `message.user` is the user of the browser's Django session.

    For messages with headers: `http.request` and `websocket.connect`. Comes with `http_session`. On
    `websocket.connect` a page of a foreign site is refused; see `check_origin`.
    """
    steps = nest(_origin_steps, http_session_steps, _http_user_steps)
    return wrap_in_session(func, steps, "http_session_user", "http_session")


def channel_session_user_from_http(func: Callable[P, R]) -> Callable[P, R]:
    """Decorate a `websocket.connect` consumer so that the browser's user becomes the socket's.

    `message.user` is that user, there and, with `channel_session_user`, in the socket's later
    messages; around those it does the same as `channel_session_user`. Comes with `channel_session`,
    and with `http_session` on connect. A page of a foreign site is refused; see `check_origin`.
    """
    steps = nest(
        _origin_steps,
        optional_http_session_steps,
        channel_session_steps,
        _transfer_steps,
        _channel_user_steps,
    )
    return wrap_in_session(
        func,
        steps,
        "channel_session_user_from_http",
        "channel_session_user",
        "channel_session",
        "http_session",
    )


def channel_and_http_session_user_from_http(func: Callable[P, R]) -> Callable[P, R]:
    """Decorate a consumer as `channel_session_user_from_http` does, with `http_session` in the
    later messages of the socket too."""
    steps = nest(
        _origin_steps, channel_and_http_session_steps, _transfer_steps, _channel_user_steps
    )
    return wrap_in_session(
        func,
        steps,
        "channel_and_http_session_user_from_http",
        "channel_and_http_session",
        "channel_session_user",
        "channel_session",
        "http_session",
    )


def login(message: Message, user: AbstractBaseUser, backend: str | None = None) -> None:
    """Make `user` the user of the message's socket, from now on.

    `backend`: the dotted path of the authentication backend; needed if there are several and the
    user did not come from `authenticate()`. The browser's HTTP session is left as it is. Not for
    use in an event loop: in an `async def` consumer, `await sync_to_async(login)(message, user)`.
    """
    session = _channel_session_of(message, "login")
    session[auth.SESSION_KEY] = user._meta.pk.value_to_string(user)
    session[auth.BACKEND_SESSION_KEY] = _backend_of(user, backend)
    get_hash = getattr(user, "get_session_auth_hash", None)
    session[auth.HASH_SESSION_KEY] = get_hash() if get_hash else ""
    message.user = user
    auth.user_logged_in.send(sender=type(user), request=None, user=user)


def _backend_of(user: AbstractBaseUser, backend: str | None) -> str:
    named: str | None = backend or getattr(user, "backend", None)
    if named:
        return named
    known = settings.AUTHENTICATION_BACKENDS
    if len(known) != 1:
        raise ValueError(
            f"login() can't tell which of {known} authenticated {user!r}: name it as `backend`"
        )
    return known[0]


def logout(message: Message) -> None:
    """Make the user of the message's socket anonymous; what else is in its session stays.

    The browser's HTTP session is left as it is.
    """
    session = _channel_session_of(message, "logout")
    user: SocketUser | None = load_user(session)
    for key in _AUTH_KEYS:
        session.pop(key, None)
    message.user = _anonymous_user()
    if user is not None and not user.is_authenticated:
        user = None
    auth.user_logged_out.send(sender=type(user), request=None, user=user)


def load_user(session: SessionBase | None) -> SocketUser:
    """Return the user whom `session` (a channel or HTTP session, or None) is about."""
    if session is None:
        return _anonymous_user()
    holder: Any = _SessionHolder(_ReadOnlySession(session))
    return auth.get_user(holder)


class _SessionHolder:
    """What `django.contrib.auth.get_user` needs of a request."""

    def __init__(self, session: _ReadOnlySession) -> None:
        self.session = session


class _ReadOnlySession:
    """A session that `get_user` can read, and not flush or rename.

    It would do so after a change of the password or the secret key. The socket then is anonymous,
    but keeps what else is in its session; the browser could not be told of a new key.
    """

    def __init__(self, session: SessionBase) -> None:
        self.get = session.get
        self._session = session

    def __getitem__(self, key: str) -> Any:
        return self._session[key]

    def __setitem__(self, key: str, value: Any) -> None:
        pass

    def flush(self) -> None:
        pass

    def cycle_key(self) -> None:
        pass


def _give_user(call: Call, session: SessionBase | None) -> Steps:
    """Steps: set `message.user`; in an event loop it can't be loaded later."""
    load = partial(load_user, session)
    call.message.user = (yield load) if call.is_async else SimpleLazyObject(load)


def _channel_user_steps(call: Call, inner: StepsFunction = run_consumer) -> Steps:
    yield from _give_user(call, call.message.channel_session)
    yield from inner(call)


def _http_user_steps(call: Call, inner: StepsFunction = run_consumer) -> Steps:
    yield from _give_user(call, call.message.http_session)
    yield from inner(call)


def _origin_steps(call: Call, inner: StepsFunction) -> Steps:
    check_origin(call.message)
    yield from inner(call)


def _transfer_steps(call: Call, inner: StepsFunction) -> Steps:
    message = call.message
    # Later messages have no headers: by then the socket's own session knows who it is.
    if message.http_session is not None and "headers" in message:
        yield partial(transfer_user, message.http_session, message.channel_session)
    yield from inner(call)


def _anonymous_user() -> AnonymousUser:
    from django.contrib.auth.models import AnonymousUser  # needs the apps to be loaded

    return AnonymousUser()


def _channel_session_of(message: Message, caller: str) -> SessionBase:
    session: SessionBase | None = getattr(message, "channel_session", None)
    if session is None:
        raise ValueError(
            f"{caller}() got a message on {message.channel.name!r} without a channel_session: "
            "decorate the consumer with channel_session_user or channel_session_user_from_http"
        )
    return session
