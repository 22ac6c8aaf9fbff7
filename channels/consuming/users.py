"""Who a session is about, for consumers of each generation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from django.conf import settings
from django.contrib import auth

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser
    from django.contrib.sessions.backends.base import SessionBase

    #: Who is on a socket: one who has logged in, or nobody known.
    SocketUser: TypeAlias = AbstractBaseUser | AnonymousUser

#: What a session holds of who is logged in.
AUTH_KEYS = (auth.SESSION_KEY, auth.BACKEND_SESSION_KEY, auth.HASH_SESSION_KEY)


def anonymous_user() -> AnonymousUser:
    """Return an AnonymousUser."""
    from django.contrib.auth.models import AnonymousUser  # needs the apps to be loaded

    return AnonymousUser()


def load_user(session: SessionBase | None) -> SocketUser:
    """Return the user whom `session` (a channel or HTTP session, or None) is about."""
    if session is None:
        return anonymous_user()
    holder: Any = _SessionHolder(_ReadOnlySession(session))
    return auth.get_user(holder)


def write_user(session: SessionBase, user: AbstractBaseUser, backend: str | None) -> None:
    """Let `session` be about `user`. `backend`: who has authenticated them; see `login`."""
    session[auth.SESSION_KEY] = user._meta.pk.value_to_string(user)
    session[auth.BACKEND_SESSION_KEY] = _backend_of(user, backend)
    get_hash = getattr(user, "get_session_auth_hash", None)
    session[auth.HASH_SESSION_KEY] = get_hash() if get_hash else ""


def _backend_of(user: AbstractBaseUser, backend: str | None) -> str:
    named: str | None = backend or getattr(user, "backend", None)
    if named:
        return named
    known: list[str] = settings.AUTHENTICATION_BACKENDS
    if len(known) != 1:
        raise ValueError(
            f"login() can't tell which of {known} authenticated {user!r}: name it as `backend`"
        )
    return str(known[0])


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
