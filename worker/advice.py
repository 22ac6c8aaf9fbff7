"""What a consumer does that helps nobody, told once for each consumer."""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from channels.layers.operations import Send, SendGroup
from channels.message import pending_message_store
from channels.messages import SOCKET_KEYS
from channels.startup.hints import explain_unknown
from channels.utils import name_that_thing

if TYPE_CHECKING:
    from channels.channel import KeptEntry, SentKeys
    from channels.message import Message

logger = logging.getLogger("django.channels")


class Once:
    """Remembers what has been told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: set[str] = set()

    def is_new(self, what: str) -> bool:
        """Whether this was never asked about `what` before."""
        with self._lock:
            if what in self._told:
                return False
            self._told.add(what)
            return True


_results = Once()
_handshakes = Once()
_unknown_keys = Once()


def tell_of_result(consumer: Callable[..., Any], result: object) -> None:
    """Say that nobody gets what `consumer` returned, which is not None."""
    if hasattr(type(result), "method_mapping"):  # a class consumer: calling the class makes one
        return
    name = name_that_thing(consumer)
    if not _results.is_new(name):
        return
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        what = "a generator, none of whose code has run"
    else:
        what = f"{type(result).__name__} {str(result)[:100]!r}"
    logger.warning(
        "consumer %s returned %s, which nobody gets: send what is to be answered, with "
        "message.reply_channel.send(...)",
        name,
        what,
    )


def tell_of_open_handshake(
    consumer: Callable[..., Any], message: Message, entries: Sequence[KeptEntry]
) -> None:
    """Say that a consumer of `websocket.connect` has ended and has left its client waiting."""
    if message.was_left_out or pending_message_store.has_sent():
        return
    if any(isinstance(operation, (Send, SendGroup)) for _, operation in entries):
        return
    name = name_that_thing(consumer)
    if _handshakes.is_new(name):
        logger.warning(
            "consumer %s has ended without an answer to the handshake of %s: the client waits "
            'until the time-out. Accept with message.reply_channel.send({"accept": True}), or '
            "refuse with DenyConnection",
            name,
            message.get("path"),
        )


def tell_of_open_connect(consumer: object, path: str) -> None:
    """Say that `connect` of a class consumer has ended and has left its client waiting."""
    name = name_that_thing(consumer)
    if _handshakes.is_new(name):
        logger.warning(
            "consumer %s has handled the handshake of %s, and neither accepted nor closed it: the "
            "client waits until the time-out. Call self.accept() or self.close() in connect()",
            name,
            path,
        )


def tell_of_no_frame(consumer: object, event: Mapping[str, Any]) -> None:
    """Say that an event for a client, which `consumer` (a class consumer) has sent, is no frame."""
    name = name_that_thing(consumer)
    if _unknown_keys.is_new(name):
        logger.warning(
            "consumer %s sent a websocket.send with neither 'text' nor 'bytes', which does nothing "
            "(%s)",
            name,
            explain_unknown(event.keys() - {"type"}, ("bytes", "text")),
        )


def tell_of_unknown_keys(consumer: Callable[..., Any], sent: Sequence[SentKeys]) -> None:
    """Say that what `consumer` has sent to a socket does nothing there."""
    name = name_that_thing(consumer)
    if _unknown_keys.is_new(name):
        channel, keys = sent[0]
        logger.warning(
            "consumer %s sent a message to %s that does nothing: a socket knows none of its keys "
            "(%s)",
            name,
            channel,
            explain_unknown(keys, SOCKET_KEYS),
        )
