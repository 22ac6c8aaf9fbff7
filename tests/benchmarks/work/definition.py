"""What a piece of work is, and what every result holds."""

from collections.abc import Callable
from dataclasses import dataclass

#: Rounds for work that no figure to reach depends on.
FEW_ROUNDS = 3
#: Before the kind of an error, in the name of the value that counts it.
ERROR = "error: "


@dataclass(frozen=True)
class Pace:
    """How long and how large.

    Args:
        seconds, warmup_s: of each load.
        scale: factor on the number of sockets and broadcasts; 1 but for smoke tests.
        long_s: seconds of what has to be watched for longer (idle cost).
    """

    seconds: float = 1.0
    warmup_s: float = 0.3
    scale: float = 1.0
    long_s: float = 8.0

    def count(self, sockets):
        """Return `sockets`, scaled; at least 2, or 1 if it was 1."""
        return sockets if sockets == 1 else max(2, round(sockets * self.scale))


@dataclass(frozen=True)
class Work:
    """One thing that is measured.

    Args:
        name, title: for the command line, and for people.
        metric: the value that its chart shows; `unit` of that.
        run: called with a Stack and a Pace; returns a flat dict of numbers.
        lower_is_better: for times and costs.
        rounds: take part in that many rounds at most; None for all.
        cost_s: about how long it takes at full pace, for the progress bar.
        in_quick: whether --quick does it.
    """

    name: str
    title: str
    metric: str
    unit: str
    run: Callable
    lower_is_better: bool = False
    rounds: int | None = None
    cost_s: float = 1.3
    in_quick: bool = True


def load_values(result):
    """Return the numbers of a load generator's result, as one flat dict.

    `…_us` are microseconds of CPU for each completion, by role; `generator_share` is the share of
    one core that the generator itself used.
    """
    errors = result.get("errors", {})
    values = {"errors": sum(errors.values())}
    values |= {f"{ERROR}{kind}": count for kind, count in errors.items()}
    values["generator_share"] = result["generator"]["cpu_share"]
    for name in ("rate", "heard", "expected", "open"):
        if name in result:
            values[name] = result[name]
    for name, value in result.get("latency_ms", {}).items():
        values[f"{name}_ms"] = value
    if done := result.get("completed") or result.get("heard"):
        for role, cpu_s in result["cpu_s"].items():
            values[f"{role}_us"] = cpu_s / done * 1e6
        values["generator_us"] = result["generator"]["cpu_s"] / done * 1e6
    return values
