"""What happens in a process, told to whoever counts it.

`hooks.meter` is a Meter that takes no notice, until `--metrics` puts one there that counts. Callers
write `hooks.meter.message_sent(channel)`, so that they see the one that is there now.
"""

from collections.abc import Callable
from typing import Any


class Meter:
    """Takes no notice of what it is told."""

    #: Whether somebody counts: what costs time to find out is left out otherwise.
    is_on = False

    # -- messages -----------------------------------------------------------------------------

    def message_sent(self, channel: str) -> None:
        """A message went to `channel`."""

    def group_sent(self) -> None:
        """A message went to a group."""

    def messages_received(self, channel: str, count: int = 1) -> None:
        """Messages came from `channel`."""

    def messages_lost(self, channel: str, reason: str, count: int = 1) -> None:
        """Messages of `channel` were lost, or refused ("full")."""

    def consumed(
        self, channel: str, consumer: Callable[..., Any], waited_s: float | None, ran_s: float
    ) -> None:
        """A consumer ran for `ran_s`, for a message that had waited in its channel."""

    def handled(self, event: str, consumer: Callable[..., Any], ran_s: float) -> None:
        """A handler of a class consumer ran for `ran_s`; `consumer` is the class."""

    def handed_over(self, result: str) -> None:
        """An instance of a class consumer was to move between workers: see METRICS."""

    def hand_over_took(self, seconds: float) -> None:
        """Another worker has an instance, so long after it was to move."""

    def retried(self, channel: str) -> None:
        """A consumer asked for a retry."""

    def dead_lettered(self, channel: str) -> None:
        """A message was given up and kept."""

    # -- the engine ---------------------------------------------------------------------------

    def round_trip(self, seconds: float) -> None:
        """The engine answered a pipeline."""

    def connection_lost(self) -> None:
        """A connection to the engine broke."""

    def link_restarted(self) -> None:
        """The engine had forgotten this interface server, which begins anew."""

    # -- clients ------------------------------------------------------------------------------

    def request_opened(self) -> None:
        """An HTTP request came in."""

    def request_ended(self) -> None:
        """An HTTP request has been dealt with."""

    def request_answered(self, seconds: float) -> None:
        """The first byte of a response went out so long after its request."""

    def request_refused(self, reason: str) -> None:
        """The server itself answered a request."""

    def socket_opened(self) -> None:
        """A handshake was accepted."""

    def socket_refused(self, reason: str) -> None:
        """A handshake was refused."""

    def socket_closed(self, code: int) -> None:
        """An open socket was closed."""


#: Who is told in this process.
meter = Meter()
#: Where this process shows its figures, as HOST:PORT; None if it does not.
address: str | None = None


def install(new: Meter, shown_at: str | None) -> None:
    """Tell `new` from now on, whose figures are shown at `shown_at`."""
    global meter, address
    meter, address = new, shown_at
