"""`InMemoryChannelLayer`, at whose name settings and tests of Channels 2 and later ask for it."""

from __future__ import annotations

from typing import Any

from channels.layers.awaited.contract import Capacities
from channels.layers.awaited.layer import AwaitedLayer
from channels.layers.memory import MemoryChannelLayer


class InMemoryChannelLayer(AwaitedLayer):
    """A channel layer inside one process, for tests and development.

    Args:
        expiry: seconds an unread message lives.
        group_expiry: seconds a group membership lives.
        capacity: messages that a channel holds before it is full.
        channel_capacity: dict of glob (or compiled pattern) -> capacity.
    """

    def __init__(
        self,
        expiry: int = 60,
        group_expiry: int = 86400,
        capacity: int = 100,
        channel_capacity: Capacities | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            MemoryChannelLayer(
                expiry=expiry,
                group_expiry=group_expiry,
                capacity=capacity,
                channel_capacity=channel_capacity,
                **kwargs,
            )
        )
