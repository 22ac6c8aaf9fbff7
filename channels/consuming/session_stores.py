"""Channel sessions: where they are kept, how it is known what changed in one, and the steps of
`channel_session`, which those of `enforce_ordering` and others go through too.

A channel session belongs to one socket and is named by its reply channel. It is kept in the channel
layer, or, if CHANNEL_SESSION_ENGINE names one, in a Django session engine. It is loaded when it is
first touched, and only what a consumer changed is saved, so that two consumers which change
different keys at the same time both keep their change: in the layer, and in a database, where the
session's row is locked. The other engines can't be locked; there one of two that save in the same
moment may lose what it changed.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgpack
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends import db, signed_cookies
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.core.signals import setting_changed
from django.db import router, transaction
from django.db.models import F
from django.dispatch import receiver
from django.utils import timezone
from django.utils.module_loading import import_string

from channels.consuming.decorators import Call, Steps, StepsFunction, run_consumer
from channels.exceptions import ConsumeLater
from channels.message import Message, pending_message_store

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer
    from channels.layers.contract import ForeseenSession
    from channels.layers.operations import SaveSession

    _SessionBase = SessionBase
else:
    _SessionBase = object  # an engine's own class comes behind it

_ATOMS = frozenset([str, bytes, int, float, bool, type(None)])


class TrackedSession(_SessionBase):
    """What a channel session is beyond Django's SessionBase: it has one key for good, and it knows
    what changed since it was loaded, in nested values too."""

    if TYPE_CHECKING:  # SessionBase's own
        _session: dict[str, Any]
        _session_cache: dict[str, Any]

    def __init__(self, layer: BaseChannelLayer, reply_channel: str) -> None:
        self._own_key = session_key_for(reply_channel)
        super().__init__(session_key=self._own_key)
        self._layer = layer
        self._reply_channel = reply_channel
        self._seen: dict[str, Any] = {}

    def changes(self) -> tuple[dict[str, Any], frozenset[str]]:
        """Return (dict of the keys that changed, set of those that went) since they were read."""
        cache = self.__dict__.get("_session_cache")
        if cache is None:
            return {}, frozenset()
        seen = self._seen
        changed = {
            key: value
            for key, value in cache.items()
            if key not in seen or seen[key] != _fingerprint(value)
        }
        return changed, frozenset(seen.keys() - cache.keys())

    def leave_changes(self) -> bool:
        """Have the changes go out with what the consumer sends; False if `save` is due instead."""
        changed, removed = self.changes()
        return not changed and not removed

    def _remember(self, data: Mapping[str, Any]) -> None:
        self._seen = {key: _fingerprint(value) for key, value in data.items()}
        self.modified = False

    def is_empty(self) -> bool:
        """Whether it holds nothing."""
        return not self._session

    def clear(self) -> None:
        """Remove every key."""
        self._session.clear()
        self.modified = True

    def flush(self) -> None:
        """Remove every key; the session goes on under its socket's name."""
        self.clear()

    def cycle_key(self) -> None:
        """Do nothing: nobody but the socket can name its session."""

    def create(self) -> None:
        """Do nothing: a channel session comes to be with its first key."""

    # Django's engines have coroutines of their own, which would pass by the methods here.

    async def aload(self) -> dict[str, Any]:
        return await sync_to_async(self.load)()

    async def asave(self, must_create: bool = False) -> None:
        await sync_to_async(self.save)(must_create)

    async def aflush(self) -> None:
        await sync_to_async(self.flush)()

    async def acycle_key(self) -> None:
        """Do nothing, as `cycle_key`."""


