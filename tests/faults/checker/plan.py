"""The faults of a seed: which, when, and for how long. No I/O here."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Collection

#: Seconds between the end of one fault and the begin of the next.
PAUSE_S = (2.0, 6.0)
#: How long something stands still: (share of all cases, from, to). Nothing is close to 30 s, the
#: patience that is promised, so that it is clear which side of it a fault is on.
LENGTHS_S = ((0.65, 0.5, 5.0), (0.25, 5.0, 22.0), (0.10, 36.0, 90.0))


@dataclasses.dataclass(frozen=True)
class Fault:
    """One fault of a plan.

    Attributes:
        wait_s: the pause before it.
        name: what happens, a key of FAULTS.
        length_s: how long it goes on, for those that do.
        chance: its own random.Random, so that one fault draws nothing from another.
    """

    wait_s: float
    name: str
    length_s: float
    chance: random.Random


def _stands_still(chance: random.Random) -> float:
    pick, shares = chance.random(), 0.0
    for share, shortest_s, longest_s in LENGTHS_S:
        shares += share
        if pick < shares:
            return chance.uniform(shortest_s, longest_s)
    return LENGTHS_S[-1][2]


def _between(shortest_s: float, longest_s: float) -> Callable[[random.Random], float]:
    return lambda chance: chance.uniform(shortest_s, longest_s)


#: Fault -> (how often it is chosen, how long it goes on, seconds that making it takes besides).
FAULTS: dict[str, tuple[int, Callable[[random.Random], float], float]] = {
    "kill worker": (2, _between(0, 0), 3.0),
    "stop worker": (3, _between(0, 0), 4.0),
    "rolling restart": (3, _between(0, 0), 12.0),
    "no worker": (1, _between(0.5, 12.0), 5.0),
    "freeze worker": (3, _stands_still, 0.0),
    "kill server": (1, _between(0, 2.0), 2.0),
    "stop server": (1, _between(0, 0), 3.0),
    "freeze server": (2, _stands_still, 0.0),
    "freeze Redis": (3, _stands_still, 0.0),
    "pause clients": (1, _between(0.2, 5.0), 0.0),
    "lose scripts": (1, _between(0, 0), 0.0),
    "kill Redis": (1, _between(0.1, 3.0), 1.0),
    "lose last moments": (2, _between(0.2, 0.6), 1.0),
    "wipe Redis": (1, _between(0.1, 1.0), 1.0),
    "cut connections": (1, _between(0, 0), 0.0),
    "cut network": (1, _between(0, 0), 0.0),
    "slow network": (2, _between(2.0, 15.0), 0.0),
    "lossy network": (2, _between(2.0, 15.0), 0.0),
    "silent network": (2, _stands_still, 0.0),
    "clients reconnect": (1, _between(0, 0), 0.0),
}


def plan(
    seed: int,
    seconds: float,
    longest_s: float = LENGTHS_S[-1][2],
    without: Collection[str] = (),
) -> list[Fault]:
    """Return the faults of a seed that fit into so many seconds. `longest_s`: none goes on for
    longer; `without`: none of these."""
    chance, left_s = random.Random(seed), float(seconds)
    faults: list[Fault] = []
    some = sorted(FAULTS.keys() - set(without))
    names = [name for name in some for _ in range(FAULTS[name][0])]
    while True:
        wait_s, name = chance.uniform(*PAUSE_S), chance.choice(names)
        _, draw_length, takes_s = FAULTS[name]
        length_s = min(draw_length(chance), longest_s)
        own = random.Random(chance.random())
        if length_s > max(20.0, seconds / 2):
            continue  # there would be little else in a short run
        left_s -= wait_s + length_s + takes_s
        if left_s < 0:
            return faults
        faults.append(Fault(wait_s, name, length_s, own))
