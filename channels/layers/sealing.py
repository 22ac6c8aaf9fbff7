"""Encryption that binds what is encrypted to where it belongs.

A sealed message can be read with one of the keys only, for the channel that it was sent to only,
and until its expiry only. It is

    0xC1 | 4 bytes: which key | scope | 16 bytes: salt | 8 bytes: number | ciphertext and tag

encrypted by AES-256-GCM. Each process has a salt, from which and from the key comes the key of its
own; the number counts its messages, and is the nonce. All that stands in front, and the place that
the message belongs to, is authenticated with it. Inside stand, before the packed message, the ms
since 1970 at which its life ends, or 0. (0xC1 begins no MessagePack, and no Fernet token.)

Until version 1.2, and in asgi_redis 1.x, messages were Fernet tokens, which are bound to nothing.
They are still read, but only for as long as a message lives: while a site is upgraded.
"""

from __future__ import annotations

import base64
import collections
import functools
import hashlib
import hmac
import itertools
import os
import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

#: Scopes: for one place; for any member of a group.
ONE_PLACE, ALL_MEMBERS = b"1", b"*"
#: The clocks of two machines may differ by so much: later, a message counts as replayed.
CLOCK_SKEW_S = 300.0
#: A Fernet token is read when it is as old as this at most: of a message, of a value.
FERNET_MESSAGE_S, FERNET_VALUE_S = 600, 7 * 86_400
#: Of so many messages a process knows that it has read them.
REMEMBERED = 50_000

_MAGIC = 0xC1
_HEAD = struct.Struct(">B4sc16sQ")
_LIFE = struct.Struct(">Q")


class SealBroken(ValueError):
    """What was to be decrypted is not what was encrypted, or not for this place, or too old."""


