"""Errors that Redis answers with: each kind is told once, and again when it is over."""

import logging
import re
import time
from collections.abc import Callable

logger = logging.getLogger("channels.layers")

#: What has not come for so long is over.
OVER_AFTER_S = 10.0
#: By the word that an error begins with: what to do about it.
_ADVICE = {
    "OOM": "it has reached its maxmemory: raise it, or find out what fills it",
    "MISCONF": "it can't save its data: its log says why; is the disk full?",
    "NOPERM": "its user may not do that: docs/operations.md has the ACL SETUSER that is needed",
    "BUSY": "somebody's script keeps it busy: SCRIPT KILL ends that",
    "NOREPLICAS": "it has too few replicas, and min-replicas-to-write asks for more",
    "WRONGTYPE": "somebody else has written a key below this layer's prefix",
}
#: Answers that are part of the work: a stream was flushed meanwhile.
_EXPECTED = frozenset({"NOGROUP"})
#: In what Redis before 7 wraps the error of a command that a script has called.
_IN_SCRIPT = re.compile(r"(?:ERR )?Error running script .*?: (?:@user_script: ?\d+: )+-?([A-Z]+) ")


class Complaints:
    """What one host complains of just now. Thread-safe enough: at worst, something is told twice.

    Args:
        get_name: function that returns what the host is called.
        clock: function that returns the time in seconds.
    """

    def __init__(
        self, get_name: Callable[[], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._get_name, self._clock = get_name, clock
        #: The word that an error begins with -> when it came last; of what was refused lately only.
        self.last: dict[str, float] = {}

    def note(self, error: Exception) -> None:
        """Redis answered with this error."""
        text = str(error)
        kind = _read_kind(text)
        if kind in _EXPECTED:
            return
        is_new = kind not in self.last
        self.last[kind] = self._clock()
        if is_new:
            advice = _ADVICE.get(kind, "what it was asked to do was not done")
            logger.error("Redis at %s refuses commands (%s): %s", self._get_name(), text, advice)

    def note_answer(self) -> None:
        """Redis answered; called while `last` is not empty."""
        now = self._clock()
        for kind, last in list(self.last.items()):
            if now - last >= OVER_AFTER_S and self.last.pop(kind, None) is not None:
                logger.warning(
                    "Redis at %s has refused nothing with %s for %.0f s",
                    self._get_name(),
                    kind,
                    now - last,
                )


def _read_kind(text: str) -> str:
    """Return the word that an error begins with; if a script met it, that of the command."""
    if in_script := _IN_SCRIPT.match(text):
        return in_script[1]
    return text.partition(" ")[0]
