"""The events of an ASGI response as the messages of an interface server. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from channels.messages import Content

#: The last message of a response that failed half-way: the client must not take it for a whole one.
CUT_OFF: Content = {"content": b"", "more_content": False, "closed": True}
#: What a client gets whose request no application has answered.
FAILED: Content = {
    "status": 500,
    "headers": [[b"content-type", b"text/plain; charset=utf-8"]],
    "content": b"Internal Server Error",
    "more_content": False,
}
#: The largest part of a body, in bytes.
MOST_BYTES = 256 * 1024


class ResponseParts:
    """Turns the events of one response into messages.

    Attributes:
        is_started: whether the status is known.
        is_complete: whether the last part was given.
    """

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self.is_started = self.is_complete = False

    def add(self, event: Content) -> Iterator[Content]:
        """Yield the messages of an event; the head goes out with the first part of the body.

        Raises ValueError for an event that does not come next in a response.
        """
        kind = event.get("type")
        if kind == "http.response.start" and not self.is_started:
            self.is_started = True
            headers = [[bytes(name), bytes(value)] for name, value in event.get("headers") or ()]
            self._head = {"status": event["status"], "headers": headers}
        elif kind == "http.response.body" and self.is_started and not self.is_complete:
            self.is_complete = not event.get("more_body", False)
            yield from self._cut(event.get("body") or b"")
        elif kind not in ("http.response.trailers", "http.response.debug"):
            raise ValueError(
                f"unexpected event {kind!r}: send http.response.start once, then "
                "http.response.body, the last one without more_body"
            )

    def _cut(self, body: bytes) -> Iterator[Content]:
        for start in range(0, max(len(body), 1), MOST_BYTES):
            is_last = start + MOST_BYTES >= len(body)
            part = bytes(body[start : start + MOST_BYTES])
            yield {
                **self._head,
                "content": part,
                "more_content": not (is_last and self.is_complete),
            }
            self._head = {}
