"""The channels that interface servers send on, and names that look like a slip for one of them."""

from __future__ import annotations

from typing import Any

from channels.exceptions import InvalidName
from channels.layers.names import check_channel_name
from channels.messages import FROM_SERVERS, keys_of
from channels.startup.hints import did_you_mean, find_nearest
from routing.errors import RouteProblem

#: Channel -> the keys that its messages can have (the message format of 1.x).
CHANNEL_KEYS = {channel: keys_of(message) for channel, message in FROM_SERVERS.items()}

_FAMILIES = frozenset(name.partition(".")[0] for name in CHANNEL_KEYS)

#: How alike the last part of a name must be to be taken for a misspelling: above it lie "recieve",
#: "dsiconnect" and "requests"; below it "keepalive", "message", "events", which old projects have.
_MISSPELLING = 0.75
#: How alike a whole name must be, if it is in no family, to be worth a word: "websockets.receive".
_LOOKALIKE = 0.9


def check_channels(channels: Any) -> list[str]:
    """Return the names, one or several, as a list of str. Raises RouteProblem."""
    if isinstance(channels, (str, bytes)):
        channels = [channels]
    try:
        names = [check_channel(name) for name in channels]
    except TypeError as error:
        raise RouteProblem(f"expected one channel name or several, got {channels!r}") from error
    if not names:
        raise RouteProblem("it names no channel, so no message could ever match")
    return names


def check_channel(name: object) -> str:
    """Return `name` as str if consumers can be routed from it. Raises RouteProblem."""
    name = name.decode("latin-1") if isinstance(name, bytes) else name
    try:
        name = check_channel_name(name)
    except InvalidName as error:
        raise RouteProblem(str(error)) from error
    if "!" in name:
        raise RouteProblem(f"{name!r} belongs to one process: it can't be routed to consumers")
    _check_spelling(name)
    return str(name)


def _check_spelling(name: str) -> None:
    family, _, rest = name.partition(".")
    if name in CHANNEL_KEYS or family not in _FAMILIES:
        return
    siblings = [known.partition(".")[2] for known in CHANNEL_KEYS if known.startswith(f"{family}.")]
    nearest = find_nearest(rest, siblings, _MISSPELLING)
    if nearest:
        raise RouteProblem(
            f"no interface server sends on {name!r}; did you mean '{family}.{nearest}'? "
            f"(A channel of your own needs a name that does not begin with '{family}.')"
        )


def find_name_doubt(name: str) -> str | None:
    """Say why a valid channel name is probably not what its author meant; None if it is fine."""
    if name in CHANNEL_KEYS:
        return None
    hint = did_you_mean(name, CHANNEL_KEYS, _LOOKALIKE)
    if name.partition(".")[0] in _FAMILIES or hint:
        return f"no interface server sends on {name!r}, only your own code can{hint}"
    return None
