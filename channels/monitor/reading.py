"""Reads what the live page shows, however many people look at it, once a second at most."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from channels.asgi import ChannelLayerWrapper, channel_layers
from channels.channel import DEFAULT_CHANNEL_LAYER
from channels.monitor.snapshot import Snapshot, make_snapshot

#: Seconds for which what was read serves everybody who asks this process.
FRESH_S = 0.9
#: A channel or group that is new shows up after so many seconds at the latest.
NAMES_AGE_S = 10.0


class StatusReader:
    """Reads the status of the default layer; a reading that is fresh is not repeated.

    Args:
        layer: returns the layer.
        clock: returns the time in seconds since 1970.
    """

    def __init__(
        self, layer: Callable[[], ChannelLayerWrapper], clock: Callable[[], float] = time.time
    ) -> None:
        self._layer = layer
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None

    def read(self) -> Snapshot:
        """Return the latest Snapshot. Raises LayerUnavailable, and what `status` of a layer
        without that extension raises."""
        with self._lock:
            now = self._clock()
            if self._snapshot is None or not 0 <= now - self._snapshot["at"] < FRESH_S:
                self._snapshot = make_snapshot(self._layer().status(NAMES_AGE_S), now)
            return self._snapshot

    def forget(self) -> None:
        """Read anew at the next call: something was changed just now."""
        with self._lock:
            self._snapshot = None


def default_layer() -> ChannelLayerWrapper:
    """Return the layer that the page is about."""
    layer: ChannelLayerWrapper = channel_layers[DEFAULT_CHANNEL_LAYER]
    return layer


def dead_letters_of(channel: str) -> list[dict[str, Any]]:
    """Return the dead letters of a channel, newest first, with their contents as text."""
    letters = default_layer().dead_letters(channel)
    return [
        {
            "id": letter["id"],
            "at": letter["at"],
            "reason": letter["reason"],
            "attempts": letter["attempts"],
            "content": _as_text(letter["content"]),
        }
        for letter in reversed(letters)
    ]


def _as_text(content: dict[str, Any] | None) -> str:
    """The content of a message for people to read."""
    if content is None:
        return "It can't be read: it was packed with another key, or not by this layer."
    return "\n".join(f"{key}: {value!r}" for key, value in content.items())


#: The reader of this process.
status_reader = StatusReader(default_layer)
