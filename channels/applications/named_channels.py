"""A process that runs consumers for the messages of channels with names, as `runworker CHANNEL...`
does."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

from asgiref.sync import async_to_sync

from channels.applications.protocols import ChannelNameRouter, ProtocolTypeRouter
from channels.applications.shapes import AnyApplication, Application, Event, call_once
from channels.exceptions import LayerUnavailable

if TYPE_CHECKING:
    from channels.message import Message

logger = logging.getLogger("django.channels.worker")

#: Between two looks at a layer that is away.
TRY_AGAIN_S = 0.5
#: Consumers get this long to end what they are at, when the process is told to stop.
GRACE_S = 30.0


class ChannelInstance:
    """One run of the application, for the messages of one channel, until it ends or fails."""

    def __init__(
        self, application: Application, channel: str, *, tells_failure: bool = True
    ) -> None:
        self.channel = channel
        self._events: asyncio.Queue[Event] = asyncio.Queue(maxsize=1)
        self._is_idle = asyncio.Event()
        scope = {"type": "channel", "channel": channel}
        self.task = asyncio.ensure_future(application(scope, self._receive, self._send))
        if tells_failure:
            self.task.add_done_callback(self._tell_end)

    async def put(self, event: Event) -> None:
        """Give a message to the application, when it has taken the one before."""
        self._is_idle.clear()
        putting = asyncio.ensure_future(self._events.put(event))
        await asyncio.wait([putting, self.task], return_when=asyncio.FIRST_COMPLETED)
        putting.cancel()

    async def wait_until_idle(self) -> None:
        """Wait until the application has handled what it was given, or has ended."""
        idle = asyncio.ensure_future(self._is_idle.wait())
        await asyncio.wait([idle, self.task], return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()

    async def _receive(self) -> Event:
        if self._events.empty():
            self._is_idle.set()
        return await self._events.get()

    async def _send(self, event: Event) -> None:
        raise ValueError(
            f"a consumer of channel {self.channel!r} has no client to send {event.get('type')!r} "
            "to: send to a channel or a group, by self.channel_layer"
        )

    def _tell_end(self, task: asyncio.Future[Any]) -> None:
        if not task.cancelled() and task.exception() is not None:
            logger.error(
                "the consumer of channel %s failed; the next message gets a new one",
                self.channel,
                exc_info=task.exception(),
            )


class NamedConsumer:
    """A consumer for workers of the split: it hands a message to an application, which gets a
    scope of type "channel", and ends when that has handled it.

    Each message gets a run of the application of its own. What the application raises is raised
    here, so that the worker logs it, and `ConsumeLater` brings the message again.
    """

    def __init__(self, application: AnyApplication) -> None:
        self._application = call_once(application)

    def __call__(self, message: Message, **kwargs: Any) -> None:
        async_to_sync(self._handle)(message.channel.name, dict(message.content))

    async def _handle(self, channel: str, event: Event) -> None:
        if not event.get("type"):
            raise ValueError(
                f"a message on {channel!r} has no type (it has {', '.join(map(repr, event))}): "
                "name the handler, as in {'type': 'generate', ...}"
            )
        instance = ChannelInstance(self._application, channel, tells_failure=False)
        try:
            await instance.put(event)
            await instance.wait_until_idle()
            if instance.task.done() and instance.task.exception() is not None:
                raise cast(BaseException, instance.task.exception())
        finally:
            instance.task.cancel()
            await asyncio.gather(instance.task, return_exceptions=True)


def named_consumers(application: object) -> dict[str, NamedConsumer]:
    """Return a consumer for each channel that the ChannelNameRouter of an application names."""
    if not isinstance(application, ProtocolTypeRouter):
        return {}
    router = application.application_mapping.get("channel")
    if not isinstance(router, ChannelNameRouter):
        return {}
    return {name: NamedConsumer(application) for name in router.application_mapping}


class NamedChannels:
    """Runs an application for the messages of some channels.

    Args:
        application: what gets a scope of type "channel" for each channel.
        channels: their names.
        channel_layer: the layer, with awaited verbs.
        listener: called for each channel, in place of this object's own `listen`.
    """

    def __init__(
        self,
        application: AnyApplication,
        channels: Iterable[str],
        channel_layer: Any,
        listener: Callable[[str], Any] | None = None,
    ) -> None:
        if channel_layer is None:
            raise ValueError(
                "Channel layer is not valid: it is None, as CHANNEL_LAYERS has none of that name"
            )
        self.application = call_once(application)
        self.channels = list(channels)
        self.channel_layer = channel_layer
        self._listener = listener or self.listen
        self._instances: dict[str, ChannelInstance] = {}

    def run(self, handle: Callable[[], Any]) -> None:
        """Run `handle()` in an event loop until SIGTERM or SIGINT; what runs then is ended."""

        async def main() -> None:
            task = asyncio.ensure_future(handle())
            loop = asyncio.get_running_loop()
            if threading.current_thread() is threading.main_thread():
                for number in (signal.SIGTERM, signal.SIGINT):
                    loop.add_signal_handler(number, task.cancel)
            try:
                await task
            except asyncio.CancelledError:
                await self._end()

        asyncio.run(main())

    async def handle(self) -> None:
        """Listen on all channels, until one of the listeners fails."""
        tasks = [asyncio.ensure_future(self._listener(channel)) for channel in self.channels]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def listen(self, channel: str) -> None:
        """Take the messages of one channel, one after the other."""
        while True:
            try:
                message = await self.channel_layer.receive(channel)
            except LayerUnavailable as error:
                logger.debug("%s can't be read: %s", channel, error)
                await asyncio.sleep(TRY_AGAIN_S)
                continue
            if not message.get("type"):
                logger.error(
                    "a message on %s was dropped: Worker received message with no type (it has "
                    "%s); name the handler, as in {'type': 'generate', ...}",
                    channel,
                    ", ".join(map(repr, message)),
                )
                continue
            await self._instance_for(channel).put(message)

    def _instance_for(self, channel: str) -> ChannelInstance:
        instance = self._instances.get(channel)
        if instance is None or instance.task.done():
            instance = self._instances[channel] = ChannelInstance(self.application, channel)
        return instance

    async def _end(self) -> None:
        """Let what runs end, and then the instances."""
        instances = list(self._instances.values())
        if instances:
            waits = [asyncio.ensure_future(one.wait_until_idle()) for one in instances]
            _, late = await asyncio.wait(waits, timeout=GRACE_S)
            if late:
                logger.warning("%d consumers have not ended within %.0f s", len(late), GRACE_S)
        for instance in instances:
            instance.task.cancel()
        await asyncio.gather(*(one.task for one in instances), return_exceptions=True)
        close = getattr(self.channel_layer, "close", None)
        if close is not None:
            await close()
