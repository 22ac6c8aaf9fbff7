"""The content of a delayed message as text for the database: JSON, with bytes kept as bytes.

Channels 1.x kept plain JSON; what it left in the table reads the same.
"""

import base64
import json

_BYTES = "__bytes__"


def pack(content):
    """Return `content`, a dict of what messages can hold, as text. Raises TypeError, ValueError."""
    if not isinstance(content, dict):
        raise TypeError(f"a message must be a dict, got {type(content).__name__}")
    return json.dumps(content, default=_pack_bytes)


def unpack(text):
    """Return the content in `text`. Raises ValueError."""
    content = json.loads(text, object_hook=_unpack_bytes)
    if not isinstance(content, dict):
        raise ValueError(f"a message must be a dict, got {type(content).__name__}")
    return content


def _pack_bytes(value):
    if isinstance(value, (bytes, bytearray)):
        return {_BYTES: base64.b64encode(value).decode("ascii")}
    raise TypeError(f"{type(value).__name__} can't be kept")


def _unpack_bytes(found):
    if found.keys() == {_BYTES} and isinstance(found[_BYTES], str):
        return base64.b64decode(found[_BYTES])
    return found
