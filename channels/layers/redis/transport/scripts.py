"""How the Lua scripts of this layer are read, and called.

Each folder keeps its scripts, `<name>.lua`, beside the code that calls them, and names them in its
`scripts.py`; a file's head documents its keys and arguments. What several scripts share stands in
files called `part_<name>.lua`.
"""

import hashlib
import importlib.resources
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

#: A Redis command: its name and its arguments, which are str, bytes or numbers.
Command: TypeAlias = tuple[Any, ...]


class Script(NamedTuple):
    """A script's text, and the digest by which Redis knows it."""

    text: bytes
    sha: str

    def call(self, keys: Sequence[str], args: Sequence[Any]) -> Command:
        """Return the command that runs the script."""
        return ("EVALSHA", self.sha, len(keys), *keys, *args)


_loaded: list[Script] = []


def read_part(package: str, name: str) -> bytes:
    """Return the text of what scripts share, the file `part_<name>.lua` of a package."""
    return _read(package, f"part_{name}")


def load(package: str, name: str, *parts: bytes) -> Script:
    """Return the Script in a package's file `<name>.lua`, with the texts `parts` in front."""
    text = b"".join((_PRELUDE, *parts, _read(package, name)))
    script = Script(text, hashlib.sha1(text).hexdigest())
    _loaded.append(script)
    return script


def loaded() -> tuple[Script, ...]:
    """Return every Script of the layer: a new connection makes them known to Redis."""
    return tuple(_loaded)


def _read(package: str, name: str) -> bytes:
    return (importlib.resources.files(package) / f"{name}.lua").read_bytes()


_PRELUDE = _read("channels.layers.redis.transport", "prelude")
