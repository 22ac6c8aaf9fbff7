"""A conversation of a test with an application: by ASGI events, in one event loop."""

import asyncio
import contextlib

from asgiref.testing import ApplicationCommunicator

SCOPE = {"type": "websocket", "path": "/", "headers": []}


def run(coroutine):
    """Run a coroutine to its end, in an event loop of its own."""
    return asyncio.run(coroutine)


class Conversation(ApplicationCommunicator):
    """What a host server and an application say to one another."""

    async def hears(self, limit_s=5):
        """The next event of the application. Raises what that raises."""
        return await self.receive_output(limit_s)

    async def say(self, kind, **event):
        await self.send_input({"type": kind, **event})


@contextlib.asynccontextmanager
async def conversation(application, scope=None):
    """A Conversation, whose application has ended when the block has."""
    talk = Conversation(application, {**SCOPE, **(scope or {})})
    try:
        yield talk
    finally:
        with contextlib.suppress(BaseException):
            await talk.wait(0.02)
