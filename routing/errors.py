"""What is raised for a route that can't work, and how it comes to name that route."""

import contextlib
from collections.abc import Iterator

from django.core.exceptions import ImproperlyConfigured

from channels.exceptions import ChannelsError


class InvalidRoute(ChannelsError, ImproperlyConfigured, ValueError):
    """A routing that can't work, found at start-up; the text begins with the route.

    Channels 1.x raised ImproperlyConfigured for some of these mistakes and ValueError for others.

    Attributes:
        made_at: the file and line where the route stands, as "file, line 3"; None if not known.
    """

    made_at: str | None = None


class RouteProblem(Exception):
    """What is wrong, raised where the route itself is not known."""


@contextlib.contextmanager
def blame(route_text: str) -> Iterator[None]:
    """Turn a RouteProblem raised inside into an InvalidRoute that begins with `route_text`."""
    try:
        yield
    except RouteProblem as problem:
        raise InvalidRoute(f"{route_text}: {problem}") from problem.__cause__
