"""`route`, `route_class` and `include`: what a routing.py is made of."""

from channels.utils import name_that_thing
from routing.consumers import check_consumer, load_consumer
from routing.errors import RouteProblem, blame
from routing.filters import compile_filters, refuse_positional_groups
from routing.loading import load_object
from routing.matching import Candidate, ForeignCandidate, build_table, find_match
from routing.protocols import check_channels
from routing.texts import show, show_call


class _Routable:
    """What routes and includes share: all of it follows from their candidates."""

    def candidates(self, before=()):
        """Yield (channel, candidate), in order; `before`: the steps of the includes around it."""
        raise NotImplementedError

    def match(self, message):
        """Return (consumer, keyword arguments) if this message is for it, or None."""
        return find_match(build_table(self.candidates()).get(message.channel.name, ()), message)

    def channel_names(self):
        """Return the names of its channels, as a set."""
        return {channel for channel, _ in self.candidates()}

    def __repr__(self):
        return self._text


class Route(_Routable):
    """Messages on `channels` whose values match the filters go to `consumer`.

    Args:
        channels: the name of a channel, or a list of names.
        consumer: a callable `consumer(message, **groups)`, plain or async, or its dotted path.
        **filters: key of the message -> regular expression (str, bytes or compiled) that must match
            at the start of the value. Its named groups are passed to the consumer; positional
            groups are not allowed: write `(?:…)`. Bytes are matched as Latin-1 text.

    Raises InvalidRoute, which is an ImproperlyConfigured and a ValueError, if it could never work.
    """

    def __init__(self, channels, consumer, **filters):
        self._set_up(show_call("route", channels, consumer, **filters), channels, consumer, filters)

    def _set_up(self, text, channels, consumer, filters):
        self._text = text
        with blame(text):
            self.channels = check_channels(channels)
            self.filters = compile_filters(filters)
            refuse_positional_groups(self.filters)
            self.consumer = check_consumer(load_consumer(consumer))

    def candidates(self, before=()):
        candidate = Candidate(self.consumer, (*before, *self.filters.items()), self)
        for channel in self.channels:
            yield channel, candidate

    def __str__(self):
        filters = ", ".join(f"{key}={pattern.pattern}" for key, pattern in self.filters.items())
        shown = f" ({filters})" if filters else ""
        return f"{'/'.join(self.channels)}{shown} -> {name_that_thing(self.consumer)}"


class RouteClass(Route):
    """A Route to a class that names its channels itself, with a class method `channel_names()`.

    Args:
        consumer: the class, or its dotted path.
        **filters: as for Route.
    """

    def __init__(self, consumer, **filters):
        text = show_call("route_class", consumer, **filters)
        with blame(text):
            consumer = load_consumer(consumer)
            channels = _ask_channel_names(consumer)
        self._set_up(text, channels, consumer, filters)


class Include(_Routable):
    """The routes of another list, behind prefixes.

    Args:
        routing: a list of routes, a dict of channel -> consumer, or the dotted path of either.
        **prefixes: key of the message -> regular expression that must match at the start of the
            value. The routes inside see what is left of the value behind the match; named groups
            are passed to the consumer.

    Raises InvalidRoute.
    """

    def __init__(self, routing, **prefixes):
        self._text = show_call("include", routing, **prefixes)
        with blame(self._text):
            self.routing = resolve_routing(routing)
            self.prefixes = compile_filters(prefixes)

    def candidates(self, before=()):
        steps = (*before, *self.prefixes.items())
        for number, entry in enumerate(self.routing, 1):
            if _is_ours(entry):
                yield from entry.candidates(steps)
                continue
            with blame(f"{self._text}, entry {number}"):
                names = _check_foreign(entry)
            yield from ((name, ForeignCandidate(entry, steps)) for name in names)


def resolve_routing(routing):
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


def _is_ours(entry):
    """Whether the decision of `entry` is the one that its candidates() stand for."""
    return getattr(type(entry), "match", None) is _Routable.match


def _check_foreign(entry):
    """Return the channel names of an object that is routed to by its own `match(message)`."""
    if not callable(getattr(entry, "match", None)):
        raise RouteProblem(
            f"{show(entry)} is not a route: a class goes into route_class(), another list into "
            "include(), a function into route()"
        )
    return check_channels(_ask_channel_names(entry))


def _ask_channel_names(thing):
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
