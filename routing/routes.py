"""`route`, `route_class` and `include`: what a routing.py is made of.

Making one raises nothing, as in Channels 1.x: what is wrong with it is noted, and raised when a
Router reaches it. A route that nobody uses stops no site.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, TypeAlias

from channels.utils import name_that_thing
from routing.consumers import check_consumer, load_consumer, refuse_class
from routing.errors import InvalidRoute, RouteProblem, blame
from routing.filters import Filter, compile_filters, refuse_positional_groups
from routing.loading import load_object
from routing.matching import Candidate, ForeignCandidate, KeyPattern, Match, Table
from routing.place import find_place
from routing.protocols import check_channels
from routing.texts import show, show_call

if TYPE_CHECKING:
    import re

    from channels.message import Message

    #: What takes messages: it is called with the message, and the named groups of its route.
    Consumer: TypeAlias = Callable[Concatenate[Message, ...], Any]
    #: What a routing can be: a list, a dict of channel -> consumer, or the dotted path of either.
    Routing: TypeAlias = Sequence[Any] | Mapping[str, Consumer | str] | str


class Routable:
    """What routes and includes share: all of it follows from their candidates."""

    _text: str
    #: What is wrong with it, or None.
    _problem: InvalidRoute | None = None

    def candidates(
        self, before: Sequence[KeyPattern] = ()
    ) -> Iterator[tuple[str, Candidate | ForeignCandidate]]:
        """Yield (channel, candidate), in order; `before`: the patterns of the includes around it.

        Raises InvalidRoute if it could never work.
        """
        raise NotImplementedError

    def match(self, message: Message) -> Match | None:
        """Return (consumer, keyword arguments) if this message is for it, or None."""
        return Table(self.candidates()).match(message)

    def channel_names(self) -> set[str]:
        """Return the names of its channels, as a set."""
        return {channel for channel, _ in self.candidates()}

    def __repr__(self) -> str:
        return self._text

    @contextlib.contextmanager
    def _noting_problems(self) -> Iterator[None]:
        try:
            with blame(self._text):
                yield
        except InvalidRoute as problem:
            problem.made_at = problem.made_at or find_place()
            self._problem = problem

    def _raise_problem(self) -> None:
        if self._problem is not None:
            raise self._problem.with_traceback(None)


class Route(Routable):
    """Messages on `channels` whose values match the filters go to `consumer`.

    Args:
        channels: the name of a channel, or a list of names.
        consumer: a callable `consumer(message, **groups)`, plain or async, or its dotted path.
        **filters: key of the message -> regular expression (str, bytes or compiled) that must match
            at the start of the value. Its named groups are passed to the consumer; positional
            groups are not allowed: write `(?:…)`. Bytes are matched as Latin-1 text.

    If it could never work, a Router that has it raises InvalidRoute, which is an
    ImproperlyConfigured and a ValueError.
    """

    #: The channels, as a list of names.
    channels: list[str]
    #: Key of the message -> compiled regular expression.
    filters: dict[str, re.Pattern[str]]
    consumer: Any

    def __init__(
        self,
        channels: str | bytes | Iterable[str | bytes],
        consumer: Consumer | str,
        **filters: Filter,
    ) -> None:
        text = show_call("route", channels, consumer, **filters)
        self._set_up(text, channels, consumer, filters)

    def _set_up(self, text: str, channels: Any, consumer: Any, filters: Mapping[str, Any]) -> None:
        self._text = text
        self.channels, self.filters, self.consumer = [], {}, consumer
        with self._noting_problems():
            self.channels = check_channels(channels)
            self.filters = compile_filters(filters)
            refuse_positional_groups(self.filters)
            self.consumer = self._check_consumer(load_consumer(consumer))

    def _check_consumer(self, consumer: Any) -> Any:
        refuse_class(consumer, self.channels)
        return check_consumer(consumer)

    def candidates(self, before: Sequence[KeyPattern] = ()) -> Iterator[tuple[str, Candidate]]:
        self._raise_problem()
        candidate = Candidate(self.consumer, (*before, *self.filters.items()), self)
        for channel in self.channels:
            yield channel, candidate

    def __str__(self) -> str:
        filters = ", ".join(f"{key}={pattern.pattern}" for key, pattern in self.filters.items())
        shown = f" ({filters})" if filters else ""
        return f"{'/'.join(self.channels)}{shown} -> {name_that_thing(self.consumer)}"


class RouteClass(Route):
    """A Route to a class that names its channels itself, with a class method `channel_names()`.

    Args:
        consumer: the class, or its dotted path.
        **filters: as for Route.
    """

    def __init__(self, consumer: type | str, **filters: Filter) -> None:
        self._text = show_call("route_class", consumer, **filters)
        loaded: Any = consumer
        channels: Any = ()
        with self._noting_problems():
            loaded = load_consumer(consumer)
            channels = _ask_channel_names(loaded)
        problem = self._problem
        self._set_up(self._text, channels, loaded, filters)
        self._problem = problem or self._problem

    def _check_consumer(self, consumer: Any) -> Any:
        return check_consumer(consumer)


class Include(Routable):
    """The routes of another list, behind prefixes.

    Args:
        routing: a list of routes, a dict of channel -> consumer, or the dotted path of either.
        **prefixes: key of the message -> regular expression that must match at the start of the
            value. The routes inside see what is left of the value behind the match; named groups
            are passed to the consumer.

    If it could never work, a Router that has it raises InvalidRoute.
    """

    #: The routes inside.
    routing: Sequence[Any]
    #: Key of the message -> compiled regular expression.
    prefixes: dict[str, re.Pattern[str]]

    def __init__(self, routing: Routing, **prefixes: Filter) -> None:
        self._text = show_call("include", routing, **prefixes)
        self.routing, self.prefixes = (), {}
        with self._noting_problems():
            self.routing = resolve_routing(routing)
            self.prefixes = compile_filters(prefixes)

    def candidates(
        self, before: Sequence[KeyPattern] = ()
    ) -> Iterator[tuple[str, Candidate | ForeignCandidate]]:
        self._raise_problem()
        patterns = (*before, *self.prefixes.items())
        for number, entry in enumerate(self.routing, 1):
            if _is_ours(entry):
                yield from entry.candidates(patterns)
                continue
            with blame(f"{self._text}, entry {number}"):
                names = _check_foreign(entry)
            yield from ((name, ForeignCandidate(entry, patterns)) for name in names)


def resolve_routing(routing: Any) -> Sequence[Any]:
    """Return the list of routes that `routing` means: a list, a dict, or a dotted path to either.

    Raises RouteProblem.
    """
    if isinstance(routing, str):
        routing = load_object(routing)
    if isinstance(routing, dict):
        return [Route(channel, consumer) for channel, consumer in routing.items()]
    if isinstance(routing, (list, tuple)):
        return routing
    raise RouteProblem(
        "a routing must be a list of route(), route_class() and include(), or a dict of channel -> "
        f"consumer; got {type(routing).__name__} {routing!r}"
    )


def _is_ours(entry: object) -> bool:
    """Whether the decision of `entry` is the one that its candidates() stand for."""
    return getattr(type(entry), "match", None) is Routable.match


def _check_foreign(entry: object) -> list[str]:
    """Return the channel names of an object that is routed to by its own `match(message)`."""
    if not callable(getattr(entry, "match", None)):
        raise RouteProblem(
            f"{show(entry)} is not a route: a class goes into route_class(), another list into "
            "include(), a function into route()"
        )
    return check_channels(_ask_channel_names(entry))


def _ask_channel_names(thing: Any) -> Any:
    if isinstance(thing, type) and callable(getattr(thing, "as_asgi", None)):
        raise RouteProblem(
            f"{show(thing)} is a class consumer of Channels 2 and later: it goes into the "
            f"URLRouter of ASGI_APPLICATION, as {thing.__name__}.as_asgi()"
        )
    if not callable(getattr(thing, "channel_names", None)):
        raise RouteProblem(
            f"{show(thing)} has no channel_names(), which would tell the channels it takes; "
            "a function goes into route(channel, function)"
        )
    try:
        return thing.channel_names()
    except Exception as error:  # the method is the user's: it may raise anything
        raise RouteProblem(
            f"{show(thing)}.channel_names() raises {type(error).__name__}: {error} "
            "(is it a class method?)"
        ) from error
