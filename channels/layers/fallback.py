"""What BaseChannelLayer does for a layer that gives `send` and `receive` only.

Readers look again every LOOK_AGAIN_S while they wait, since nothing can wake them. Retries are
kept in the worker's memory if the layer has no "delay". Nothing here is used by a layer that gives
its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from channels.exceptions import ChannelFull, ClientGone, LayerUnavailable
from channels.layers import operations as ops
from channels.layers.contract import OnReply, Reader, Received, ServerLink
from channels.layers.counts import tell_carried_out, tell_lost
from channels.layers.names import REPLY_KINDS, split_local
from channels.metrics import hooks

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer
    from channels.messages import Content

logger = logging.getLogger("channels.layers")

#: Seconds between two looks of a reader that waits.
LOOK_AGAIN_S = 0.02
#: Seconds between two attempts to send a disconnect to a full channel, or to reach the layer.
TRY_AGAIN_S = 0.25
#: Key of the content that tells how often a message was retried (its name in 1.x, too).
RETRIES_KEY = "__retries__"


def carry_out(layer: BaseChannelLayer, operation: ops.Operation) -> Any:
    """Do one operation; returns its result, as `BaseChannelLayer.apply` does for each."""
    action = _ACTIONS.get(type(operation))
    if action is None:
        raise TypeError(f"expected an operation of channels.layers.operations, got {operation!r}")
    try:
        result = action(layer, operation)
    except (ChannelFull, ClientGone, layer.ChannelFull) as refusal:
        result = refusal
        if isinstance(operation, ops.Send) and not isinstance(refusal, ClientGone):
            tell_lost(operation.channel, "channel_full_count")
    tell_carried_out(operation, result)
    return result


def _send(layer: BaseChannelLayer, operation: ops.Send) -> None:
    message = layer.codec.unpack_message(operation.payload, operation.channel)
    if operation.delay_s <= 0:
        layer.send(operation.channel, message)
    elif "delay" in layer.extensions:
        layer.send(operation.channel, message, operation.delay_s)
    else:
        raise layer._lacks("delay")


def _send_group(layer: BaseChannelLayer, operation: ops.SendGroup) -> None:
    layer.send_group(operation.group, layer.codec.unpack_message(operation.payload))


def _retry(layer: BaseChannelLayer, operation: ops.Retry) -> None:
    delivery = operation.delivery
    content = {**delivery.content, RETRIES_KEY: delivery.attempts + 1}
    delay = (operation.delay_s,) if "delay" in layer.extensions else ()
    layer.send(delivery.channel, content, *delay)


def _put_back(layer: BaseChannelLayer, operation: ops.PutBack) -> None:
    delivery = operation.delivery
    retries = {RETRIES_KEY: delivery.attempts} if delivery.attempts else {}
    layer.send(delivery.channel, {**delivery.content, **retries})


def _bury(layer: BaseChannelLayer, operation: ops.DeadLetter) -> None:
    delivery = operation.delivery
    logger.error(
        "a message on %s is given up (%s) and lost: %s keeps no dead letters",
        delivery.channel,
        operation.reason,
        type(layer).__name__,
    )


def _save_session(layer: BaseChannelLayer, operation: ops.SaveSession) -> None:
    raise layer._lacks("sessions")


def _do_nothing(layer: BaseChannelLayer, operation: ops.Operation) -> None:
    """What there is nothing to do for: a socket without state is forgotten already."""


_ACTIONS: dict[type, Callable[..., Any]] = {
    ops.Send: _send,
    ops.SendGroup: _send_group,
    ops.Retry: _retry,
    ops.DeadLetter: _bury,
    ops.Done: _do_nothing,
    ops.Drop: _do_nothing,
    ops.PutBack: _put_back,
    ops.SaveSession: _save_session,
    ops.ForgetSocket: _do_nothing,
    ops.FinishOrdered: _do_nothing,
    ops.ReleaseOrdered: _do_nothing,
}


class ReceivingReader(Reader):
    """A Reader over `receive`."""

    def __init__(self, layer: BaseChannelLayer, channels: list[str]) -> None:
        self._layer = layer
        self._channels = channels
        self._interrupted = threading.Event()
        self._retries: list[tuple[float, int, ops.Delivery]] = []
        self._sequence = itertools.count()

    def take(
        self, operations: Sequence[ops.Operation] = (), block_s: float = 0.0
    ) -> tuple[list[Any], ops.Delivery | None]:
        results = ops.carry_out_in_rows(operations, self._carry_out, self._layer.hold_back)
        if ops.leave_work(results):
            block_s = 0.0
        deadline = time.monotonic() + block_s
        while True:
            delivery = self._next()
            left_s = deadline - time.monotonic()
            if delivery is not None or left_s <= 0 or self._interrupted.is_set():
                self._interrupted.clear()
                return results, delivery
            self._interrupted.wait(min(LOOK_AGAIN_S, left_s))

    def interrupt(self) -> None:
        self._interrupted.set()

    def close(self) -> None:
        """Send what still waits for its retry: it must not go with this reader."""
        while self._retries:
            delivery = heapq.heappop(self._retries)[2]
            refusal = carry_out(self._layer, ops.PutBack(delivery))
            if refusal is not None:
                logger.error("a message that was to be retried is lost: %s", refusal)

    def _carry_out(self, operation: ops.Operation) -> Any:
        if isinstance(operation, ops.Retry) and "delay" not in self._layer.extensions:
            return self._keep(operation)
        return carry_out(self._layer, operation)

    def _keep(self, retry: ops.Retry) -> None:
        old = retry.delivery
        due = time.monotonic() + retry.delay_s
        again = ops.Delivery(old.channel, old.content, old.attempts + 1)
        heapq.heappush(self._retries, (due, next(self._sequence), again))

    def _next(self) -> ops.Delivery | None:
        if self._retries and self._retries[0][0] <= time.monotonic():
            return heapq.heappop(self._retries)[2]
        channel, content = self._layer.receive(self._channels)
        if channel is None or content is None:
            return None
        return ops.Delivery(channel, content, content.pop(RETRIES_KEY, 0))


async def receive_in_threads(
    layer: BaseChannelLayer, channels: Sequence[str], block: bool
) -> Received:
    """`areceive` over `receive`; a message that comes while it is cancelled is sent again."""
    while True:
        look = asyncio.ensure_future(asyncio.to_thread(layer.receive, channels))
        try:
            channel, message = await asyncio.shield(look)
        except asyncio.CancelledError:
            channel, message = await look
            if channel is not None and message is not None:
                await layer.asend(channel, message)
            raise
        if channel is not None and message is not None:
            return channel, message
        if not block:
            return None, None
        await asyncio.sleep(LOOK_AGAIN_S)


async def _asend(layer: BaseChannelLayer, channel: str, message: Content) -> None:
    """`asend`, counted."""
    try:
        await layer.asend(channel, message)
    except (ChannelFull, layer.ChannelFull):
        tell_lost(channel, "channel_full_count")
        raise
    hooks.meter.message_sent(channel)


class ReceivingLink(ServerLink):
    """A ServerLink over `areceive`: it knows of no other server, and holds no sender back."""

    def __init__(
        self,
        layer: BaseChannelLayer,
        server_id: str,
        on_reply: OnReply,
        on_lost: Callable[[], None],
    ) -> None:
        self.server_id = server_id
        self._layer = layer
        self._on_reply = on_reply
        self._task: asyncio.Task[None] | None = None
        #: One send at a time: of two that run in threads of their own, the second may be the first.
        self._sending = asyncio.Lock()

    @property
    def is_available(self) -> bool:
        return True

    async def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def send(self, channel: str, message: Content) -> None:
        async with self._sending:
            await _asend(self._layer, channel, message)

    async def open_socket(self, client: str, message: Content) -> None:
        await self.send("websocket.connect", message)

    async def close_socket(
        self, client: str, message: Content, channel: str = "websocket.disconnect"
    ) -> None:
        while True:
            try:
                return await self.send(channel, message)
            except (ChannelFull, LayerUnavailable, self._layer.ChannelFull):
                await asyncio.sleep(TRY_AGAIN_S)

    def hold(self, client: str) -> None:
        """Senders can't be told."""

    resume = mark_gone = hold

    async def _read(self) -> None:
        queues = [self.reply_channel(kind, "") for kind in REPLY_KINDS]
        while True:
            try:
                channel, message = await self._layer.areceive(queues, block=True)
                if channel is not None and message is not None:
                    self._on_reply([split_local(channel)[1]], message)
            except LayerUnavailable:
                await asyncio.sleep(TRY_AGAIN_S)
            except Exception:
                logger.exception("a reply to %s was dropped", self.server_id)
                await asyncio.sleep(TRY_AGAIN_S)
