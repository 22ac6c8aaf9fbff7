"""How messages get to the workers that host sockets."""

from __future__ import annotations

import asyncio
import bisect
import logging
import operator
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from channels.exceptions import ChannelFull, ChannelsError, LayerUnavailable
from channels.layers import hosting, names
from channels.layers.backoff import Backoff
from channels.messages import Content

if TYPE_CHECKING:
    from interface_server.process import ServerProcess

logger = logging.getLogger("interface_server")

#: Seconds between two attempts while a queue is full, or the layer away.
RETRY_S = (0.05, 1.0)
#: An instance is offered so often to the workers, and again after so many seconds.
OFFERS, OFFER_AGAIN_S = 4, 5.0
#: Messages to the instances of one worker that wait in line for the layer, at most.
MOST_IN_LINE = 1_000
#: What may be over soon.
_PASSING = (ChannelFull, LayerUnavailable)
#: What is done with a frame that was not sent at once.
Instead = Callable[[], Coroutine[Any, Any, None]]
#: A message that waits for the layer, with its place, and until when it is tried.
InLine = tuple[int, float, Content]


class OwnerSender:
    """Sends to the queues of workers, for as long as sockets wait."""

    def __init__(self, process: ServerProcess) -> None:
        self._process = process
        #: Messages to instances that wait until the layer is back, in their order, by queue.
        self._lines: dict[str, list[InLine]] = {}

    def tell(
        self, queue: str, kind: str, client: str, place: int | None = None, **more: object
    ) -> None:
        """Send an owner, or who was one, a word about a socket: see channels.layers.hosting.
        `place`: where it stands among the messages to instances, if it must not overtake them."""
        channel = self._process.link.reply_channel(names.WEBSOCKET_SEND, client)
        self.post(queue, {"type": kind, "reply_channel": channel, **more}, place)

    def post(self, queue: str, message: Content, place: int | None = None) -> None:
        """Send to an owner. What has a place waits in line while the layer is away: the messages to
        the instances of many sockets, which are dropped if there is no room for them, and what must
        not overtake these. The rest is tried again."""
        channel, is_for_many = queue + hosting.LOCAL_PART, message["type"] == hosting.MEMBERS
        if place is not None and queue in self._lines:
            self._stand_in_line(queue, place, message)
            return

        def note(error: BaseException | None) -> None:
            if error is None:
                return
            if not isinstance(error, _PASSING) or (is_for_many and isinstance(error, ChannelFull)):
                _tell_dropped(channel, message, error)
            elif place is not None and isinstance(error, LayerUnavailable):
                self._stand_in_line(queue, place, message)
            else:
                self._process.spawn(self.insist(channel, message, rests_first=True))

        self._process.link.post(channel, message, note)

    def _stand_in_line(self, queue: str, place: int, message: Content) -> None:
        line = self._lines.get(queue)
        if line is None:
            line = self._lines[queue] = []
            self._process.spawn(self._catch_up(queue, line))
        if len(line) < MOST_IN_LINE or message["type"] != hosting.MEMBERS:
            # By place: the news of those under way comes late.
            waiting = place, self._ends_at(), message
            bisect.insort(line, waiting, key=operator.itemgetter(0))
        else:
            error = LayerUnavailable(f"{len(line)} others wait for the layer", was_sent=False)
            _tell_dropped(queue + hosting.LOCAL_PART, message, error)

    async def _catch_up(self, queue: str, line: list[InLine]) -> None:
        """Send what stands in line, each as long as sockets wait, from when it came; an instance
        knows what comes twice by its place."""
        await asyncio.sleep(RETRY_S[0])
        try:
            while line:
                _, ends_at, message = line.pop(0)
                await self.insist(queue + hosting.LOCAL_PART, message, ends_at=ends_at)
        finally:
            del self._lines[queue]

    def _ends_at(self) -> float:
        """Until when what comes now is tried, by the loop's time: as long as sockets wait."""
        return self._process.loop.time() + self._process.options.websocket_patience_s

    def send_frame(
        self, queue: str, frame: Content, sent: asyncio.Future[None], instead: Instead
    ) -> None:
        """Send a frame to an owner, with no task of its own: `sent` is done once it is there.

        If there is no room for it, or no layer, `instead()` is run, which tries for longer.
        """

        def note(error: BaseException | None) -> None:
            if sent.done():
                return
            if error is None:
                sent.set_result(None)
            elif isinstance(error, _PASSING):
                self._process.spawn(_pass_on(instead(), sent))
            else:
                sent.set_exception(error)

        self._process.link.post(queue + hosting.LOCAL_PART, frame, note)

    async def offer(self, message: Content, is_free: Callable[[], bool]) -> None:
        """Put an instance where any worker finds it, and again as `offer_again` does."""
        await self.insist(hosting.RESUME, message)
        await self.offer_again(message, is_free)

    async def offer_again(self, message: Content, is_free: Callable[[], bool]) -> None:
        """Put an instance there again, while there are workers and nobody has it: who has taken it
        may be dead, or stand still. Who is second is refused."""
        for _ in range(OFFERS - 1):
            await asyncio.sleep(OFFER_AGAIN_S)
            if is_free() and await self._process.takers.are_there() is not False:
                await self.insist(hosting.RESUME, message)
            if not is_free():
                return

    async def tell_left(self, channel: str) -> None:
        """Tell who answers a request that its client has left."""
        await self.insist(channel, {"type": "http.disconnect"})

    async def insist(
        self,
        channel: str,
        message: Content,
        *,
        rests_first: bool = False,
        ends_at: float | None = None,
    ) -> None:
        """Send as soon as there is room, for as long as sockets wait; or until `ends_at`, by the
        loop's time."""
        loop, backoff = self._process.loop, Backoff(*RETRY_S)
        ends_at = self._ends_at() if ends_at is None else ends_at
        if rests_first:
            await asyncio.sleep(backoff.next_s())
        while True:
            try:
                await self._process.link.send(channel, message)
                return
            except ChannelsError as error:
                if not isinstance(error, _PASSING) or loop.time() >= ends_at:
                    _tell_dropped(channel, message, error)
                    return
            await asyncio.sleep(backoff.next_s())


async def _pass_on(sending: Coroutine[Any, Any, None], sent: asyncio.Future[None]) -> None:
    """Let `sent` end as `sending` does."""
    try:
        await sending
    except ChannelsError as error:
        if not sent.done():
            sent.set_exception(error)
    else:
        if not sent.done():
            sent.set_result(None)


def _tell_dropped(channel: str, message: Content, error: BaseException) -> None:
    logger.error(
        "a %s for %d instances was dropped on its way to %s: %s",
        message.get("type", "hand-over"),
        len(message.get("clients", "1")),
        channel,
        error,
    )
