"""The frames of one WebSocket on their way to the workers."""

import asyncio
from typing import TYPE_CHECKING

from channels.exceptions import ChannelFull, InvalidMessage, LayerUnavailable, MessageTooLarge
from channels.layers.names import split_local
from interface_server.asgi import Event, Message, Receive

if TYPE_CHECKING:
    from interface_server.process import ServerProcess

#: While the layer is away a frame is tried again after this long first, then after longer.
_FIRST_DELAY_S = 0.05
_LAST_DELAY_S = 1.0


class FrameIntake:
    """Numbers the frames of a socket, and sends each as a `websocket.receive`.

    Args:
        process: the ServerProcess.
        receive: the ASGI callable; where it has a `hold()`, that keeps the client waiting.
        reply_channel, path: the socket's own, for its messages.

    Attributes:
        order: the number of the last frame that was sent, or may have been.
        is_stopped: set once the socket is closed: don't wait for the layer any more.
    """

    __slots__ = (
        "_client",
        "_count",
        "_path",
        "_process",
        "_receive",
        "_reply_channel",
        "_second",
        "is_stopped",
        "order",
    )

    def __init__(
        self, process: "ServerProcess", receive: Receive, reply_channel: str, path: str
    ) -> None:
        self._process = process
        self._receive = receive
        self._reply_channel = reply_channel
        self._client = split_local(reply_channel)[1]
        self._path = path
        self._second = 0
        self._count = 0
        self.order = 0
        self.is_stopped = False

    async def pass_on(self, event: Event) -> int | None:
        """Send the frame of an ASGI event; return None, or the code to close the socket with."""
        message: Message = {
            "reply_channel": self._reply_channel,
            "path": self._path,
            "order": self.order + 1,
        }
        text = event.get("text")
        if text is not None:
            message["text"] = text
            size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        else:
            message["bytes"] = event.get("bytes") or b""
            size = len(message["bytes"])
        return self._judge(size) or await self._send(message)

    def _judge(self, size: int) -> int | None:
        """Return the code to close the socket with because of a frame, or None."""
        options = self._process.options
        if size > options.max_frame_bytes:
            return 1009
        if options.max_frames_per_s is not None:
            second = int(self._process.loop.time())
            if second != self._second:
                self._second, self._count = second, 0
            self._count += 1
            if self._count > options.max_frames_per_s:
                return 1008
        return None

    async def _send(self, message: Message) -> int | None:
        # Counted as sent until it is known that it was not: if the host cancels this task now, the
        # disconnect must come after the frame.
        self.order += 1
        try:
            return await self._insist(message)
        except ChannelFull as error:
            self._process.refusals.note("websocket.receive", error, "1013")
            code = 1013
        except LayerUnavailable:
            code = 1013
        except MessageTooLarge:
            code = 1009
        except InvalidMessage:
            code = 1007
        self.order -= 1
        return code

    async def _insist(self, message: Message) -> int | None:
        """Send a message as soon as the layer is there; give up after `websocket_patience_s`.

        Returns None, or the code to close the socket with if it may have been sent, or not: sent
        again it could arrive twice, and going on without it would leave a gap.
        """
        loop = self._process.loop
        deadline, delay_s = None, _FIRST_DELAY_S
        while True:
            try:
                await self._process.owners.send_frame(self._client, message)
                return None
            except LayerUnavailable as error:
                # The owner of a socket knows a frame by its number, if it comes twice.
                if error.was_sent and self._process.owners.of(self._client) is None:
                    return 1012
                deadline = deadline or loop.time() + self._process.options.websocket_patience_s
                if loop.time() >= deadline or self.is_stopped:
                    raise
            self._hold_client()
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, _LAST_DELAY_S)

    def _hold_client(self) -> None:
        # Daphne reads on while nobody calls `receive`; other hosts stop by themselves.
        hold = getattr(self._receive, "hold", None)
        if hold is not None:
            hold()
