"""The frames of one WebSocket on their way to the workers."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from channels.exceptions import ChannelFull, InvalidMessage, LayerUnavailable, MessageTooLarge
from channels.layers.names import split_local
from channels.messages import CloseCode, WebsocketReceive
from channels.tracing import hooks as tracing
from interface_server.asgi import Event, Receive
from interface_server.frames.window import FrameWindow

if TYPE_CHECKING:
    from interface_server.process import ServerProcess

logger = logging.getLogger("interface_server")

#: What becomes of a socket whose frame the layer will never take.
_CODES = {MessageTooLarge: CloseCode.TOO_BIG, InvalidMessage: CloseCode.INVALID_PAYLOAD}


class FrameIntake:
    """Numbers the frames of a socket, and sends each as a `websocket.receive`, one after another.

    Frames that come while one is on its way wait in a window; when that is full, the client is not
    read from. A frame that finds no room, or no layer, is sent again in its turn: see Pacer.

    Args:
        process: the ServerProcess.
        receive: the ASGI callable; where it has a `hold()`, that keeps the client waiting.
        reply_channel, path: the socket's own, for its messages.
        on_failure: called with the code to close the socket with if a frame can't be sent.

    Attributes:
        order: the number of the last frame that was sent, or may have been.
    """

    __slots__ = (
        "_client",
        "_count",
        "_current",
        "_ended",
        "_is_stopped",
        "_on_failure",
        "_pacer",
        "_path",
        "_process",
        "_receive",
        "_reply_channel",
        "_room",
        "_second",
        "_window",
        "order",
    )

    def __init__(
        self,
        process: "ServerProcess",
        receive: Receive,
        reply_channel: str,
        path: str,
        on_failure: Callable[[int], None],
    ) -> None:
        self._process, self._pacer = process, process.pacer
        self._receive = receive
        self._reply_channel = reply_channel
        self._client = split_local(reply_channel)[1]
        self._path = path
        self._on_failure = on_failure
        self._second = 0
        self._count = 0
        #: The frame that is on its way, or waits for its turn.
        self._current: WebsocketReceive | None = None
        #: The frames behind it; None as long as there are none.
        self._window: FrameWindow[WebsocketReceive] | None = None
        self._room: asyncio.Future[None] | None = None
        self._ended: asyncio.Future[None] | None = None
        self._is_stopped = False
        self.order = 0

    # -- what comes in ------------------------------------------------------------------------

    def take(self, event: Event) -> int | None:
        """Send the frame of an ASGI event, or keep it until it can be sent; return None, or the
        code to close the socket with."""
        message: WebsocketReceive = {
            "reply_channel": self._reply_channel,
            "path": self._path,
            "order": self.order + 1,
        }
        text = event.get("text")
        if text is not None:
            message["text"] = text
            size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        else:
            data: bytes = event.get("bytes") or b""
            message["bytes"] = data
            size = len(data)
        code = self._judge(size)
        if code is not None:
            return code
        if tracing.tracer.is_on:
            tracing.tracer.carry(message, "websocket.receive")  # type: ignore[arg-type]
        if self._current is None:
            self._send(message)
        else:
            self._keep(message, size)
        return None

    def _judge(self, size: int) -> int | None:
        """Return the code to close the socket with because of a frame, or None."""
        options = self._process.options
        if size > options.max_frame_bytes:
            return CloseCode.TOO_BIG
        if options.max_frames_per_s is not None:
            second = int(self._process.loop.time())
            if second != self._second:
                self._second, self._count = second, 0
            self._count += 1
            if self._count > options.max_frames_per_s:
                return CloseCode.POLICY_VIOLATION
        return None

    def _keep(self, message: WebsocketReceive, size: int) -> None:
        window = self._window
        if window is None:
            options = self._process.options
            window = self._window = FrameWindow(
                options.window_frames,
                options.window_bytes,
                self._process.allowance,
                first=(self._current or message)["order"] + 1,
            )
        message["order"] = window.last_number + 1
        window.add(message, size)

    @property
    def has_room(self) -> bool:
        """Whether the client may be read on."""
        return self._window is None or self._window.has_room

    async def wait_for_room(self) -> None:
        """Hold the client until it may be read on, or the socket is closed."""
        # Daphne reads on while nobody calls `receive`; other hosts stop by themselves.
        hold = getattr(self._receive, "hold", None)
        if hold is not None:
            hold()
        while not (self.has_room or self._is_stopped):
            self._room = self._process.loop.create_future()
            await self._room

    # -- what goes out ------------------------------------------------------------------------

    def _send(self, message: WebsocketReceive) -> None:
        self._current = message
        if self._pacer.has_line:
            self._pacer.queue_up(self)
        else:
            self._try(message)

    def try_again(self) -> None:
        """Send the frame whose turn it is."""
        if self._current is not None:
            self._try(self._current)

    def _try(self, message: WebsocketReceive) -> None:
        # Counted as sent until it is known that it was not: if the host ends this socket now, the
        # disconnect must come after the frame.
        self.order = message["order"]
        self._pacer.begin(self)
        process = self._process
        if self._client in process.owners.by_client:
            sending = process.owners.send_frame(self._client, message)
        else:
            sending = process.link.send_frame(message)
        sending.add_done_callback(self._note_sent)

    def _note_sent(self, sending: asyncio.Future[None]) -> None:
        error = LayerUnavailable("the server stops") if sending.cancelled() else sending.exception()
        if error is None:
            self._pacer.note_taken(self)
            self._go_on()
        elif self._current is not None:  # or it has been given up
            self._note_failure(error)

    def _go_on(self) -> None:
        """Send the next frame, if there is one."""
        self._current = None
        if self._window is not None:
            due = self._window.take_due(1)
            if due:
                self._window.acknowledge(due[0].number)
                self._send(due[0].frame)
            else:
                self._window = None
            self._make_room()
        if self._ended is not None and self._current is None:
            self._end()

    def _note_failure(self, error: BaseException) -> None:
        was_sent = isinstance(error, LayerUnavailable) and error.was_sent
        if not was_sent:
            self.order -= 1
        if isinstance(error, (ChannelFull, LayerUnavailable)) and not was_sent:
            if self._is_stopped:
                self._pacer.note_taken(self)
                self._drop()
            else:
                self._pacer.note_refused(self, error)
            return
        self._pacer.note_taken(self)
        self._fail(CloseCode.SERVICE_RESTART if was_sent else _code_for(error))

    def give_up(self, error: Exception | None) -> None:
        """The frame has waited for too long: close the socket."""
        if error is not None:
            self._process.refusals.note("websocket.receive", error, "1013")
        self._fail(CloseCode.TRY_AGAIN_LATER)

    # -- the end ------------------------------------------------------------------------------

    def stop(self) -> None:
        """The socket is closed: what waits for room or for the layer is not sent any more."""
        self._is_stopped = True
        if self._pacer.leave(self):
            self._drop()
        self._make_room()

    async def finish(self) -> None:
        """Wait until all frames have been sent, or dropped."""
        if self._current is not None:
            self._ended = self._process.loop.create_future()
            await self._ended

    def _fail(self, code: int) -> None:
        self._drop()
        self._on_failure(code)

    def _drop(self) -> None:
        self._current = None
        if self._window is not None:
            self._window.clear()
            self._window = None
        self._make_room()
        self._end()

    def _make_room(self) -> None:
        if self._room is not None and (self.has_room or self._is_stopped):
            if not self._room.done():
                self._room.set_result(None)
            self._room = None

    def _end(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)


def _code_for(error: BaseException) -> int:
    for kind, code in _CODES.items():
        if isinstance(error, kind):
            return code
    logger.error("a frame could not be sent; its socket is closed with 1011", exc_info=error)
    return CloseCode.INTERNAL_ERROR
