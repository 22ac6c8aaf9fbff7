"""HTTP connections of uvicorn that don't wait for ever, or without end, for a request's head."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Data comes in pieces of up to this size; the last one of a head may hold more than the head.
_PIECE_BYTES = 256 * 1024


def guard(head_timeout_s, max_header_bytes):
    """Return an HTTP protocol class for uvicorn's `http` setting.

    Args:
        head_timeout_s: seconds that a head may take, from the connection or from its first byte.
        max_header_bytes: how large it may grow before the connection is closed.
    """
    return type(
        "GuardedHttp",
        (_GuardedHttp,),
        {"_head_timeout_s": head_timeout_s, "_max_bytes": max_header_bytes + _PIECE_BYTES},
    )


class _GuardedHttp(HttpToolsProtocol):
    _is_in_head = True
    _head_bytes = 0
    _head_timer = None

    def connection_made(self, transport):
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data):
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self._max_bytes:
                self.transport.abort()
            elif self._head_timer is None:
                self._start_timer()

    def on_message_begin(self):
        self._is_in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self):
        self._is_in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def connection_lost(self, exc):
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self):
        self._head_timer = self.loop.call_later(self._head_timeout_s, self.transport.abort)

    def _stop_timer(self):
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
