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


def _load(name, *parts):
    """The script `name`, with the functions it shares with others in front."""
    shared = [f"part_{part}" for part in parts]
    text = b"".join(_read(each) for each in ("prelude", *shared, name))
    return Script(text, hashlib.sha1(text).hexdigest())


SEND = _load("send", "room", "sent", "send")
SEND_IN_ROW = _load("send_in_row", "room", "sent", "send", "rows")
SEND_MANY = _load("send_many", "sent")
RECEIVE = _load("receive")
DRAIN = _load("drain")
DELAY = _load("delay", "delays")
PROMOTE = _load("promote", "sent", "delays")
PUT_BACK = _load("put_back")
DEAD_LETTER = _load("dead_letter", "dead_letters")
DEAD_REPLAY = _load("dead_replay", "sent", "acknowledged")

ACK_SEND = _load("ack_send", "room", "sent", "acknowledged")
ACK_READ = _load("ack_read", "dead_letters", "acknowledged")
ACK_END = _load("ack_end", "delays", "dead_letters", "acknowledged")
ACK_PUT = _load("ack_put", "acknowledged")
ACK_PROMOTE = _load("ack_promote", "sent", "delays", "acknowledged")
ACK_KEEP = _load("ack_keep", "dead_letters", "acknowledged")

GROUP_ADD = _load("group_add")
GROUP_JOIN = _load("group_join")
GROUP_PRUNE = _load("group_prune")
GROUP_PUSH = _load("group_push", "room", "sent")
GROUP_MEMBERS = _load("group_members")
RENEW = _load("renew")

ORDER_BEGIN = _load("order_begin", "ordering")
ORDER_FINISH = _load("order_finish", "ordering", "finish", "rows")
REPLY_AND_FINISH = _load("reply_and_finish", "room", "sent", "send", "ordering", "finish")
ORDER_LOOK = _load("order_look")
ORDER_MEND = _load("order_mend", "ordering")
FORGET = _load("forget")
KEEP_SESSION = _load("keep_session")

BEAT = _load("beat")
REGISTER = _load("register")
CLAIM = _load("claim")
DEAD = _load("dead")
LIVING = _load("living")

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Script))
