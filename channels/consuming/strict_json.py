"""JSON as RFC 8259 has it: NaN and Infinity, which Python's own takes and gives, are no JSON.

No browser reads them: `JSON.parse` throws. A number that is too large for a float would be read as
Infinity, and is refused as well.
"""

import json
import math
from typing import Any, NoReturn


class NotJson(ValueError):
    """A value that JSON has no text for, or a text that is no JSON."""


def loads(text: str | bytes) -> Any:
    """Return what `text` holds. Raises ValueError if it is not JSON."""
    return json.loads(text, parse_constant=_refuse, parse_float=_read_float)


def dumps(content: Any, encoder: type[json.JSONEncoder] | None = None) -> str:
    """Return `content` as JSON text. Raises ValueError for NaN and Infinity."""
    try:
        return json.dumps(content, cls=encoder, allow_nan=False)
    except ValueError as error:
        if "JSON compliant" not in str(error):
            raise
        raise NotJson(f"{error}: no browser reads NaN or Infinity; send None, or text") from None


def _refuse(name: str) -> NoReturn:
    raise NotJson(f"{name} is no JSON")


def _read_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise NotJson(f"{text[:40]} is too large for a number")
    return number
