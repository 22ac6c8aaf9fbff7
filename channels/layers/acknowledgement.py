"""The `acknowledged` of a layer's CONFIG: which channels' messages outlive their worker."""

import dataclasses
from collections.abc import Mapping
from typing import Any

#: The shortest `timeout_s`: workers show what they have every 2 seconds.
SHORTEST_TIMEOUT_S = 5.0


@dataclasses.dataclass(frozen=True)
class Acknowledgement:
    """What `acknowledged` says of a channel."""

    #: After how many seconds without a sign of life of its worker a message goes to another one.
    timeout_s: float = 60.0
    #: How often a message is delivered before it becomes a dead letter.
    max_deliveries: int = 5

    def __post_init__(self) -> None:
        if not (isinstance(self.timeout_s, (int, float)) and self.timeout_s >= SHORTEST_TIMEOUT_S):
            raise ValueError(
                f"acknowledged: timeout_s must be a number of {SHORTEST_TIMEOUT_S:g} seconds or "
                f"more, got {self.timeout_s!r}"
            )
        if not (isinstance(self.max_deliveries, int) and self.max_deliveries >= 1):
            raise ValueError(
                f"acknowledged: max_deliveries must be 1 or more, got {self.max_deliveries!r}"
            )


def read_acknowledged(table: Mapping[str, Any] | None) -> dict[str, Acknowledgement]:
    """Return a dict of glob -> Acknowledgement from what CONFIG says. Raises ValueError."""
    if not isinstance(table or {}, dict):
        raise ValueError(f'acknowledged must be a dict, as in {{"billing.*": {{}}}}, got {table!r}')
    settings = {}
    for glob, options in (table or {}).items():
        known = [field.name for field in dataclasses.fields(Acknowledgement)]
        unknown = [key for key in options or {} if key not in known]
        if unknown:
            raise ValueError(f"acknowledged[{glob!r}] takes {', '.join(known)}, not {unknown[0]!r}")
        settings[glob] = Acknowledgement(**(options or {}))
    return settings
