"""`RabbitmqProcessLink`: what a process that has channels of its own holds of the layer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from channels.exceptions import LayerUnavailable
from channels.layers.process_link import TRY_AGAIN_S, ProcessLink

if TYPE_CHECKING:
    from channels.layers.rabbitmq.envelope import BrokerEntry
    from channels.layers.rabbitmq.layer import RabbitmqChannelLayer
    from channels.layers.rabbitmq.steps import RabbitmqStep
    from channels.layers.rabbitmq.transport import Session

logger = logging.getLogger("channels.layers")

#: Seconds between two looks whether the layer still knows the process.
LOOK_EVERY_S = 2.0


class RabbitmqProcessLink(ProcessLink):
    """Its channels leave their groups when the process dies: see Housekeeping."""

    #: The Session over which messages come, and the AMQP channel there.
    _session: Session | None = None
    _channel: Any = None
    #: The broker's mark when the process was entered there.
    _boot: str | None = None

    @property
    def _rabbitmq(self) -> RabbitmqChannelLayer:
        layer: RabbitmqChannelLayer = self._layer  # type: ignore[assignment]
        return layer

    async def enter(self) -> None:
        await self._rabbitmq.arun(self._enter)

    async def _enter(self, session: Session) -> bool:
        """Show that the process lives; returns False if the broker had forgotten it."""
        house = self._rabbitmq.housekeeping
        boot = await house.find_boot(session, self.queue, "processes")
        was_forgotten = self._boot is not None and boot != self._boot
        if boot is None:
            await house.enter(session, "processes", self.queue, {})
            boot = await house.find_boot(session, self.queue, "processes")
        self._boot = boot
        return not was_forgotten

    async def read(self) -> None:
        loop = asyncio.get_running_loop()

        def take(entry: BrokerEntry) -> None:
            try:
                loop.call_soon_threadsafe(self._give, entry)
            except RuntimeError:  # that loop is closed: who waits in another one is woken
                self._give(entry)

        async def look(session: Session) -> bool:
            if self._session is not session:
                queues = self._rabbitmq.engine.queues
                self._channel = await queues.consume(session, self.queue, take)
                self._session = session
            return await self._enter(session)

        try:
            while True:
                await asyncio.sleep(await self._look(look))
        finally:
            with contextlib.suppress(LayerUnavailable):
                await self._rabbitmq.arun(self._end)

    async def _look(self, look: RabbitmqStep) -> float:
        """See that messages come, and that the process is known; returns when to look again."""
        try:
            was_known = await self._rabbitmq.arun(look)
        except LayerUnavailable as error:
            logger.debug("messages for %s can't be read: %s", self.queue, error)
            return TRY_AGAIN_S
        if not was_known:
            self._on_lost()
        return LOOK_EVERY_S

    async def _end(self, session: Session) -> None:
        channel, self._channel, self._session = self._channel, None, None
        if channel is not None and not channel.is_closed:
            await channel.close()
        await self._rabbitmq.housekeeping.leave(session, "processes", self.queue)

    def _give(self, entry: BrokerEntry) -> None:
        delivery = self._rabbitmq.delivery(entry)
        if delivery is not None:
            self._deliver(list(entry.clients), delivery.content)