class LayerSession(TrackedSession, SessionBase):
    """A channel session in the channel layer. One is made for most messages, so it is made with as
    little as can be: the attributes of SessionBase, those that are seldom asked for as properties.
    """

    def __init__(self, layer: BaseChannelLayer, reply_channel: str) -> None:
        self._layer = layer
        self._reply_channel = reply_channel
        self._seen = {}
        self.accessed = self.modified = False
        #: What gives its values, if they were asked for already.
        self.foreseen: ForeseenSession | None = None

    @property
    def session_key(self) -> str:
        """The name of the session: its own for good."""
        return session_key_for(self._reply_channel)

    _own_key = session_key
    _session_key: Any = session_key  # a property without its setter

    @property
    def serializer(self) -> Any:
        """The class that SESSION_SERIALIZER names; this session does without."""
        return import_string(settings.SESSION_SERIALIZER)

    def load(self) -> dict[str, Any]:
        foreseen, self.foreseen = self.foreseen, None
        data = foreseen() if foreseen is not None else None
        if data is None:
            data = self._layer.load_session(self._reply_channel)
        self._remember(data)
        return data

    def leave_changes(self) -> bool:
        if not pending_message_store.active:
            return super().leave_changes()
        operation = self._prepare()
        if operation is not None:
            # Before the sends: whoever answers one of them finds the session saved.
            pending_message_store.prepend(self._layer, operation)
            self._remember(self._session_cache)
        return True

    def save(self, must_create: bool = False) -> None:
        """Save what changed, at once. Raises InvalidMessage if a value can't be packed."""
        operation = self._prepare()
        if operation is not None:
            self._apply(operation)
            self._remember(self._session_cache)

    def exists(self, session_key: str) -> bool:
        """Whether something is kept under `session_key`, if it is this session's own."""
        return session_key == self._own_key and bool(self._layer.load_session(self._reply_channel))

    def delete(self, session_key: str | None = None) -> None:
        """Remove what is kept, at once."""
        keys = self._layer.load_session(self._reply_channel).keys()
        if keys:
            self._apply(self._layer.prepare_session(self._reply_channel, {}, frozenset(keys)))
        self._seen = {}

    def _prepare(self) -> SaveSession | None:
        changed, removed = self.changes()
        if not changed and not removed:
            return None
        return self._layer.prepare_session(self._reply_channel, changed, removed)

    def _apply(self, operation: SaveSession) -> None:
        (result,) = self._layer.apply([operation])
        if isinstance(result, Exception):
            raise result


class EngineSession(TrackedSession):
    """A channel session in a Django session engine, whose SessionStore is mixed in."""

    def load(self) -> dict[str, Any]:
        data = super().load()
        self._session_key = self._own_key  # engines drop the key of a session that isn't there yet
        self._remember(data)
        return data

    def save(self, must_create: bool = False) -> None:
        """Save what changed, on top of what is there by now."""
        changed, removed = self.changes()
        if changed or removed:
            self._save_changes(changed, removed)
            self._remember(self._session_cache)

    def _save_changes(self, changed: dict[str, Any], removed: frozenset[str]) -> None:
        there = super().load()
        self._session_key = self._own_key
        self._merge(there, changed, removed)
        # Engines want to be told whether the record is there; another consumer may make it first.
        try:
            super().save()
        except UpdateError:
            try:
                super().save(must_create=True)
            except CreateError:
                super().save()

    def _merge(
        self, there: Mapping[str, Any], changed: Mapping[str, Any], removed: Iterable[str]
    ) -> None:
        kept = {key: value for key, value in there.items() if key not in removed}
        self._session_cache = {**kept, **changed}


class DatabaseSession(EngineSession):
    """A channel session in an engine that keeps it in the database, as Django's `db` does."""

    #: The model of the engine.
    model: Any

    def _save_changes(self, changed: dict[str, Any], removed: frozenset[str]) -> None:
        using = router.db_for_write(self.model)
        if self._update(using, changed, removed):
            return
        self._session_cache = dict(changed)
        try:
            with transaction.atomic(using=using):  # until it is in the cache, too, of `cached_db`
                super(EngineSession, self).save(must_create=True)
        except CreateError:  # another consumer has made the row meanwhile
            if not self._update(using, changed, removed):
                raise

    def _update(self, using: str, changed: dict[str, Any], removed: frozenset[str]) -> bool:
        """Change the row; return False if there is none."""
        rows = self.model.objects.using(using).filter(session_key=self._own_key)
        with transaction.atomic(using=using):
            # It begins with a write, so that nobody else can write the row until it ends, SQLite
            # included: there one that has read already would be refused, and not wait.
            if not rows.update(expire_date=F("expire_date")):
                return False
            row = rows.filter(expire_date__gt=timezone.now()).first()
            self._merge(self.decode(row.session_data) if row else {}, changed, removed)
            super(EngineSession, self).save()
        return True


