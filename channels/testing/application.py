"""`ApplicationCommunicator`: a test's end of a connection to an ASGI application."""

from __future__ import annotations

from unittest import mock

from asgiref.testing import ApplicationCommunicator as AsgirefCommunicator

from channels.applications.shapes import AnyApplication, Event, Scope, call_once

__all__ = ["ApplicationCommunicator", "no_op"]


def no_op() -> None:
    """Do nothing: in the place of `close_old_connections`, so that a test keeps its own."""


class ApplicationCommunicator(AsgirefCommunicator):
    """Runs an application, and talks to it by ASGI events.

    Args:
        application: the application, or a consumer class.
        scope: what is known of the connection.
    """

    def __init__(self, application: AnyApplication, scope: Scope) -> None:
        super().__init__(call_once(application), scope)  # type: ignore[no-untyped-call]

    async def send_input(self, message: Event) -> None:
        """Send an event to the application."""
        with mock.patch("channels.db.close_old_connections", no_op):
            await super().send_input(message)  # type: ignore[no-untyped-call]

    async def receive_output(self, timeout: float = 1) -> Event:
        """Wait up to `timeout` seconds for the application's next event, and return it.

        Raises what the application raises, and asyncio.TimeoutError.
        """
        with mock.patch("channels.db.close_old_connections", no_op):
            event: Event
            event = await super().receive_output(timeout)  # type: ignore[no-untyped-call]
            return event
