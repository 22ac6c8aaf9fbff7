"""Classes of a project whose instances travel."""

import dataclasses
import enum
import typing


class Colour(enum.Enum):
    RED = 1
    BLUE = "blue"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Point(typing.NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Player:
    name: str
    score: int = 0
    friends: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        self.score += 100


@dataclasses.dataclass(frozen=True, slots=True)
class Move:
    start: Point
    end: Point
