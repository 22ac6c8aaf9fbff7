"""What may become a span, told to whoever makes them.

`hooks.tracer` is a Tracer that makes none, until `--traces` puts one there that does. Callers ask
`hooks.tracer.is_on` first where even a call would cost.
"""

import contextlib
from collections.abc import Mapping, MutableMapping
from typing import Any

#: The key of a message that carries its context: W3C Trace Context, "traceparent".
KEY = "traceparent"


class Span:
    """What a context manager of a Tracer gives; this one takes no notice."""

    def note(self, name: str, value: Any) -> None:
        """Add an attribute."""

    def fail(self, error: BaseException) -> None:
        """What the span is of has failed."""


#: Where there is nothing to trace.
NO_SPAN = contextlib.nullcontext(Span())


class Tracer:
    """Makes no spans."""

    is_on = False

    def receive(
        self, channel: str, attributes: Mapping[str, Any]
    ) -> contextlib.AbstractContextManager[Span]:
        """What a client sent is dealt with, which goes to `channel`."""
        return NO_SPAN

    def carry(self, message: MutableMapping[str, Any], receive: str = "") -> None:
        """Write the context of what is under way into a message.

        `receive`: the channel of what has just come in from a client, if that is a span of its own.
        """

    def process(
        self, channel: str, consumer: str, message: Mapping[str, Any], sent_at: float | None = None
    ) -> contextlib.AbstractContextManager[Span]:
        """A consumer runs for a message; `sent_at`: in seconds since 1970, None if not known."""
        return NO_SPAN

    def send(self, channel: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """A message is sent to `channel`, or to a group ("" then); return it with its context."""
        return message

    def deliver(self, message: Mapping[str, Any], count: int) -> None:
        """A reply has reached an interface server, for `count` of its clients."""

    def note(self, name: str, value: Any) -> None:
        """Add an attribute to the span of what is under way."""

    def ids(self) -> Mapping[str, str]:
        """Return trace_id and span_id of what is under way, for log lines; empty if nothing is."""
        return {}


#: Who is told in this process.
tracer = Tracer()


def install(new: Tracer) -> None:
    """Tell `new` from now on."""
    global tracer
    tracer = new
