"""The Lua scripts of this layer: each file's head documents its keys and arguments."""

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


def _read(name):
    folder = importlib.resources.files(__package__) / "scripts"
    return (folder / f"{name}.lua").read_bytes()


def _load(name, *shared):
    text = b"".join(_read(part) for part in ("prelude", *shared, name))
    return Script(text, hashlib.sha1(text).hexdigest())


SEND = _load("send")
RECEIVE = _load("receive")
DRAIN = _load("drain")
DELAY = _load("delay")
PROMOTE = _load("promote")
GROUP_ADD = _load("group_add")
GROUP_JOIN = _load("group_join")
GROUP_PRUNE = _load("group_prune")
GROUP_PUSH = _load("group_push")
GROUP_MEMBERS = _load("group_members")
ORDER_BEGIN = _load("order_begin", "ordering")
ORDER_FINISH = _load("order_finish")
ORDER_LOOK = _load("order_look")
ORDER_MEND = _load("order_mend", "ordering")
BEAT = _load("beat")
REGISTER = _load("register")
CLAIM = _load("claim")
PUT_BACK = _load("put_back")
FORGET = _load("forget")
DEAD = _load("dead")
LIVING = _load("living")

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Script))
