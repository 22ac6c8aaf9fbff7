"""What a layer of Channels 2 and later gives, and the base class for layers of others."""

from __future__ import annotations

import fnmatch
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from channels.layers.names import queue_name

#: Channel name, or a glob of names, or a compiled pattern of them -> capacity.
Capacities = Mapping[Any, int]


class BaseChannelLayer:
    """Base of channel layers whose verbs are awaited, as those written for Channels 2 to 4.

    A layer gives `send`, `receive` and `new_channel`, and the verbs of its `extensions`.

    Args:
        expiry: seconds an unread message lives.
        capacity: messages that a channel holds before it is full.
        channel_capacity: dict of glob (or compiled pattern) -> capacity.
    """

    #: A name is shorter than this.
    MAX_NAME_LENGTH = 100
    channel_name_regex = re.compile(r"^[a-zA-Z\d\-_.]+(\![\d\w\-_.]*)?$")
    group_name_regex = re.compile(r"^[a-zA-Z\d\-_.]+$")
    invalid_name_error = (
        f"{{}} name must be a valid unicode string with length < {MAX_NAME_LENGTH} containing only "
        "ASCII alphanumerics, hyphens, underscores, or periods."
    )
    #: What the layer gives beyond the three verbs: "groups", "flush".
    extensions: ClassVar[Sequence[str]] = ()

    def __init__(
        self, expiry: float = 60, capacity: int = 100, channel_capacity: Capacities | None = None
    ) -> None:
        self.expiry = expiry
        self.capacity = capacity
        self.channel_capacity: Any = channel_capacity or {}

    # -- capacities ---------------------------------------------------------------------------

    def compile_capacities(self, channel_capacity: Capacities) -> list[tuple[re.Pattern[str], int]]:
        """Return (pattern, capacity) pairs; a layer keeps them as its `channel_capacity`."""
        return [
            (one if hasattr(one, "match") else re.compile(fnmatch.translate(one)), capacity)
            for one, capacity in channel_capacity.items()
        ]

    def get_capacity(self, channel: str) -> int:
        """Return the capacity of a channel: that of the first pattern which fits its name."""
        fitting = (most for pattern, most in self.channel_capacity if pattern.match(channel))
        return next(fitting, self.capacity)

    # -- names --------------------------------------------------------------------------------

    def match_type_and_length(self, name: Any) -> bool:
        """Whether a name is text, and short enough."""
        return isinstance(name, str) and len(name) < self.MAX_NAME_LENGTH

    def require_valid_channel_name(self, name: Any, receive: bool = False) -> bool:
        """Return True for a channel name; raise TypeError for any other.

        With `receive`: for one that can be received from: it must end at its `!`.
        """
        if not self.match_type_and_length(name) or not self.channel_name_regex.match(name):
            raise TypeError(f"{self.invalid_name_error.format('Channel')} It is {name!r}.")
        if receive and "!" in name and not name.endswith("!"):
            raise TypeError(
                f"Specific channel names in receive() must end at the !: {queue_name(name)!r}, "
                f"not {name!r}"
            )
        return True

    def require_valid_group_name(self, name: Any) -> bool:
        """Return True for a group name; raise TypeError for any other."""
        if not self.match_type_and_length(name) or not self.group_name_regex.match(name):
            raise TypeError(f"{self.invalid_name_error.format('Group')} It is {name!r}.")
        return True

    def valid_channel_names(self, names: list[str], receive: bool = False) -> bool:
        """Return True for a list of channel names; raise TypeError for any other."""
        if not isinstance(names, list) or not names:
            raise TypeError(f"names must be a non-empty list, got {names!r}")
        return all(self.require_valid_channel_name(name, receive=receive) for name in names)

    def non_local_name(self, name: str) -> str:
        """Return what comes up to and with the `!` of a channel's name, or all of it."""
        return str(queue_name(name))

    def valid_channel_name(self, channel_name: str, receive: bool = False) -> bool:
        """`require_valid_channel_name`, under an older name."""
        _warn_of("valid_channel_name")
        return self.require_valid_channel_name(channel_name, receive=receive)

    def valid_group_name(self, group_name: str) -> bool:
        """`require_valid_group_name`, under an older name."""
        _warn_of("valid_group_name")
        return self.require_valid_group_name(group_name)

    # -- verbs --------------------------------------------------------------------------------

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Put a message on a channel. Raises ChannelFull."""
        raise self._lacks("send()")

    async def receive(self, channel: str) -> dict[str, Any]:
        """Wait for the next message on a channel, and return it."""
        raise self._lacks("receive()")

    async def new_channel(self) -> str:
        """Return a name, with a `!`, that no other channel has: for a channel of this process."""
        raise self._lacks("new_channel()")

    async def flush(self) -> None:
        """Remove all messages and groups ("flush")."""
        raise self._lacks("flush(), the 'flush' extension,")

    async def group_add(self, group: str, channel: str) -> None:
        """Make a channel a member of a group ("groups")."""
        raise self._lacks("group_add(), of the 'groups' extension,")

    async def group_discard(self, group: str, channel: str) -> None:
        """Take a channel out of a group ("groups")."""
        raise self._lacks("group_discard(), of the 'groups' extension,")

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send a message to every member of a group; full ones miss it ("groups")."""
        raise self._lacks("group_send(), of the 'groups' extension,")

    def _lacks(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{what} is not implemented in {type(self).__qualname__}")


def _warn_of(name: str) -> None:
    warnings.warn(
        f"{name} is deprecated, use require_{name} instead.", DeprecationWarning, stacklevel=3
    )
