"""One HTTP request: a message to the workers, and their replies as its response."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from channels.exceptions import ChannelFull, InvalidMessage, LayerUnavailable, MessageTooLarge
from channels.layers.names import HTTP_RESPONSE, reply_channel_name
from channels.messages import Content
from channels.metrics import hooks
from channels.tracing import hooks as tracing
from interface_server.asgi import Receive, Scope, Send
from interface_server.deadlines import Deadline, Interruption
from interface_server.http_body import BodyChannel, BodyReader, BodyTooLarge, ClientLeft
from interface_server.http_response import (
    Response,
    check_length,
    has_body,
    is_cut_off,
    read_content,
    read_start,
    status_of_failure,
)
from interface_server.replies import BadReply, log_bad_reply
from interface_server.reply_queue import NoReply, ReplyQueue
from interface_server.scopes import ScopeHead, connection_keys

if TYPE_CHECKING:
    from interface_server.process import ServerProcess

#: Whether a client has left is asked only once its reply has been this long in coming: most replies
#: are faster, and asking takes a task.
_WATCH_AFTER_S = 0.02

#: What the client gets if its exchange ends before the response has begun.
_STATUSES = {
    NoReply.STALLED: 408,
    NoReply.TOO_LARGE: 413,
    NoReply.TIMED_OUT: 503,
    NoReply.LOST: 503,
}
#: Why, as the metrics tell it.
_REASONS = {
    NoReply.STALLED: "client stalled",
    NoReply.TOO_LARGE: "body too large",
    NoReply.TIMED_OUT: "no answer",
    NoReply.LOST: "engine lost it",
}
#: The same for requests whose head is enough to refuse them, and for all others, by status.
_HEAD_REASONS = {431: "head too large", 413: "body too large", 503: "stopping"}
_OTHER_REASONS = {
    400: "invalid message",
    413: "body too large",
    431: "head too large",
    500: "bad reply",
}


class Exchange:
    """A request and its response: `run` tells the story, from the head to the last byte."""

    __slots__ = (
        "_deadline",
        "_end_teller",
        "_head",
        "_interruption",
        "_is_passed_on",
        "_options",
        "_process",
        "_reason",
        "_reader",
        "_receive",
        "_replies",
        "_response",
        "_scope",
        "_task",
        "_timer",
        "_watcher",
        "client",
        "reply_channel",
    )

    def __init__(
        self, process: "ServerProcess", scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._process = process
        self._options = process.options
        self._scope = scope
        self._receive = receive
        self._head = ScopeHead(scope)
        self._response = Response(scope, send, process.options)
        self.client = process.dispatcher.new_client()
        self.reply_channel = reply_channel_name(HTTP_RESPONSE, process.link.server_id, self.client)
        self._replies = ReplyQueue(process, self.client)
        self._is_passed_on = False
        #: Why it is refused, if its status does not say.
        self._reason = ""
        self._reader: BodyReader | None = None
        self._deadline: Deadline | None = None
        self._task = asyncio.current_task(process.loop)
        #: Made with the deadline.
        self._interruption: Interruption | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._end_teller: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve the request. Returns when there is nothing left to do for it."""
        try:
            await self._serve()
        except asyncio.CancelledError:
            if self._interruption is None or not self._interruption.catch():
                self._tell_gone()
                raise
            await self._give_up(self._replies.outcome or NoReply.GONE)
        except OSError:  # what a host server raises when the connection is closed
            self._tell_gone()
        finally:
            self._close()

    async def _serve(self) -> None:
        status = self._judge_head()
        if status is not None:
            hooks.meter.request_refused(self._reason or _HEAD_REASONS[status])
            await self._response.refuse(status, self._receive if self._head.has_body else None)
            return
        try:
            body, channel = await self._read_body() if self._head.has_body else (b"", None)
        except ClientLeft:
            return
        except BodyTooLarge:
            await self._refuse(413)
            return
        status = await self._pass_on(body, channel)
        if status is not None:
            await self._refuse(status)
            return
        self._watch_later(channel)
        reply = await self._replies.next()
        if isinstance(reply, NoReply):
            await self._give_up(reply)
        else:
            self._process.request_room.note_answer()
            await self._respond(reply)

    # -- the request --------------------------------------------------------------------------

    def _judge_head(self) -> int | None:
        """Return the status to refuse the request with before its body is read, or None."""
        options = self._options
        if self._head.size > options.max_header_bytes:
            return 431
        limit = options.max_body_bytes
        if limit is not None and self._head.length is not None and self._head.length > limit:
            return 413
        if self._process.is_stopping:
            return 503
        refusal = self._process.request_room.refusal
        return None if refusal is None else self._note_full(refusal)

    def _note_full(self, refusal: ChannelFull) -> int:
        """Tell the operator; return the status for the client."""
        self._process.refusals.note("http.request", refusal, "503")
        self._reason = "channel full"
        return 503

    async def _read_body(self) -> tuple[bytes, BodyChannel | None]:
        """Return (body, None), or (b"", a BodyChannel) for a body that is too large for that."""
        options = self._options
        self._reader = BodyReader(self._receive, options.max_body_bytes)
        deadline = self._allow(options.http_stall_s)
        body = await self._reader.read(options.inline_body_bytes)
        deadline.cancel()
        if self._reader.is_complete:
            return body, None
        return b"", BodyChannel(self._process, self._reader, body)

    async def _pass_on(self, body: bytes, channel: BodyChannel | None) -> int | None:
        """Send the `http.request`; return None, or the status that says why it can't be sent."""
        message = connection_keys(self._scope, self._head, self.reply_channel, self._process.proxy)
        message["http_version"] = self._scope.get("http_version", "1.1")
        message["method"] = self._scope["method"]
        message["body"] = body
        if tracing.tracer.is_on:
            tracing.tracer.carry(message)
        if channel is not None:
            message["body_channel"] = channel.name
        self._process.reply_queues[self.client] = self._replies
        try:
            await self._process.link.send("http.request", message)
        except ChannelFull as error:
            self._process.request_room.note_full(error)
            return self._note_full(error)
        except LayerUnavailable:
            self._reason = "engine away"
            return 503
        except MessageTooLarge:
            return 413 if body else 431
        except InvalidMessage:
            return 400
        self._is_passed_on = True
        return None

    # -- while the reply is on its way --------------------------------------------------------

    def _watch_later(self, channel: BodyChannel | None) -> None:
        """See to it that a client that leaves is noticed, and that its body goes on its way."""
        if channel is None:
            self._timer = self._process.loop.call_later(_WATCH_AFTER_S, self._start_watching)
        else:
            self._start_watching(channel)

    def _start_watching(self, channel: BodyChannel | None = None) -> None:
        self._process.takers.note_slow()
        self._note_progress()
        self._watcher = self._process.loop.create_task(self._watch(channel))
        if channel is not None:
            self._end_teller = self._process.spawn(channel.tell_end())

    async def _watch(self, channel: BodyChannel | None) -> None:
        try:
            if channel is not None:
                await channel.pump(self._note_progress)
            while (await self._receive())["type"] != "http.disconnect":
                pass
            self._replies.end(NoReply.GONE)
        except ClientLeft:
            self._replies.end(NoReply.GONE)
        except BodyTooLarge:
            self._replies.end(NoReply.TOO_LARGE)
        except LayerUnavailable:
            self._replies.end(NoReply.LOST)
        except asyncio.TimeoutError:
            self._replies.end(NoReply.STALLED)
        except OSError:  # what a host server raises when the connection is closed
            self._replies.end(NoReply.GONE)

    def _note_progress(self) -> None:
        """The wait for the first reply begins, or begins again because the body comes along."""
        if not self._response.is_started:
            self._allow(self._options.http_timeout_s)

    def _allow(self, seconds: float | None) -> Deadline:
        """Give what happens next `seconds` from now (None: for ever)."""
        if self._deadline is None:
            self._interruption = Interruption(self._task)
            self._deadline = Deadline(self._process.loop, self._expire)
        self._deadline.allow(seconds)
        return self._deadline

    def _expire(self) -> None:
        if self._replies.is_awaited:
            self._replies.time_out()
            return
        # Not waiting for a worker, so for the client.
        self._replies.end(NoReply.GONE if self._response.is_started else NoReply.STALLED)
        if self._interruption is not None:
            self._interruption.interrupt()

    # -- the response -------------------------------------------------------------------------

    async def _respond(self, reply: Content) -> None:
        if is_cut_off(reply):
            await self._refuse(status_of_failure(reply))
            return
        method = self._scope["method"]
        try:
            start = read_start(reply)
            content, more = read_content(reply)
            if not more:
                check_length(start, len(content), method)
        except BadReply as error:
            self._complain(error, "the client gets 500")
            await self._refuse(500)
            return
        if not has_body(method, start.status):
            content = b""
            if more:
                more = False
                self._process.link.mark_gone(self.client)
        if self._reader is not None and not self._reader.is_complete:
            # What is left of the body would be read as the next request.
            start.headers.append((b"connection", b"close"))
        if self._deadline is not None:
            self._allow(self._options.http_stall_s)
        await self._response.start(start.status, start.headers)
        if more or len(content) > self._slice_bytes:
            await self._stream(content, more, start.length)
        else:
            await self._response.finish(content)

    async def _stream(self, content: bytes, more: bool, length: int | None) -> None:
        """Send `content` and what follows it; `length` is what Content-Length promised, or None."""
        while True:
            if length is not None and self._response.sent_bytes + len(content) > length:
                # The rest would be read by the client as the next response.
                self._complain(f"there is more content than content-length {length}", "it was cut")
                content, more = content[: length - self._response.sent_bytes], False
            content = await self._write_slices(content)
            if not more:
                break
            await self._write(content)
            self._allow(self._options.http_silence_s)
            reply = await self._replies.next()
            if isinstance(reply, NoReply):
                await self._give_up(reply)
                return
            if is_cut_off(reply):
                self._response.abort()
                return
            try:
                content, more = read_content(reply)
            except BadReply as error:
                self._complain(error, "its response was broken off")
                self._response.abort()
                return
        await self._finish_stream(content, length)

    async def _finish_stream(self, content: bytes, length: int | None) -> None:
        missing = 0 if length is None else length - self._response.sent_bytes - len(content)
        if missing > 0:
            self._complain(f"{missing} bytes are missing of content-length {length}", "broken off")
            self._response.abort()
            return
        self._allow(self._options.http_stall_s)
        await self._response.finish(content)

    @property
    def _slice_bytes(self) -> int:
        """What a client that is just fast enough takes in the time that it may take nothing."""
        return int(self._options.http_floor_bytes_per_s * self._options.http_stall_s)

    async def _write_slices(self, content: bytes) -> bytes:
        """Write `content` but for its last slice, which is returned."""
        size, start = self._slice_bytes, 0
        while len(content) - start > size:
            await self._write(content[start : start + size])
            start += size
        return content[start:] if start else content

    async def _write(self, content: bytes) -> None:
        if content:
            self._allow(self._options.http_stall_s)
            await self._response.write(content)

    # -- ends that nobody wished for ----------------------------------------------------------

    async def _give_up(self, outcome: NoReply) -> None:
        """End the exchange without what its consumer has to say, or will have."""
        self._tell_gone()
        if self._response.is_started or outcome is NoReply.GONE:
            self._response.abort()
        else:
            self._reason = _REASONS[outcome]
            await self._refuse(_STATUSES[outcome])

    async def _refuse(self, status: int) -> None:
        has_unread_body = self._reader is not None and not self._reader.is_complete
        if self._deadline is not None:
            self._deadline.cancel()
        hooks.meter.request_refused(self._reason or _OTHER_REASONS[status])
        await self._stop_watching()
        await self._response.refuse(status, self._receive if has_unread_body else None)

    def _complain(self, mistake: BadReply | str, consequence: str) -> None:
        log_bad_reply(mistake, f"{self.reply_channel} ({self._scope['path']})", consequence)
        self._process.link.mark_gone(self.client)

    def _tell_gone(self) -> None:
        """Tell the layer and the consumers, once, that nobody waits for the response any more."""
        if self._is_passed_on:
            self._is_passed_on = False
            self._process.link.mark_gone(self.client)
            self._process.spawn(self._send_disconnect(self._replies.departure_channel))

    async def _send_disconnect(self, channel: str) -> None:
        message = {
            "type": "http.disconnect",
            "reply_channel": self.reply_channel,
            "path": self._scope["path"],
        }
        with contextlib.suppress(ChannelFull, LayerUnavailable):
            await self._process.link.send(channel, message)

    async def _stop_watching(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])

    def _close(self) -> None:
        self._process.reply_queues.pop(self.client, None)
        self._replies.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._deadline is not None:
            self._deadline.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._end_teller is not None:
            self._end_teller.cancel()
