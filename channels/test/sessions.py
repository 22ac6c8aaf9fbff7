"""The session of a test client: that of its socket, and that of its browser."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, SessionBase

from channels.consuming.session_stores import TrackedSession, session_class_for

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer


class ClientSession:
    """Mixed into the class of a layer's channel sessions: `save()` keeps a copy in SESSION_ENGINE.

    In Channels 1.x the two were one record, as both were kept in that engine under the key of the
    channel session. Tests put into the one what they find in the other.
    """

    if TYPE_CHECKING:
        session_key: str
        items: Any

    @property
    def http_key(self) -> str:
        """What the session cookie holds."""
        return str(self._http_copy().session_key) if _is_in_cookie() else self.session_key

    def save(self, must_create: bool = False) -> None:
        """Save it as the channel session, and as the browser's."""
        super().save(must_create)  # type: ignore[misc]
        if _is_in_cookie():
            return
        copy = self._http_copy()
        try:
            copy.save(must_create=True)
        except CreateError:
            copy.save()

    def _http_copy(self) -> SessionBase:
        """A Django session with the same key and content."""
        store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        made = store(None if _is_in_cookie() else self.session_key)
        vars(made)["_session_cache"] = dict(self.items())
        if _is_in_cookie():
            made.save()
        return made


def _is_in_cookie() -> bool:
    engine: str = settings.SESSION_ENGINE
    return engine == "django.contrib.sessions.backends.signed_cookies"


def client_session(reply_channel: str, layer: BaseChannelLayer) -> TrackedSession:
    """Return the session of the client behind `reply_channel`."""
    kind = session_class_for(layer)
    made: type[TrackedSession] = type(kind.__name__, (ClientSession, kind), {})
    return made(layer, reply_channel)