def session_for_reply_channel(
    reply_channel: str, channel_layer: BaseChannelLayer | None = None
) -> TrackedSession:
    """Return the channel session of the client behind `reply_channel` (a str).

    `channel_layer`: the layer, if it isn't the default one. The session is loaded when it is first
    touched; outside of a consumer, call its `save()`. Raises ValueError for an engine that can't
    keep one.
    """
    if channel_layer is None:
        from channels.asgi import channel_layers
        from channels.channel import DEFAULT_CHANNEL_LAYER

        channel_layer = channel_layers[DEFAULT_CHANNEL_LAYER]
    return session_class_for(channel_layer)(channel_layer, reply_channel)


@functools.lru_cache(maxsize=4096)
def session_key_for(reply_channel: str) -> str:
    """Return the 32 characters that a session is kept under in an engine: those of Channels 1.x."""
    return "chn" + hashlib.sha1(reply_channel.encode()).hexdigest()[:29]


def are_kept_in(layer: BaseChannelLayer) -> bool:
    """Whether the channel sessions of `layer` are kept in the layer itself."""
    return "sessions" in layer.extensions and not getattr(settings, "CHANNEL_SESSION_ENGINE", None)


@functools.lru_cache(maxsize=8)
def session_class_for(layer: BaseChannelLayer) -> type[TrackedSession]:
    """Return the class of the channel sessions of `layer`. Raises ValueError.

    Asked for each message, and kept: Django takes long to say that a setting is not there.
    """
    path = getattr(settings, "CHANNEL_SESSION_ENGINE", None)
    if path:
        return _engine_class(path, "CHANNEL_SESSION_ENGINE")
    if "sessions" in layer.extensions:
        return LayerSession
    return _engine_class(settings.SESSION_ENGINE, "SESSION_ENGINE (this layer keeps no sessions)")


@receiver(setting_changed)
def _forget_session_classes(**kwargs: Any) -> None:
    session_class_for.cache_clear()


@functools.lru_cache(maxsize=8)
def _engine_class(path: str, setting: str) -> type[TrackedSession]:
    try:
        store = import_module(path).SessionStore
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{setting} = {path!r} is no session engine: {error}") from error
    if issubclass(store, signed_cookies.SessionStore):
        raise ValueError(
            f"{setting} = {path!r} keeps sessions in cookies, which a socket can't set: set "
            "CHANNEL_SESSION_ENGINE to an engine that keeps them on the server, such as "
            "'django.contrib.sessions.backends.cache', or unset it on a channel layer that keeps "
            "channel sessions itself"
        )
    kind = DatabaseSession if issubclass(store, db.SessionStore) else EngineSession
    # The engine's own class name salts what it signs.
    return type(store.__name__, (kind, store), {})


def _fingerprint(value: object) -> object:
    """Return what is equal if, and only if, the value is the same, down to the nested types."""
    if type(value) in _ATOMS:
        return type(value), value
    try:
        return msgpack.packb(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return object()  # equal to nothing: it counts as changed, and saving it says what is wrong


# -- the decorator -------------------------------------------------------------------------------


def channel_session_steps(call: Call, inner: StepsFunction = run_consumer) -> Steps:
    """The steps of `channel_session`."""
    message = call.message
    if not hasattr(message, "channel_session"):
        call.require_reply_channel()
    is_outermost = _attach_session(message)
    if call.is_async:
        yield message.channel_session.keys  # loads it: an event loop can't wait for that later
    will_retry = False
    try:
        yield from inner(call)
    except ConsumeLater:
        will_retry = True
        raise
    finally:
        yield from _keep_changes(message.channel_session)
        if is_outermost and not will_retry and _outlives_socket(message):
            yield message.channel_session.delete


def _attach_session(message: Message) -> bool:
    """Give the message its `channel_session`; return False if it has one already."""
    if hasattr(message, "channel_session"):
        return False
    # The reply channel knows its layer even if a message made in a test names none.
    reply_channel = message.reply_channel
    session = session_for_reply_channel(reply_channel.name, reply_channel.channel_layer)
    if isinstance(session, LayerSession):
        session.foreseen = message.foreseen_session
    message.channel_session = session
    return True


def _keep_changes(session: SessionBase) -> Steps:
    """Steps: save what changed, if anything did, with what the consumer leaves."""
    if isinstance(session, TrackedSession):
        if not session.leave_changes():
            yield session.save
    elif getattr(session, "modified", False):  # one that the caller has put there
        yield session.save


def _outlives_socket(message: Message) -> bool:
    """Whether the last message of the socket has been consumed, and the session stays behind."""
    if not isinstance(message.channel_session, EngineSession):
        return False
    return message.channel.name == "websocket.disconnect" and not message.was_left_out
