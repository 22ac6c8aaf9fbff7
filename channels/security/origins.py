"""What an Origin header may look like: RFC 6454, section 6.1, and nothing more.

A browser sends `scheme://host` or `scheme://host:port`, or `null`. What has more in it, as a name
before the host (`http://evil@localhost`), comes from no browser, and is not taken apart: whoever
reads the host out of it might read another one than was meant.
"""

import re
from typing import NamedTuple

_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.\-]*)://"
    r"(?P<netloc>(?P<host>\[[0-9a-f:.]+\]|[^\s/?#@:\\\[\]]+)(?::(?P<port>[0-9]{1,5}))?)"
)


class Origin(NamedTuple):
    """The parts of an origin, in lower case; an IPv6 host has its brackets."""

    scheme: str
    host: str
    netloc: str
    port: int | None


def read_origin(text: str) -> Origin | None:
    """Return the parts of an Origin header's text; None if it is no origin (`null` is none)."""
    found = _ORIGIN.fullmatch(text.lower())
    if found is None:
        return None
    port = int(found["port"]) if found["port"] else None
    if port is not None and port > 65_535:
        return None
    return Origin(found["scheme"], found["host"], found["netloc"], port)
