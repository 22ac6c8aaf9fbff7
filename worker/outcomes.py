"""How a consumer's run can end: `run_consumer` returns one, the loop only switches on it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Returned:
    """It returned."""


@dataclasses.dataclass(frozen=True)
class Later:
    """It raised ConsumeLater: the message goes back to its channel."""


@dataclasses.dataclass(frozen=True)
class Failed:
    """It raised anything else."""

    error: BaseException


DONE = Returned()
LATER = Later()
