"""The content of a delayed message as text for the database: JSON, with bytes kept as bytes.

Channels 1.x kept plain JSON; what it left in the table reads the same.
"""

import base64
import json
from typing import Any

_BYTES = "__bytes__"


def pack(content: object) -> str:
    """Return `content`, a dict of what messages can hold, as text. Raises TypeError, ValueError."""
    if not isinstance(content, dict):
        raise TypeError(f"a message must be a dict, got {type(content).__name__}")
    return json.dumps(content, default=_pack_bytes)


def unpack(text: str) -> dict[str, Any]:
    """Return the content in `text`. Raises ValueError."""
    content = json.loads(text, object_hook=_unpack_bytes)
    if not isinstance(content, dict):
        raise ValueError(f"a message must be a dict, got {type(content).__name__}")
    return content


def _pack_bytes(value: object) -> dict[str, str]:
    if isinstance(value, (bytes, bytearray)):
        return {_BYTES: base64.b64encode(value).decode("ascii")}
    raise TypeError(f"{type(value).__name__} can't be kept")


def _unpack_bytes(found: dict[str, Any]) -> Any:
    if found.keys() == {_BYTES} and isinstance(found[_BYTES], str):
        return base64.b64decode(found[_BYTES])
    return found
