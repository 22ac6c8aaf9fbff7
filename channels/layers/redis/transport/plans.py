"""How the verbs of this layer are written down once for two drivers.

A plan is a generator. It yields a step, is sent the replies, and returns the verb's result:

- a list of `Request`s: the driver runs each host's in one pipeline, in order, and sends back the
  replies in the order of the requests. A reply may be an exception: a refusal by Redis, or
  LayerUnavailable;
- a `Wait`: the same for one host, and in the same round trip a blocking pop. `go_on(replies)` is
  asked once the replies are there: if it says no, the pop is called off. The driver sends back
  (what was popped or None, the host's time in ms);
- a `Block`: the driver waits on every host at once, at most `timeout_s`, and sends back a list of
  (host, reply) for those that answered: none on a time-out, several if they answered together.

Where a Wait breaks, or no host of a Block is there, LayerUnavailable is thrown into the plan: what
it did in the steps before is done all the same.

Plans do no I/O and read no clock. `wire.check` turns a reply that is an error into a raised one.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

from channels.layers.redis.transport.wire import Command, Script

T = TypeVar("T")

#: What is to be done for each of a server's sockets is done for so many in one round trip.
ASKED_AT_ONCE = 500


class Request(NamedTuple):
    """One Redis command for one host."""

    host: int
    command: Command


class Post(NamedTuple):
    """A message to a queue: what goes to the same one at the same time can go together."""

    request: Request
    #: The Script that takes several together; its keys and first arguments, and what is this
    #: message's own.
    script: Script
    keys: tuple[str, ...]
    args: tuple[Any, ...]
    rest: bytes


class Wait(NamedTuple):
    """Requests to one host, and a blocking pop behind them."""

    host: int
    commands: list[Command]
    queues: tuple[str, ...]
    timeout_s: float
    go_on: Callable[[list[Any]], bool]


class Block(NamedTuple):
    """A blocking pop: the same queues, waited for on each of `hosts`."""

    hosts: tuple[int, ...]
    queues: tuple[str, ...]
    timeout_s: float


#: What a plan yields, and a plan whose result is a T.
Step: TypeAlias = Sequence[Request] | Wait | Block
Plan: TypeAlias = Generator[Step, Any, T]

#: A part of a batch: its requests, and what makes its result of their replies.
Part: TypeAlias = tuple[list[Request], Callable[[list[Any]], Any]]


def places_by_host(requests: Sequence[Request]) -> dict[int, list[int]]:
    """Where the requests to each host stand among all: host -> their places, in order."""
    places: dict[int, list[int]] = {}
    for place, request in enumerate(requests):
        places.setdefault(request.host, []).append(place)
    return places


def put_in_place(replies: list[Any], places: Iterable[int], answers: Iterable[Any]) -> None:
    """Put the answers to some commands of a pipeline where these stand."""
    for place, answer in zip(places, answers, strict=True):
        replies[place] = answer


def in_parts(items: list[T]) -> list[list[T]]:
    """`items`, a list, in lists of ASKED_AT_ONCE."""
    return [items[at : at + ASKED_AT_ONCE] for at in range(0, len(items), ASKED_AT_ONCE)]
