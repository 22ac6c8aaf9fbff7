"""Messages as bytes: MessagePack, encrypted if the layer has keys.

Text stays `str` and bytes stay `bytes` (MessagePack's bin type); tuples come back as lists.
Encryption is Fernet (AES-128-CBC with HMAC-SHA256) from the `cryptography` package, with one key
derived from each given one by SHA-256, as asgi_redis 1.x derived them.
"""

import base64
import hashlib
import threading
from collections.abc import Sequence
from typing import Any

import msgpack

from channels.exceptions import InvalidMessage, MessageTooLarge


class UndecodableMessage(ValueError):
    """Bytes from the layer that are no message, or were encrypted with a key we do not have."""


class _Own(threading.local):
    """Each thread's packer: making one costs more than packing a small message."""

    def __init__(self) -> None:
        self.packer = msgpack.Packer(use_bin_type=True)


_own = _Own()


class Codec:
    """Packs and unpacks messages.

    Args:
        max_bytes: the largest packed message, in bytes before encryption.
        symmetric_encryption_keys: a list of str or bytes; the first encrypts, all decrypt.
    """

    def __init__(
        self, max_bytes: int, symmetric_encryption_keys: Sequence[str | bytes] = ()
    ) -> None:
        self.max_bytes = max_bytes
        self._fernet = _make_fernet(symmetric_encryption_keys)

    def pack_message(self, message: object, channel: str) -> bytes:
        """Return `message` as bytes. Raises InvalidMessage or MessageTooLarge, naming `channel`."""
        if not isinstance(message, dict):
            raise InvalidMessage(
                f"a message for {channel!r} must be a dict, got {type(message).__name__}"
            )
        packed = self._pack(message, f"the message for {channel!r}")
        if len(packed) > self.max_bytes:
            raise MessageTooLarge(channel, len(packed), self.max_bytes)
        return self._fernet.encrypt(packed) if self._fernet else packed

    def pack_value(self, value: object, what: str) -> bytes:
        """Return any packable value as bytes. Raises InvalidMessage, which calls it `what`."""
        packed = self._pack(value, what)
        return self._fernet.encrypt(packed) if self._fernet else packed

    @staticmethod
    def _pack(value: object, what: str) -> bytes:
        try:
            packed: bytes = _own.packer.pack(value)
            return packed
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise InvalidMessage(
                f"{what} can't be packed: {error}; use dicts, lists, str, bytes, numbers, "
                "booleans and None"
            ) from error

    def unpack_message(self, packed: bytes | memoryview) -> dict[str, Any]:
        """Return the message in `packed`. Raises UndecodableMessage."""
        message = self.unpack_value(packed)
        if not isinstance(message, dict):
            raise UndecodableMessage(f"expected a packed dict, got {type(message).__name__}")
        return message

    def unpack_value(self, packed: bytes | memoryview) -> Any:
        """Return the value in `packed`. Raises UndecodableMessage."""
        try:
            if self._fernet:
                packed = self._decrypt(packed)
            return msgpack.unpackb(packed, raw=False, strict_map_key=False)
        except UndecodableMessage:
            raise
        except Exception as error:  # msgpack raises a dozen kinds for bytes that are not its own
            raise UndecodableMessage(f"not MessagePack: {error!r}") from error

    def _decrypt(self, token: bytes | memoryview) -> bytes:
        from cryptography.fernet import InvalidToken

        try:
            opened: bytes = self._fernet.decrypt(bytes(token))
            return opened
        except InvalidToken as error:
            raise UndecodableMessage(
                "not encrypted with any of symmetric_encryption_keys"
            ) from error


def _make_fernet(keys: Sequence[str | bytes]) -> Any:
    if not keys:
        return None
    if isinstance(keys, (str, bytes)):
        raise ValueError("symmetric_encryption_keys must be a list of keys, not one key")
    try:
        from cryptography.fernet import Fernet, MultiFernet
    except ImportError as error:
        raise ValueError(
            "symmetric_encryption_keys needs the 'cryptography' package: "
            "pip install channels-classic[crypto]"
        ) from error
    return MultiFernet([Fernet(_derive_key(key)) for key in keys])


def _derive_key(key: str | bytes) -> bytes:
    key = key.encode("utf-8") if isinstance(key, str) else key
    return base64.urlsafe_b64encode(hashlib.sha256(key).digest())
