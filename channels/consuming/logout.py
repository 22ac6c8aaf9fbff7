"""What becomes of open sockets when their user logs out in the browser.

In Channels 1.x, and by default, nothing: a socket keeps the user that it began with. The setting
CHANNELS_AFTER_LOGOUT makes it follow the browser's session: "close" closes the user's sockets (at
once after a log-out and a change of the password, else with their next message), "anonymous" has
them go on without a user. The end of the session counts as a log-out.

Here is the rule, and how consumers of 1.x follow it. How those of Channels 2 and later do is in
`channels.instances.following`.
"""

from __future__ import annotations

import hashlib
import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, cast

from asgiref.sync import async_to_sync
from django.apps import apps
from django.conf import settings
from django.contrib import auth
from django.core.exceptions import ImproperlyConfigured

from channels.channel import Group
from channels.consuming.users import AUTH_KEYS, load_user
from channels.exceptions import ChannelsError
from channels.messages import CloseCode

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.sessions.backends.base import SessionBase

    from channels.channel import Channel

logger = logging.getLogger("channels.sessions")

#: What the channel session keeps the key of the browser's session under.
BROWSER_KEY = "_channels_browser_session"


def what_to_do() -> Literal["close", "anonymous"] | None:
    """Return what CHANNELS_AFTER_LOGOUT says. Raises ImproperlyConfigured."""
    value = getattr(settings, "CHANNELS_AFTER_LOGOUT", None)
    if value not in (None, "close", "anonymous"):
        raise ImproperlyConfigured(
            f'CHANNELS_AFTER_LOGOUT must be None, "close" or "anonymous", got {value!r}'
        )
    return cast('Literal["close", "anonymous"] | None', value)


def follow(channel_session: SessionBase, browser: SessionBase, reply_channel: Channel) -> None:
    """From now on the user of this socket is logged in as long as the browser's session is."""
    if browser.session_key is None or auth.SESSION_KEY not in channel_session:
        return
    channel_session[BROWSER_KEY] = browser.session_key
    if what_to_do() == "close":
        layer = reply_channel.channel_layer
        for name in groups_to_close(browser.session_key, channel_session[auth.SESSION_KEY]):
            Group(name, channel_layer=layer).add(reply_channel)


def end_if_logged_out(channel_session: SessionBase) -> bool:
    """Take the user out of the session of a socket if he has logged out in the browser since."""
    key = channel_session.get(BROWSER_KEY)
    if key is None or _is_logged_in(channel_session, key):
        return False
    for name in (*AUTH_KEYS, BROWSER_KEY):
        channel_session.pop(name, None)
    return True


def groups_to_close(session_key: str | None, user_id: str) -> list[str]:
    """The groups that a socket has to be in so that it can be closed with a session, or with all of
    a user."""
    groups = [_user_group(user_id)]
    return groups if session_key is None else [_session_group(session_key), *groups]


def open_browser_session(key: str) -> SessionBase:
    """Return the browser's session as it is now: empty if it has ended."""
    store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    return store(session_key=key)


def _is_logged_in(channel_session: SessionBase, key: str) -> bool:
    browser = open_browser_session(key)
    if browser.get(auth.SESSION_KEY) != channel_session.get(auth.SESSION_KEY):
        return False
    return bool(load_user(channel_session).is_authenticated)  # not if his password has changed


def close_sockets_of(user: AbstractBaseUser) -> None:
    """Close each socket that follows a session of `user`. Needs CHANNELS_AFTER_LOGOUT = "close".

    Call it where a user is deactivated, say; log-outs and new passwords are followed by themselves.
    """
    _close(_user_group(user._meta.pk.value_to_string(user)))


def close_sockets_of_session(key: str | None) -> None:
    """Close each socket that follows the browser's session `key`, if the settings want that."""
    if key is not None and what_to_do() == "close":
        _close(_session_group(key))


def close_after_logout(request: Any = None, **kwargs: Any) -> None:
    """Receiver of `user_logged_out`: the session has its key still."""
    close_sockets_of_session(getattr(getattr(request, "session", None), "session_key", None))


def close_after_new_password(instance: Any, created: bool, **kwargs: Any) -> None:
    """Receiver of `post_save` of the user model: `set_password` leaves a mark until then."""
    has_new_password = getattr(instance, "_password", None) is not None
    if has_new_password and not created and what_to_do() == "close":
        close_sockets_of(instance)


def connect_receivers() -> None:
    """Listen to Django's signals, where its users are installed."""
    from django.db.models.signals import post_save

    auth.user_logged_out.connect(close_after_logout, dispatch_uid="channels.logout")
    if apps.is_installed("django.contrib.auth"):
        post_save.connect(
            close_after_new_password,
            sender=auth.get_user_model(),
            dispatch_uid="channels.new_password",
        )


def _close(group: str) -> None:
    """Close the sockets of a group. A log-out never fails for that."""
    from channels.layers import get_channel_layer

    layer = get_channel_layer()
    if layer is None:
        return
    try:
        if hasattr(layer, "engine"):
            Group(group).send({"close": int(CloseCode.LOGGED_OUT)})
        else:  # a layer of others, whose consumers are those of Channels 2 and later
            event = {"type": "websocket.close", "code": int(CloseCode.LOGGED_OUT)}
            async_to_sync(layer.group_send)(group, event)
    except ChannelsError as error:
        logger.error(
            "sockets of a user who has logged out could not be closed: %s; they are closed with "
            "their next message",
            error,
        )


def _session_group(key: str) -> str:
    return f"channels.session.{_mark(key)}"


def _user_group(pk: object) -> str:
    return f"channels.user.{_mark(str(pk))}"


def _mark(text: str) -> str:
    """What names a group after a secret: it can't be read back."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
