"""The headers of an HTTP or WebSocket message: `[name, value]` pairs of bytes, names in lower case.

The dict of text names that messages had before Channels 1.0 is read too: old tests still make it.
"""


def list_headers(content):
    """Return the headers of a message's content as a list of (name, value) in bytes."""
    headers = content.get("headers") or ()
    if isinstance(headers, dict):
        return [(_to_bytes(name).lower(), _to_bytes(value)) for name, value in headers.items()]
    return headers


def get_header(content, name):
    """Return the value (bytes) of the first header called `name` (lower-case bytes), or None."""
    return next((value for key, value in list_headers(content) if key == name), None)


def get_cookie_text(content):
    """Return the Cookie header as str; HTTP/2 may send it in parts, which belong together."""
    parts = [value for key, value in list_headers(content) if key == b"cookie"]
    return b"; ".join(parts).decode("latin1")


def _to_bytes(text):
    return text.encode("latin1") if isinstance(text, str) else text
