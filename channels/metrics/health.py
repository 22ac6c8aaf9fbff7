"""Whether a process lives, and whether it is ready for work: what an orchestrator asks."""

import dataclasses
from typing import Protocol


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The answer to such a question; `troubles` is why not."""

    troubles: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        return not self.troubles

    @property
    def status(self) -> int:
        """The HTTP status."""
        return 200 if self.is_good else 503

    @property
    def text(self) -> str:
        """One line for each trouble."""
        return "".join(f"{trouble}\n" for trouble in self.troubles) or "ok\n"


class Probes(Protocol):
    """Who can tell of a process."""

    @property
    def has_started(self) -> bool:
        """Whether it has begun its work; only then do the others mean something."""
        ...

    def live(self) -> Verdict:
        """Whether it lives: if not, starting it again is what helps."""
        ...

    def ready(self) -> Verdict:
        """Whether it can work now: if not, it should get none, and may be so again by itself."""
        ...


def find_takers_trouble(layer: object, channel: str) -> str:
    """Return why nobody takes a channel, or "" if a live worker does."""
    workers = layer.living_workers()  # type: ignore[attr-defined]
    if any(channel in worker.get("channels", ()) for worker in workers):
        return ""
    return f"no worker takes {channel}"
