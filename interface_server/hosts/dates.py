"""The Date that RFC 9110, section 6.6.1, asks an origin server for."""

import email.utils
import time

_last: tuple[int, bytes] = (0, b"")


def http_date() -> bytes:
    """Return the time as a Date header has it; made once a second."""
    global _last
    now_s = int(time.time())
    if now_s != _last[0]:
        _last = now_s, email.utils.formatdate(now_s, usegmt=True).encode("ascii")
    return _last[1]
