"""The sessions of sockets and browsers: decorators for consumers of 1.x, middleware for those of
Channels 2 and later."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module

from django.conf import settings
from django.contrib.sessions.backends import signed_cookies
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.http import QueryDict, parse_cookie

from channels.applications.cookies import CookieMiddleware
from channels.applications.sessions import (
    InstanceSessionWrapper,
    SessionMiddleware,
    SessionMiddlewareStack,
)
from channels.consuming.decorators import (
    Call,
    P,
    R,
    Steps,
    StepsFunction,
    marks_of,
    nest,
    run_consumer,
    wrap_consumer,
)
from channels.consuming.ordering import enforce_ordering
from channels.consuming.session_stores import channel_session_steps, session_for_reply_channel
from channels.message import Message
from channels.requests.head import get_cookie_text

__all__ = [
    "CookieMiddleware",
    "InstanceSessionWrapper",
    "SessionMiddleware",
    "SessionMiddlewareStack",
    "channel_and_http_session",
    "channel_session",
    "enforce_ordering",
    "http_session",
    "session_for_reply_channel",
]

logger = logging.getLogger("channels.sessions")


def channel_session(func: Callable[P, R]) -> Callable[P, R]:
    """Decorate a consumer so that `message.channel_session` is its socket's own session.

    It has Django's session interface, and lives from the socket's connect to the end of its
    disconnect. It is loaded when first touched (before the consumer, if that is `async def`), and
    what the consumer changed is saved when it ends, however it ends. It is kept in the channel
    layer, or in the Django engine that the setting CHANNEL_SESSION_ENGINE names. Raises ValueError
    for a message without a reply channel.
    """
    return wrap_in_session(func, channel_session_steps, "channel_session")


def http_session(func: Callable[P, R]) -> Callable[P, R]:
    """Decorate a consumer so that `message.http_session` is the Django session of the browser.

    It is found by the session cookie or a `session_key` in the query string, and None if there is
    neither. It is there for reading: changes to it are saved if the consumer succeeds, but a new
    one can only be made by a view. Raises ValueError for a message without headers: only
    `http.request` and `websocket.connect` have them.
    """
    return wrap_in_session(func, http_session_steps, "http_session")


def channel_and_http_session(func: Callable[P, R]) -> Callable[P, R]:
    """Decorate a consumer so that it has both `channel_session` and `http_session`.

    The key of the HTTP session is kept in the channel session, so that `http_session` is there in
    later messages of the socket too.
    """
    return wrap_in_session(
        func,
        channel_and_http_session_steps,
        "channel_and_http_session",
        "channel_session",
        "http_session",
    )


def wrap_in_session(consumer: Callable[P, R], steps: StepsFunction, *marks: str) -> Callable[P, R]:
    """`wrap_consumer`, for steps that load a session: those of an ordered consumer run in its turn.

    A session that is loaded before lacks what the consumers of earlier messages save in theirs.
    """
    wrapped = wrap_consumer(consumer, steps, *marks)
    return enforce_ordering(wrapped) if "enforce_ordering" in marks_of(consumer) else wrapped


def http_session_steps(call: Call, inner: StepsFunction = run_consumer) -> Steps:
    """The steps of `http_session`: a message that can't have one is refused."""
    message = call.message
    if not hasattr(message, "http_session") and not (
        "headers" in message or message.get("query_string")
    ):
        raise ValueError(
            f"{call} needs the headers of the request: use it on http.request and "
            "websocket.connect; for the later messages of a socket there are channel_session_user "
            "(after channel_session_user_from_http on connect) and channel_and_http_session"
        )
    yield from optional_http_session_steps(call, inner)


def optional_http_session_steps(call: Call, inner: StepsFunction = run_consumer) -> Steps:
    """As `http_session_steps`, but for messages without headers too: None then."""
    message = call.message
    if not hasattr(message, "http_session"):
        message.http_session = _open_http_session(_read_session_key(message))
    if call.is_async and message.http_session is not None:
        yield message.http_session.keys  # loads it
    yield from inner(call)
    session = message.http_session
    if session is not None and session.modified:
        yield lambda: _save_http_session(session, call)


def channel_and_http_session_steps(call: Call, inner: StepsFunction = run_consumer) -> Steps:
    """The steps of `channel_and_http_session`."""
    steps = nest(
        optional_http_session_steps, channel_session_steps, _remember_http_session_steps, inner
    )
    yield from steps(call)


def _remember_http_session_steps(call: Call, inner: StepsFunction) -> Steps:
    message, name = call.message, settings.SESSION_COOKIE_NAME
    if message.http_session is None:
        message.http_session = _open_http_session(message.channel_session.get(name))
        if call.is_async and message.http_session is not None:
            yield message.http_session.keys
    elif name not in message.channel_session:
        message.channel_session[name] = message.http_session.session_key
    yield from inner(call)


def _save_http_session(session: SessionBase, call: Call) -> None:
    reason = None
    if isinstance(session, signed_cookies.SessionStore):
        reason = "it is kept in a cookie, which only a view can set"
    elif session.session_key is None:
        reason = "it does not exist, and only a view can make one"
    else:
        try:
            session.save()
        except UpdateError:
            reason = "it has been deleted meanwhile, perhaps by a log-out"
    session.modified = False
    if reason:
        logger.warning("%s: a change of message.http_session is lost: %s", call, reason)


def _read_session_key(message: Message) -> str | None:
    """Return the session key in the query string or the cookies of a message, or None."""
    query = message.get("query_string")
    if query:
        key = QueryDict(str(query)).get("session_key")
        if key:
            return key
    return parse_cookie(get_cookie_text(message.content)).get(settings.SESSION_COOKIE_NAME)


def _open_http_session(session_key: str | None) -> SessionBase | None:
    """Return the session kept under `session_key`, loaded when first touched; None for no key."""
    if not session_key:
        return None
    store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    return store(session_key=session_key)
