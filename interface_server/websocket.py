"""One WebSocket: its handshake, its frames in, its frames out, its end."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from channels.exceptions import ChannelFull, InvalidMessage, LayerUnavailable, MessageTooLarge
from channels.layers.names import WEBSOCKET_SEND, reply_channel_name
from channels.messages import CloseCode, Content
from channels.metrics import hooks
from channels.tracing import hooks as tracing
from interface_server.asgi import Event, Headers, Receive, Scope, Send
from interface_server.deadlines import Interruption
from interface_server.frames.intake import FrameIntake
from interface_server.frames.writer import FrameWriter
from interface_server.replies import Reply
from interface_server.scopes import ScopeHead, connection_keys
from interface_server.socket_state import CONNECTING, OPEN, SocketEvent, next_state

if TYPE_CHECKING:
    from interface_server.process import ServerProcess

logger = logging.getLogger("interface_server")

#: Why a handshake is refused, as the metrics tell it, by status.
_REASONS = {400: "invalid message", 429: "too many", 431: "head too large", 503: "stopping"}
#: How long a host server's task waits for its `websocket.disconnect` to go out. It goes out in any
#: case; but a host that ends without telling waits for its tasks at most.
_DISCONNECT_WAIT_S = 5.0


class Socket:
    """A WebSocket from its handshake to its `websocket.disconnect`.

    `run` follows the client; replies come through `deliver`, in the event loop, and never wait.
    """

    __slots__ = (
        "_address",
        "_answered",
        "_close_code",
        "_intake",
        "_is_answered",
        "_interruption",
        "_is_over",
        "_is_waiting",
        "_writer",
        "_process",
        "_reason",
        "_receive",
        "_scope",
        "_send",
        "_state",
        "_timer",
        "client",
        "reply_channel",
    )

    def __init__(
        self, process: "ServerProcess", scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._process = process
        self._scope = scope
        self._receive = receive
        self._send = send
        self._state = CONNECTING
        self._close_code: int | None = None
        self._address: str | None = None
        self._answered: asyncio.Future[None] | None = None
        self._is_answered = False
        self._is_over = False
        #: Why the handshake is refused, if its status does not say.
        self._reason = ""
        self._is_waiting = False
        self._timer: asyncio.TimerHandle | None = None
        self._interruption: Interruption | None = None
        self._writer = FrameWriter(process.loop, send, process.options)
        self.client = process.dispatcher.new_client()
        self.reply_channel = reply_channel_name(WEBSOCKET_SEND, process.link.server_id, self.client)
        self._intake = FrameIntake(process, receive, self.reply_channel, scope["path"], self.close)

    # -- the story of a socket ----------------------------------------------------------------

    async def run(self) -> None:
        """Serve the socket. Returns once its `websocket.disconnect` is sent, or well on its way."""
        if (await self._receive())["type"] != "websocket.connect":
            return
        interruption = self._interruption = Interruption(asyncio.current_task())
        self._log("WSCONNECTING")
        status = await self._open()
        if status is not None:
            await self._turn_away(status)
            return
        code: object = 1006
        try:
            code = await self._pass_frames()
        except asyncio.CancelledError:
            if not interruption.catch():
                code = self._leave_in_a_hurry()
                raise
        except OSError:  # what a host server raises when the connection is closed
            pass
        finally:
            await self._leave(code)

    async def _turn_away(self, status: int) -> None:
        """Refuse a handshake that no worker has heard of."""
        hooks.meter.socket_refused(self._reason or _REASONS.get(status, "other"))
        self._unregister()
        if self._state is CONNECTING:
            self._log("WSREJECT")
            with contextlib.suppress(OSError):
                for event in self._refusal(status):
                    await self._send(event)

    async def _open(self) -> int | None:
        """Send the `websocket.connect`; return None, or the status to refuse the handshake with."""
        head = ScopeHead(self._scope)
        message = connection_keys(self._scope, head, self.reply_channel, self._process.proxy)
        message["order"] = 0
        if tracing.tracer.is_on:
            tracing.tracer.carry(message, "websocket.connect")
        status = self._judge(head, message)
        if status is not None:
            return status
        self._register()
        opening = self._process.loop.create_task(
            self._process.link.open_socket(self.client, message)
        )
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            self._unregister()
            self._process.spawn(self._undo(opening))
            raise
        except ChannelFull as error:
            self._process.refusals.note("websocket.connect", error, "503")
            self._reason = "channel full"
            return 503
        except LayerUnavailable as error:
            self._reason = "engine away"
            if error.was_sent:  # or it may have been: a worker may hear of the socket yet
                self._process.spawn(self._send_disconnect(1006))
            return 503
        except MessageTooLarge:
            return 431
        except InvalidMessage:
            return 400
        return None

    def _judge(self, head: ScopeHead, message: Content) -> int | None:
        """Return the status to refuse the handshake with at once, or None."""
        options = self._process.options
        if self._process.is_stopping:
            return 503
        if head.size > options.max_header_bytes:
            return 431
        limit = options.max_sockets_per_address
        if limit is not None and message["client"]:
            if self._process.addresses[message["client"][0]] >= limit:
                return 429
            self._address = message["client"][0]
        return None

    def _register(self) -> None:
        process = self._process
        process.sockets[self.client] = self
        if self._address is not None:
            process.addresses[self._address] += 1
        self._set_timer(process.options.websocket_connect_timeout_s, self._time_out_handshake)

    def _unregister(self) -> None:
        process = self._process
        if process.sockets.pop(self.client, None) is not None and self._address is not None:
            process.addresses[self._address] -= 1
            if not process.addresses[self._address]:
                del process.addresses[self._address]
        self._set_timer(None, self._be_over)

    async def _undo(self, opening: asyncio.Task[None]) -> None:
        """The host has given up on a socket whose `websocket.connect` was just being sent."""
        try:
            await opening
        except Exception as error:
            if not getattr(error, "was_sent", False):
                return
        await self._send_disconnect(1006)

    # -- frames in ----------------------------------------------------------------------------

    async def _pass_frames(self) -> object:
        """Pass frames on until the client leaves; return its close code."""
        while not self._is_over:
            self._is_waiting = True
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                return event.get("code")
            if self._state is CONNECTING:
                self._answered = self._process.loop.create_future()
                await self._answered
            self._is_waiting = False
            if self._state is OPEN:
                code = self._intake.take(event)
                if code is not None:
                    self.close(code)
                elif not self._intake.has_room:
                    await self._intake.wait_for_room()
        return None

    # -- frames out ---------------------------------------------------------------------------

    def deliver(self, reply: Reply) -> None:
        """Do what a Reply asks for. Never waits."""
        if self._state is CONNECTING:
            self._answer(reply)
        if self._state is not OPEN:
            return
        if reply.event is not None and not self._writer.put(reply.event, reply.size):
            self._overflow()
        elif reply.close is not None:
            self.close(reply.close, reply.reason)

    @property
    def is_connecting(self) -> bool:
        """Whether the handshake has not been answered yet."""
        return self._state is CONNECTING

    def _answer(self, reply: Reply) -> None:
        self._is_answered = True
        if reply.accept or (reply.accept is None and reply.event is not None):
            self._accept(reply.subprotocol, reply.headers)
        elif reply.accept is False or reply.close is not None:
            self._refuse(403)

    def _accept(self, subprotocol: str | None, headers: Headers | None) -> None:
        self._state = next_state(self._state, SocketEvent.ACCEPT)
        hooks.meter.socket_opened()
        self._process.link.note_accepted(self.client)
        life_s = self._process.options.websocket_timeout_s
        self._set_timer(life_s, lambda: self.close(CloseCode.NORMAL))
        event: Event = {
            "type": "websocket.accept",
            "subprotocol": self._choose_subprotocol(subprotocol),
        }
        if headers:
            event["headers"] = headers
        self._writer.put(event, 0)
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)
        self._log("WSCONNECT")

    def _choose_subprotocol(self, wished: str | None) -> str | None:
        offered = self._scope.get("subprotocols") or ()
        if wished is None:
            known = self._process.options.websocket_protocols
            return next((offer for offer in offered if offer in known), None)
        if wished in offered:
            return wished
        logger.error(
            "%s was accepted with subprotocol %r, which its client did not offer (%s); using none",
            self.reply_channel,
            wished,
            ", ".join(offered) or "it offered none",
        )
        return None

    def _refuse(self, status: int) -> None:
        self._state = next_state(self._state, SocketEvent.REFUSE)
        hooks.meter.socket_refused("denied" if status == 403 else "no answer")
        self._close_code = CloseCode.BROKEN
        self._log("WSREJECT")
        self._end_with(self._refusal(status))

    def _refusal(self, status: int) -> list[Event]:
        return _refusal(self._scope, status, self._process.options.retry_after_s)

    def _time_out_handshake(self) -> None:
        self._process.spawn(self._tell_why_it_timed_out())
        self._refuse(503)

    async def _tell_why_it_timed_out(self) -> None:
        if await self._process.takers.are_there() is False:
            why = "no worker runs (start manage.py runworker)"
        else:
            why = (
                'its consumer has not answered; it has to send {"accept": True}, {"accept": False} '
                "or data (or every worker was busy)"
            )
        logger.warning(
            "a handshake of %s (%s) gets 503 after %.0f s: %s",
            self._scope["path"],
            self.reply_channel,
            self._process.options.websocket_connect_timeout_s,
            why,
        )

    # -- the end ------------------------------------------------------------------------------

    def close(self, code: int, reason: str | None = None) -> None:
        """Close the socket with `code`, after what waits to be written; refuse it if it is not
        open yet. Does nothing if it is on its way out."""
        if self._state is CONNECTING:
            self._refuse(503)
        elif self._state is OPEN:
            self._state = next_state(self._state, SocketEvent.CLOSE)
            self._close_code = code
            event: Event = {"type": "websocket.close", "code": code}
            if reason:
                event["reason"] = reason
            self._end_with([event])

    def _overflow(self) -> None:
        """The client takes less than is sent to it: its queue is full."""
        self._process.slow_sockets += 1
        logger.warning(
            "closing %s (%s) with 1013, its client is too slow: %d messages to it are dropped",
            self.reply_channel,
            self._scope["path"],
            self._writer.clear() + 1,
        )
        self.close(CloseCode.TRY_AGAIN_LATER)

    def _end_with(self, events: list[Event]) -> None:
        self._intake.stop()
        self._set_timer(self._process.options.websocket_close_timeout_s, self._be_over)
        self._writer.put_last(events, self._be_over)

    def _be_over(self) -> None:
        """Nothing more goes out: let `run` come to its end."""
        self._is_over = True
        if self._is_waiting and self._interruption is not None:
            self._interruption.interrupt()

    def _leave_in_a_hurry(self) -> int:
        """The host ends this task; tell the client if it is still there. Returns the code."""
        self._intake.stop()
        if self._state is not OPEN:
            return 1006
        self._process.spawn(self._try_to_close(CloseCode.GOING_AWAY))
        return 1001

    async def _try_to_close(self, code: int) -> None:
        with contextlib.suppress(Exception):  # as likely as not the connection is gone
            await self._send({"type": "websocket.close", "code": code})

    async def _leave(self, code: object) -> None:
        self._is_waiting = False
        was_open = self._state is OPEN or self._close_code not in (None, 1006)
        self._state = next_state(self._state, SocketEvent.LEAVE)
        self._unregister()
        self._writer.clear()
        told = self._close_code or (int(code) if isinstance(code, int) else 1005)
        if was_open:
            hooks.meter.socket_closed(told)
            self._log("WSDISCONNECT")
        sending = self._process.spawn(self._send_disconnect(told))
        await asyncio.wait([sending], timeout=_DISCONNECT_WAIT_S)

    async def _send_disconnect(self, code: int) -> None:
        await self._intake.finish()
        message = {
            "reply_channel": self.reply_channel,
            "code": int(code),
            "path": self._scope["path"],
            "order": self._intake.order + 1,
        }
        if not self._is_answered:
            message["answered"] = False
        await self._process.owners.close_socket(self.client, message)

    # -- odds and ends ------------------------------------------------------------------------

    def _set_timer(self, seconds: float | None, callback: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            self._timer = self._process.loop.call_later(seconds, callback)

    def _log(self, action: str) -> None:
        if self._process.options.access_log is not None:
            self._process.options.access_log.write_socket(self._scope, action)


def _refusal(scope: Scope, status: int, retry_after_s: int) -> list[Event]:
    """Return the ASGI events that refuse a handshake."""
    if status == 403 or "websocket.http.response" not in (scope.get("extensions") or {}):
        return [{"type": "websocket.close", "code": 1000}]  # which every host turns into 403
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    if status in (429, 503):
        headers.append((b"retry-after", b"%d" % retry_after_s))
    return [
        {"type": "websocket.http.response.start", "status": status, "headers": headers},
        {"type": "websocket.http.response.body", "body": b""},
    ]
