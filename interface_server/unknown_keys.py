"""Messages to sockets that say nothing: none of their keys means anything to a socket."""

import logging

from channels.layers.names import WEBSOCKET_SEND
from channels.messages import TO_SERVERS, keys_of
from channels.startup.hints import find_nearest
from interface_server.asgi import Message

logger = logging.getLogger("interface_server")

#: What a socket looks at.
SOCKET_KEYS = keys_of(*TO_SERVERS[WEBSOCKET_SEND])


class UnknownKeys:
    """Tells of messages without a key that a socket knows: once for each set of keys.

    Who has sent one is not known here, and the keys are what its author looks for.
    """

    #: So many sets of keys are told apart; after that nothing is told.
    MOST = 100

    def __init__(self) -> None:
        self._told: set[frozenset[str]] = set()

    def tell(self, message: Message, reply_channel: str) -> None:
        """Say that `message` did nothing, and what was probably meant."""
        keys = frozenset(map(str, message))
        if keys in self._told or len(self._told) >= self.MOST:
            return
        self._told.add(keys)
        logger.warning(
            "a message to %s, or to a group that it is in, was ignored: a socket knows none of its "
            "keys (%s)%s. Later ones with the same keys are not told",
            reply_channel,
            ", ".join(sorted(keys)) or "it has none",
            _hint(keys),
        )


def _hint(keys: frozenset[str]) -> str:
    for key in sorted(keys):
        nearest = find_nearest(key, SOCKET_KEYS)
        if nearest:
            return f"; did you mean {nearest!r}, not {key!r}?"
    return f"; it takes {', '.join(sorted(SOCKET_KEYS))}"
