"""How an instance follows its user's log-out in the browser: the setting CHANNELS_AFTER_LOGOUT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from django.contrib import auth

from channels.applications.shapes import Event, Scope, Send
from channels.consuming.logout import groups_to_close, open_browser_session, what_to_do
from channels.consuming.users import AUTH_KEYS, anonymous_user, load_user
from channels.db import database_sync_to_async
from channels.instances.events import Dispatch
from channels.messages import CloseCode

if TYPE_CHECKING:
    from channels.consumer import AsyncConsumer

#: Before these events it is looked at whether the user is still logged in.
_LOOKED_AT = ("websocket.connect", "websocket.receive")


def follow_logout(consumer: AsyncConsumer, send: Send, dispatch: Dispatch) -> Dispatch:
    """Return what handles the events of an instance, so that it follows its user's log-out.

    That is `dispatch` itself if the settings do not want it, or if nothing has put a user into the
    scope of a WebSocket.
    """
    scope = consumer.scope
    if scope.get("type") != "websocket" or "user" not in scope:
        return dispatch
    rule = what_to_do()
    return dispatch if rule is None else Follower(consumer, send, dispatch, rule).handle


class Follower:
    """Follows the session that the user of one instance has come from.

    With "close", the instance is in the groups by which sockets are closed at once.
    """

    def __init__(
        self,
        consumer: AsyncConsumer,
        send: Send,
        dispatch: Dispatch,
        rule: Literal["close", "anonymous"],
    ) -> None:
        self._consumer, self._send, self._dispatch = consumer, send, dispatch
        self._rule = rule
        #: The user whom it follows, the session's key, and what is kept in there of who it is.
        self._user: Any = None
        self._key: str | None = None
        self._user_id: str | None = None

    async def handle(self, event: Event) -> None:
        """Handle one event, unless the user has logged out and the socket is to be closed."""
        if _says_logged_out(event):
            await self._close()
            return
        if event["type"] in _LOOKED_AT:
            if await database_sync_to_async(self._has_ended)():
                if self._rule == "close":
                    await self._close()
                    return
                self._forget_user()
            await self._follow()
        await self._dispatch(event)
        if self._is_another_one():  # the handler has logged somebody in
            await self._follow()

    async def _close(self) -> None:
        await self._send({"type": "websocket.close", "code": int(CloseCode.LOGGED_OUT)})

    @property
    def _scope(self) -> Scope:
        return self._consumer.scope

    def _is_another_one(self) -> bool:
        key = getattr(self._scope.get("session"), "session_key", None)
        return self._scope.get("user") is not self._user or (
            self._key is not None and key != self._key
        )

    async def _follow(self) -> None:
        """From now on the instance's user is logged in as long as the session is."""
        if self._user is not None and not self._is_another_one():
            return
        groups = await database_sync_to_async(self._note_user)()
        layer = self._consumer.channel_layer
        if self._rule == "close" and layer is not None:
            for group in groups:
                await layer.group_add(group, self._consumer.channel_name)

    def _note_user(self) -> list[str]:
        """Note whom it follows; return the groups to join."""
        user: Any = self._scope.get("user")
        session: Any = self._scope.get("session")
        self._user, self._key, self._user_id = user, None, None
        if not getattr(user, "is_authenticated", False):
            return []
        key = getattr(session, "session_key", None)
        if session is not None and key is not None:
            user_id = session.get(auth.SESSION_KEY)
            # One that is not saved, or that says nothing of the user, can't say that he has left.
            if user_id is not None and open_browser_session(key).get(auth.SESSION_KEY) == user_id:
                self._key, self._user_id = key, user_id
        return groups_to_close(self._key, user._meta.pk.value_to_string(user))

    def _has_ended(self) -> bool:
        if self._key is None:
            return False
        browser = open_browser_session(self._key)
        is_same = browser.get(auth.SESSION_KEY) == self._user_id
        return not (is_same and load_user(browser).is_authenticated)

    def _forget_user(self) -> None:
        """The instance goes on without a user."""
        self._key = None
        session = self._scope["session"]
        for name in AUTH_KEYS:
            session.pop(name, None)
        self._scope["user"] = anonymous_user()


def _says_logged_out(event: Event) -> bool:
    """Whether a message to the instance's groups closes it, in either generation's format."""
    if event["type"] == "channels.classic":
        return bool(event.get("close") == CloseCode.LOGGED_OUT)
    return bool(event["type"] == "websocket.close" and event.get("code") == CloseCode.LOGGED_OUT)
