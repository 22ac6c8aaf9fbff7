"""Messages to sockets that say nothing: none of their keys means anything to a socket."""

import logging

from channels.messages import SOCKET_KEYS
from channels.startup.hints import explain_unknown
from interface_server.asgi import Message

logger = logging.getLogger("interface_server")


class UnknownKeys:
    """Tells of messages without a key that a socket knows: once for each set of keys.

    Who has sent one is not known here: a script, or a consumer by way of a group. The worker tells
    of what a consumer has sent to a socket itself, and names the consumer.
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
            "keys (%s). Later ones with the same keys are not told",
            reply_channel,
            explain_unknown(keys, SOCKET_KEYS),
        )
