"""The users of sockets: decorators for consumers of 1.x, middleware for those of Channels 2 and
later, and log-in and log-out for both."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from django.contrib import auth
from django.utils.functional import SimpleLazyObject

from channels.applications.either import EitherCall
from channels.applications.users import (
    AuthMiddleware,
    AuthMiddlewareStack,
    UserLazyObject,
    get_user,
    log_in,
    log_out,
)
from channels.consuming import logout as logout_rules
from channels.consuming.decorators import Call, P, R, Steps, StepsFunction, nest, run_consumer
from channels.consuming.logout import close_sockets_of
from channels.consuming.session_stores import channel_session_steps
from channels.consuming.users import AUTH_KEYS, anonymous_user, load_user, write_user
from channels.exceptions import WebsocketCloseException
from channels.messages import CloseCode
from channels.security.websockets import check_origin
from channels.sessions import (
    channel_and_http_session_steps,
    http_session_steps,
    optional_http_session_steps,
    wrap_in_session,
)

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.sessions.backends.base import SessionBase

    from channels.consuming.users import SocketUser
    from channels.message import Message

__all__ = [
    "AuthMiddleware",
    "AuthMiddlewareStack",
    "UserLazyObject",
    "channel_and_http_session_user_from_http",
    "channel_session_user",
    "channel_session_user_from_http",
    "close_sockets_of",
    "get_user",
    "http_session_user",
    "load_user",
    "login",
    "logout",
    "transfer_user",
]


def transfer_user(from_session: SessionBase, to_session: SessionBase) -> None:
    """Copy who is logged in from one session to another; nothing if nobody is."""
    if all(key in from_session for key in AUTH_KEYS):
        for key in AUTH_KEYS:
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


def _give_user(call: Call, session: SessionBase | None) -> Steps:
    """Steps: set `message.user`; in an event loop it can't be loaded later."""
    load = partial(load_user, session)
    call.message.user = (yield load) if call.is_async else SimpleLazyObject(load)


def _channel_user_steps(call: Call, inner: StepsFunction = run_consumer) -> Steps:
    yield from _logout_steps(call)
    yield from _give_user(call, call.message.channel_session)
    yield from inner(call)


def _http_user_steps(call: Call, inner: StepsFunction = run_consumer) -> Steps:
    yield from _give_user(call, call.message.http_session)
    yield from inner(call)


def _logout_steps(call: Call) -> Steps:
    """Steps: see whether the user has logged out in the browser, if the settings want that."""
    message, rule = call.message, logout_rules.what_to_do()
    if rule is None or message.channel.name == "websocket.disconnect":
        return
    has_ended = yield partial(logout_rules.end_if_logged_out, message.channel_session)
    if has_ended and rule == "close":
        raise WebsocketCloseException(CloseCode.LOGGED_OUT)


def _origin_steps(call: Call, inner: StepsFunction) -> Steps:
    check_origin(call.message)
    yield from inner(call)


def _transfer_steps(call: Call, inner: StepsFunction) -> Steps:
    message = call.message
    # Later messages have no headers: by then the socket's own session knows who it is.
    if message.http_session is not None and "headers" in message:
        yield partial(transfer_user, message.http_session, message.channel_session)
        if logout_rules.what_to_do():
            session, browser = message.channel_session, message.http_session
            yield partial(logout_rules.follow, session, browser, message.reply_channel)
    yield from inner(call)


def _channel_session_of(message: Message, caller: str) -> SessionBase:
    session: SessionBase | None = getattr(message, "channel_session", None)
    if session is None:
        raise ValueError(
            f"{caller}() got a message on {message.channel.name!r} without a channel_session: "
            "decorate the consumer with channel_session_user or channel_session_user_from_http"
        )
    return session


def _log_in_at_once(message: Message, user: AbstractBaseUser, backend: str | None = None) -> None:
    write_user(_channel_session_of(message, "login"), user, backend)
    message.user = user
    auth.user_logged_in.send(sender=type(user), request=None, user=user)


def _log_out_at_once(message: Message) -> None:
    session = _channel_session_of(message, "logout")
    user: SocketUser | None = load_user(session)
    for key in AUTH_KEYS:
        session.pop(key, None)
    message.user = anonymous_user()
    if user is not None and not user.is_authenticated:
        user = None
    auth.user_logged_out.send(sender=type(user), request=None, user=user)


#: `login(message, user, backend=None)` and `await login(scope, user, backend=None)`: make `user`
#: the one of a socket, from now on.
#:
#: `backend`: the dotted path of the authentication backend; needed if there are several and the
#: user did not come from `authenticate()`. With a message of 1.x, the browser's HTTP session is
#: left as it is, and in an `async def` consumer it is `await sync_to_async(login)(message, user)`.
#: With the scope of a class consumer, it is that session which changes: save it with
#: `await database_sync_to_async(scope["session"].save)()`, as no response goes out that would.
login = EitherCall(_log_in_at_once, log_in)

#: `logout(message)` and `await logout(scope)`: make the user of a socket anonymous. With a message
#: of 1.x, what else is in its session stays; with a scope, the session is emptied.
logout = EitherCall(_log_out_at_once, log_out)
