"""Django's views behind `http.request`: the message becomes a request, the response messages."""

from __future__ import annotations

import contextlib
import functools
import logging
import time
import traceback
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core import signals
from django.core.handlers.base import BaseHandler
from django.http import (
    FileResponse,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseServerError,
)
from django.http.request import UnreadablePostError
from django.urls import set_script_prefix

from channels.exceptions import (
    ChannelFull,
    ChannelsError,
    ClientGone,
    LayerUnavailable,
    RequestAborted,
    RequestTimeout,
    ResponseLater,
)
from channels.layers.backoff import Backoff
from channels.requests.async_parts import iterate_async
from channels.requests.request import AsgiRequest, get_script_name

if TYPE_CHECKING:
    from channels.channel import Channel
    from channels.message import Message
    from channels.messages import Content

__all__ = ["AsgiHandler", "AsgiRequest", "ViewConsumer"]

logger = logging.getLogger("django.request")

#: The last message of a response that failed half-way: the client must not take it for a whole one.
CUT_OFF = {"content": b"", "more_content": False, "closed": True}


class AsgiHandler(BaseHandler):
    """Runs the middleware and the view for a message, and yields the messages of the response.

    Nothing is yielded if the view raised ResponseLater, or if the client has gone away.
    """

    request_class = AsgiRequest

    #: The largest piece of a response body, in bytes: well below what a channel layer carries.
    chunk_size = 256 * 1024

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.load_middleware()

    def __call__(self, message: Message) -> Generator[Content, None, None]:
        set_script_prefix(get_script_name(message.content))
        signals.request_started.send(sender=self.__class__, scope=message.content, message=message)
        request, response, error = self._answer(message)
        response._handler_class = self.__class__
        try:
            if not _is_dropped(request):
                yield from self._encode_for(request, response)
        finally:
            response.close()
        if error is not None:
            raise error  # the client has had its 500; the log is to have the cause

    def _answer(self, message: Message) -> tuple[AsgiRequest | None, Any, Exception | None]:
        """Return (request or None, response, the error that even Django's handlers let through)."""
        try:
            request = self.request_class.for_view(message)
        except UnicodeDecodeError:
            logger.warning("Bad Request (UnicodeDecodeError)", exc_info=True)
            return None, HttpResponseBadRequest(), None
        response: Any
        try:
            response = self.get_response(request)
        except Exception as error:
            response = self._make_last_resort(error)
            response._resource_closers.append(request.close)
            return request, response, error
        if isinstance(request.body_failure, RequestTimeout) and response.status_code >= 400:
            closers, response = response._resource_closers, _make_timeout_response()
            response._resource_closers.extend(closers)
        return request, response, None

    def process_exception_by_middleware(self, exception: Exception, request: Any) -> Any:
        """Turn what a view raised into a response, if it is ours or a middleware knows it."""
        if isinstance(exception, ResponseLater):
            request.is_response_later = True
            return HttpResponse()  # goes back through the middleware, but not to the client
        unreadable = (UnreadablePostError, RequestTimeout, RequestAborted)
        if request.body_failure is not None and isinstance(exception, unreadable):
            return _make_timeout_response()
        return super().process_exception_by_middleware(exception, request)

    @staticmethod
    def _make_last_resort(error: Exception) -> HttpResponse:
        text = "Internal Server Error"
        if settings.DEBUG:
            text = "".join(traceback.format_exception(error))
        return HttpResponseServerError(text, content_type="text/plain")

    def _encode_for(self, request: AsgiRequest | None, response: Any) -> Iterator[Content]:
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if request is not None and request.method == "HEAD":
            yield {**self.encode_head(response), "content": b"", "more_content": False}
        else:
            yield from self.encode_response(response)

    @classmethod
    def encode_response(cls, response: Any) -> Iterator[Content]:
        """Yield the messages of a Django response (any kind), for its reply channel, in order."""
        head = cls.encode_head(response)
        if not response.streaming:
            for chunk, is_last in cls.chunk_bytes(response.content):
                yield {**head, "content": chunk, "more_content": not is_last}
                head = {}
            return
        parts = response
        if getattr(response, "is_async", False):
            parts = iterate_async(response)
            # It may be long until the first part is there.
            yield {**head, "content": b"", "more_content": True}
            head = {}
        for part in parts:
            for chunk, _ in cls.chunk_bytes(part):
                yield {**head, "content": chunk, "more_content": True}
                head = {}
        yield {**head, "content": b"", "more_content": False}

    @staticmethod
    def encode_head(response: Any) -> Content:
        """Return the keys of the first message: status, and headers as [name, value] in bytes.

        The names are as the view has them; the interface server makes them lower case.
        """
        headers = [[_wire_name(name), value.encode("latin1")] for name, value in response.items()]
        headers += [
            [b"Set-Cookie", cookie.output(header="").strip().encode("ascii")]
            for cookie in response.cookies.values()
        ]
        return {"status": response.status_code, "headers": headers}

    @classmethod
    def chunk_bytes(cls, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield (piece of `data`, whether it is the last one); one empty piece if it is empty."""
        size = cls.chunk_size
        if len(data) <= size:
            yield data, True
            return
        for start in range(0, len(data), size):
            yield data[start : start + size], start + size >= len(data)


class ViewConsumer:
    """The consumer of `http.request` that runs Django's views.

    A response in one message goes out with what else the consumer sends. A longer one goes out part
    by part, each when it is there; if the reply channel is full, the response waits for the client.
    """

    handler_class = AsgiHandler

    #: Seconds for which a client may take nothing of its response before it is given up.
    stall_timeout_s = 60.0
    #: Seconds between two tries while the reply channel is full: the first, and the longest, pause.
    retry_pauses_s = (0.005, 0.1)
    #: Seconds between two looks at whether the client's server is still there, while it is full.
    life_check_s = 1.0

    def __init__(self) -> None:
        self.handler = self.handler_class()

    def __call__(self, message: Message) -> None:
        replies = self.handler(message)
        with contextlib.closing(replies):
            first = next(replies, None)
            if first is None:
                return
            if not first.get("more_content"):
                message.reply_channel.send(first)
                next(replies, None)  # closes the response
                return
            self._send_parts(message, first, replies)

    def _send_parts(
        self, message: Message, part: Content | None, replies: Iterator[Content]
    ) -> None:
        try:
            while part is not None:
                self._send_part(message.reply_channel, part)
                part = next(replies, None)
        except ClientGone:
            logger.debug("The client of %s has gone; its response ends here", message.get("path"))
        except ChannelFull:
            logger.warning(
                "The client of %s has taken nothing for %s s; its response ends here",
                message.get("path"),
                self.stall_timeout_s,
            )
        except Exception:
            with contextlib.suppress(ChannelsError):
                self._send_part(message.reply_channel, CUT_OFF)
            raise

    def _send_part(self, channel: Channel, part: Content) -> None:
        backoff = Backoff(*self.retry_pauses_s)
        begun = looked = time.monotonic()
        while True:
            try:
                return channel.send(part, immediately=True)
            except ChannelFull:
                now = time.monotonic()
                if now - begun >= self.stall_timeout_s:
                    raise
            if now - looked >= self.life_check_s:
                looked = now
                self._check_read(channel)
            time.sleep(backoff.next_s())

    @staticmethod
    def _check_read(channel: Channel) -> None:
        """Raise ClientGone if the server that has the client shows no sign of life."""
        with contextlib.suppress(LayerUnavailable):
            if not channel.channel_layer.is_read(channel.name):
                raise ClientGone(channel.name)


@functools.lru_cache(maxsize=1024)
def _wire_name(name: str) -> bytes:
    return name.encode("ascii")


def _is_dropped(request: AsgiRequest | None) -> bool:
    if request is None:
        return False
    failure = request.body_failure
    has_left = isinstance(failure, RequestAborted) and not isinstance(failure, RequestTimeout)
    return request.is_response_later or has_left


def _make_timeout_response() -> HttpResponse:
    text = "408 Request Timeout (the upload is too slow)"
    return HttpResponse(text, status=408, content_type="text/plain")