class Seal:
    """Encrypts and decrypts.

    Args:
        keys: a list of str or bytes; the first encrypts, all decrypt.
        clock: function that returns the seconds since 1970.

    Attributes:
        fingerprints: a short text for each key, which tells it from others and not what it is.
    """

    def __init__(self, keys: Sequence[str | bytes], clock: Callable[[], float] = time.time) -> None:
        if isinstance(keys, (str, bytes)):
            raise ValueError("symmetric_encryption_keys must be a list of keys, not one key")
        self._aead, self._fernet = _load_ciphers(keys)
        self._clock = clock
        secrets = [key.encode("utf-8") if isinstance(key, str) else bytes(key) for key in keys]
        self._secrets = {_digest(b"fingerprint", secret)[:4]: secret for secret in secrets}
        self.fingerprints = [key_id.hex() for key_id in self._secrets]
        self._key_id = next(iter(self._secrets))
        self._cipher = functools.lru_cache(maxsize=1024)(self._make_cipher)
        self._numbers, self._salt, self._pid = itertools.count(1), b"", -1
        self._lock = threading.Lock()
        self._seen: collections.OrderedDict[bytes, None] = collections.OrderedDict()

    def _make_cipher(self, key_id: bytes, salt: bytes) -> Any:
        return self._aead(_digest(b"message", hmac.digest(self._secrets[key_id], salt, "sha256")))

    # -- encrypting ---------------------------------------------------------------------------

    def close(self, packed: bytes, place: str, life_s: float | None) -> bytes:
        """Encrypt what is for one place, and is to be read within `life_s`, or any time."""
        until_ms = 0 if life_s is None else int((self._clock() + life_s) * 1000)
        return self._close(packed, ONE_PLACE, place, until_ms)

    def close_for_all(self, packed: bytes) -> bytes:
        """Encrypt what any member of a group may read."""
        return self._close(packed, ALL_MEMBERS, "", 0)

    def _close(self, packed: bytes, scope: bytes, place: str, until_ms: int) -> bytes:
        if self._pid != os.getpid():  # a forked process must not use the same nonces
            with self._lock:
                self._salt, self._pid = os.urandom(16), os.getpid()
        salt, number = self._salt, next(self._numbers)
        head = _HEAD.pack(_MAGIC, self._key_id, scope, salt, number)
        cipher = self._cipher(self._key_id, salt)
        text = _LIFE.pack(until_ms) + packed
        sealed: bytes = cipher.encrypt(_nonce(number), text, head + place.encode())
        return head + sealed

    # -- decrypting ---------------------------------------------------------------------------

    def open(self, token: bytes | memoryview, place: str, is_first: bool) -> bytes:
        """Return what is in a token for `place`. Raises SealBroken.

        `is_first`: a token that this process has opened before is refused.
        """
        token = bytes(token)
        if token[:1] != bytes([_MAGIC]):
            return self._open_fernet(token, FERNET_MESSAGE_S)
        until_ms, packed = self._open(token, place)
        if until_ms and self._clock() - CLOCK_SKEW_S > until_ms / 1000:
            raise SealBroken(
                "its expiry is over since more than five minutes: it was replayed, or the clocks "
                "of two machines differ"
            )
        if is_first and not self._note(token):
            raise SealBroken("this process has read it before: it was replayed")
        return packed

    def open_kept(self, token: bytes | memoryview, place: str) -> bytes:
        """The same for what is kept, and read as often as need be. Raises SealBroken."""
        token = bytes(token)
        if token[:1] != bytes([_MAGIC]):
            return self._open_fernet(token, FERNET_VALUE_S)
        return self._open(token, place)[1]

    def _open(self, token: bytes, place: str) -> tuple[int, bytes]:
        from cryptography.exceptions import InvalidTag

        try:
            _, key_id, scope, salt, number = _HEAD.unpack_from(token)
        except struct.error as error:
            raise SealBroken("it is too short to be encrypted") from error
        if key_id not in self._secrets:
            raise SealBroken(
                f"it was encrypted with key {key_id.hex()}, which is not among this process's "
                f"symmetric_encryption_keys ({', '.join(self.fingerprints)})"
            )
        where = "" if scope == ALL_MEMBERS else place
        data = token[: _HEAD.size] + where.encode()
        try:
            text = self._cipher(key_id, salt).decrypt(_nonce(number), token[_HEAD.size :], data)
        except InvalidTag as error:
            raise SealBroken(f"it was changed, or is not for {place!r}") from error
        (until_ms,) = _LIFE.unpack_from(text)
        return until_ms, text[_LIFE.size :]

    def _open_fernet(self, token: bytes, ttl_s: int) -> bytes:
        from cryptography.fernet import InvalidToken

        try:
            packed: bytes = self._fernet.decrypt(token, ttl=ttl_s)
        except InvalidToken as error:
            raise SealBroken("not encrypted with any of symmetric_encryption_keys") from error
        return packed

    # -- replays ------------------------------------------------------------------------------

    def _note(self, token: bytes) -> bool:
        """Whether a token is opened for the first time, as far as is remembered."""
        if token[5:6] == ALL_MEMBERS:  # one and the same goes to several queues
            return True
        name = token[6:30]
        with self._lock:
            if name in self._seen:
                return False
            self._seen[name] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return True

    def forget(self, token: bytes | memoryview) -> None:
        """A token goes back to where it came from: it will be opened again."""
        with self._lock:
            self._seen.pop(bytes(token[6:30]), None)


def _digest(purpose: bytes, secret: bytes) -> bytes:
    return hashlib.sha256(b"channels-classic " + purpose + b"\0" + secret).digest()


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _load_ciphers(keys: Sequence[str | bytes]) -> tuple[Any, Any]:
    """The class of the cipher, and what reads Fernet tokens of these keys."""
    try:
        from cryptography.fernet import Fernet, MultiFernet
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise ValueError(
            "symmetric_encryption_keys needs the 'cryptography' package: "
            "pip install channels-classic[crypto]"
        ) from error
    return AESGCM, MultiFernet([Fernet(_derive_key(key)) for key in keys])


def _derive_key(key: str | bytes) -> bytes:
    """The key of Fernet, as asgi_redis 1.x derived it."""
    key = key.encode("utf-8") if isinstance(key, str) else key
    return base64.urlsafe_b64encode(hashlib.sha256(key).digest())
