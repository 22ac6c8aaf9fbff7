"""How the verbs of this layer are written down once for two drivers.

A plan is a generator. It yields a step, is sent the replies, and returns the verb's result:

- a list of `Request`s: the driver runs each host's in one pipeline, in order, and sends back the
  replies in the order of the requests. A reply may be an exception: a refusal by Redis, or
  LayerUnavailable;
- a `Block`: the driver waits on every host at once, at most `timeout_s`, and sends back a list of
  (host, reply) for those that answered: none on a time-out, several if they answered together.

Plans do no I/O and read no clock. `check` turns a reply that is an error into a raised one.
"""

from typing import NamedTuple

from channels.exceptions import LayerUnavailable


class Request(NamedTuple):
    """One Redis command for one host."""

    host: int
    command: tuple


class Block(NamedTuple):
    """A blocking pop: the same queues, waited for on each of `hosts`."""

    hosts: tuple
    queues: tuple
    timeout_s: float


def check(reply):
    """Return `reply`, or raise it if it is an error."""
    if isinstance(reply, LayerUnavailable):
        raise reply
    if isinstance(reply, Exception):
        raise LayerUnavailable(f"Redis refused a command: {reply}") from reply
    return reply


def raise_if_all_are_away(replies):
    """Raise the LayerUnavailable of a step that reached no host at all."""
    if replies and all(isinstance(reply, LayerUnavailable) for reply in replies):
        raise replies[0]


def read_nothing(replies):
    """Check every reply of a part whose result is None."""
    for reply in replies:
        check(reply)
