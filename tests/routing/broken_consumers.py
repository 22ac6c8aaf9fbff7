"""A consumers module that has a mistake of its own."""

from tests.routing.consumers import nothing_of_that_name  # noqa: F401


def ws_connect(message):
    """Never reached."""
