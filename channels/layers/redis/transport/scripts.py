"""How the Lua scripts of this layer are read, and called.

Each folder keeps its scripts, `<name>.lua`, beside the code that calls them, and names them in its
`scripts.py`; a file's head documents its keys and arguments. What several scripts share stands in
files called `part_<name>.lua`.
"""

import hashlib
import importlib.resources
from typing import NamedTuple


class Script(NamedTuple):
    """A script's text, and the digest by which Redis knows it."""

    text: bytes
    sha: str

    def call(self, keys, args):
        """Return the command that runs the script."""
        return ("EVALSHA", self.sha, len(keys), *keys, *args)


_loaded: list[Script] = []


def read_part(package, name):
    """Return the text of what scripts share, the file `part_<name>.lua` of a package."""
    return _read(package, f"part_{name}")


def load(package, name, *parts):
    """Return the Script in a package's file `<name>.lua`, with the texts `parts` in front."""
    text = b"".join((_PRELUDE, *parts, _read(package, name)))
    script = Script(text, hashlib.sha1(text).hexdigest())
    _loaded.append(script)
    return script


def loaded():
    """Return every Script of the layer: a new connection makes them known to Redis."""
    return tuple(_loaded)


def _read(package, name):
    return (importlib.resources.files(package) / f"{name}.lua").read_bytes()


_PRELUDE = _read(__package__, "prelude")
