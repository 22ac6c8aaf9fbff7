"""One HTTP request and the application that answers it."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from channels.exceptions import ChannelFull, ClientGone, LayerUnavailable, StopConsumer
from channels.instances.hosting import EXTENSION
from channels.layers import hosting
from channels.layers.backoff import Backoff
from channels.messages import Content
from worker.applications.responses import CUT_OFF, FAILED, ResponseParts
from worker.applications.scopes import make_request_scope

if TYPE_CHECKING:
    from channels.consumer import AsyncConsumer
    from worker.applications.host import ApplicationHost

logger = logging.getLogger("django.request")

#: A request that is not answered by then tells its server where to say that the client has left.
CLAIM_AFTER_S = 0.2
#: Seconds for which a client may take nothing of its response.
PATIENCE_S = 60.0
RETRY_S = (0.005, 0.2)
#: Seconds to wait for a part of the body in one go.
BODY_WAIT_S = 30.0


class RequestInstance:
    """Hosts one request: a `channels.instances.hosting.InstanceHost`.

    Args:
        host: the ApplicationHost.
        content: the `http.request` message.
        local_part: names the request among those of this worker.
    """

    def __init__(self, host: ApplicationHost, content: Content, local_part: str) -> None:
        self._host = host
        self._content = content
        self._reply_channel: str = content["reply_channel"]
        self.channel_name = host.queue + local_part
        self.local_part = local_part
        self._events: collections.deque[Content] = collections.deque()
        self._waiter: asyncio.Future[None] | None = None
        self._parts = ResponseParts()
        self._is_gone = False
        self._has_body = False
        self.task: asyncio.Task[None] | None = None

    # -- its life -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Run the application to its end."""
        claiming = self._host.loop.create_task(self._claim())
        scope = make_request_scope(self._content)
        scope["extensions"][EXTENSION] = self
        try:
            await self._host.application(scope, self.receive, self.send)
        except (StopConsumer, ClientGone):
            pass
        except Exception:
            logger.exception("the application failed for %s", self._content["path"])
        finally:
            claiming.cancel()
            self._host.forget_request(self)
            await self._finish()

    async def _finish(self) -> None:
        """Let no client take an unfinished response for a whole one, or wait for none."""
        if not self._parts.is_complete and not self._is_gone:
            with contextlib.suppress(ChannelFull, LayerUnavailable, ClientGone):
                await self._send(CUT_OFF if self._parts.is_started else FAILED)

    async def _claim(self) -> None:
        """Tell the server where to say that the client has left, if that may take a while."""
        await asyncio.sleep(CLAIM_AFTER_S)
        message = {"type": hosting.OWN_REQUEST, "channel": self.channel_name}
        with contextlib.suppress(ChannelFull, LayerUnavailable, ClientGone):
            await self._host.send(self._reply_channel, message)

    # -- events in ----------------------------------------------------------------------------

    def put(self, event: Content) -> None:
        """An event for the application."""
        if event["type"] == "http.disconnect":
            self._is_gone = True
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def receive(self) -> Content:
        """The application's `receive`."""
        if not self._has_body:
            return await self._next_of_body()
        while not self._events:
            self._waiter = self._host.loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._events.popleft()

    async def _next_of_body(self) -> Content:
        body, channel = self._content.get("body") or b"", self._content.get("body_channel")
        if body or not channel:
            self._content["body"] = b""
            self._has_body = not channel
            return _body_event(body, more=bool(channel))
        part = await self._host.receive(channel)
        if part.get("closed"):
            self._has_body = self._is_gone = True
            return {"type": "http.disconnect"}
        self._has_body = not part.get("more_content")
        return _body_event(part.get("content") or b"", more=not self._has_body)

    # -- events out -----------------------------------------------------------------------------

    async def send(self, event: Content) -> None:
        """The application's `send`. Waits while the client takes nothing."""
        for message in self._parts.add(event):
            await self._send(message)

    async def _send(self, message: Content) -> None:
        """Send a part of the response. Raises ClientGone."""
        backoff, waited_s = Backoff(*RETRY_S), 0.0
        while not self._is_gone:
            try:
                await self._host.send(self._reply_channel, message)
                return
            except ClientGone:
                self.put({"type": "http.disconnect"})
                return
            except (ChannelFull, LayerUnavailable) as error:
                if getattr(error, "was_sent", False) or waited_s >= PATIENCE_S:
                    raise
            pause_s = backoff.next_s()
            waited_s += pause_s
            await asyncio.sleep(pause_s)

    # -- the consumer -----------------------------------------------------------------------------

    @property
    def executor(self) -> ThreadPoolExecutor:
        """Where sync handlers run."""
        return self._host.threads

    async def attach(self, consumer: AsyncConsumer) -> None:
        """The consumer is about to begin."""


def _body_event(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}
