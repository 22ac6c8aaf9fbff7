"""Where the messages that a consumer sends wait until it ends."""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from channels.messages import SOCKET_KEYS

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer
    from channels.layers.operations import Operation


#: An operation, and the layer that is to carry it out.
Entry = tuple["BaseChannelLayer", "Operation"]

#: What the reply channels of sockets begin with. `import channels` does not load a layer's names.
_SOCKETS = "websocket.send."

#: A channel, and the keys of what was sent there.
Sent = tuple[str, frozenset[str]]


class PendingMessageStore:
    """Holds what a consumer sends until it ends; the worker then sends it, in order.

    Also knows which channels the consumer has sent to, at once or for later: who answers for one
    that has failed asks for it.

    Held per context, not per thread: an `async def` consumer and what it awaits share their store.
    """

    def __init__(self) -> None:
        self._entries: contextvars.ContextVar[list[Entry] | None] = contextvars.ContextVar(
            "channels_pending", default=None
        )
        self._last_sent: contextvars.ContextVar[dict[str, bool]] = contextvars.ContextVar(
            "channels_last_sent"
        )
        self._unknown: contextvars.ContextVar[tuple[Sent, ...]] = contextvars.ContextVar(
            "channels_unknown", default=()
        )

    @property
    def active(self) -> bool:
        """Whether a consumer is running here, so that sends are to be kept."""
        return self._entries.get() is not None

    def prepare(self, **kwargs: Any) -> None:
        """Start keeping what is sent."""
        self._entries.set([])
        self._last_sent.set({})

    def append(self, layer: BaseChannelLayer, operation: Operation) -> None:
        """Keep one operation for `layer` (from `layer.prepare_send` and its kin)."""
        entries = self._entries.get()
        if entries is None:
            raise _nothing_is_kept()
        entries.append((layer, operation))

    def prepend(self, layer: BaseChannelLayer, operation: Operation) -> None:
        """Keep one operation that has to be done before all that is kept so far."""
        entries = self._entries.get()
        if entries is None:
            raise _nothing_is_kept()
        entries.insert(0, (layer, operation))

    def note_sent(self, channel: str, content: Mapping[str, Any]) -> None:
        """Note that the consumer that runs here, if one does, has sent `content` on `channel`."""
        if self._entries.get() is not None:
            more = content.get("more_content") and not content.get("closed")
            self._last_sent.get()[channel] = bool(more)
            if SOCKET_KEYS.isdisjoint(content) and channel.startswith(_SOCKETS):
                self._note_unknown(channel, content)

    def _note_unknown(self, channel: str, content: Mapping[str, Any]) -> None:
        if "type" not in content:  # that is for class consumers
            sent = (channel, frozenset(map(str, content)))
            self._unknown.set((*self._unknown.get(), sent))

    def is_unfinished(self, channel: str) -> bool | None:
        """Whether the last thing sent on `channel` said that more follows; None: nothing was sent.

        It is about the consumer that runs here; once it has ended, until the next one begins.
        """
        return self._last_sent.get({}).get(channel)

    def has_sent(self) -> bool:
        """Whether the consumer that runs here, or ran here last, has sent to any channel."""
        return bool(self._last_sent.get({}))

    def unknown(self) -> tuple[Sent, ...]:
        """What the consumer that runs here has sent to sockets with no key that a socket knows."""
        return self._unknown.get()

    def take(self) -> list[Entry]:
        """Stop keeping; return what was kept, as a list of (layer, operation)."""
        entries = self._entries.get()
        self._entries.set(None)
        return entries or []

    def send_and_flush(self, **kwargs: Any) -> None:
        """Stop keeping, and send what was kept; after all were tried, raise the first refusal."""
        refusals: list[Exception] = []
        for layer, operation in self.take():
            refusals += [r for r in layer.apply([operation]) if isinstance(r, Exception)]
        if refusals:
            raise refusals[0]


def _nothing_is_kept() -> RuntimeError:
    return RuntimeError("nothing is kept here: no consumer runs; call prepare() first")


pending_message_store = PendingMessageStore()
