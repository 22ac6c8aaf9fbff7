"""`AsgiRequest`: an `http.request` message as a Django request, its body read as it comes."""

from __future__ import annotations

import contextlib
import functools
import io
import shutil
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http.request import UnreadablePostError
from django.utils.functional import cached_property

from channels.exceptions import (
    ChannelsError,
    RequestAborted,
    RequestBodyExpired,
    RequestTimeout,
    ResponseLater,
)
from channels.requests.head import QueryString, list_headers

if TYPE_CHECKING:
    from channels.layers.contract import Reader
    from channels.message import Message
    from channels.messages import Content


#: What of a body that is read at once is kept in memory; beyond it, in a temporary file.
SPOOL_BYTES = 1024 * 1024


class AsgiRequest(ASGIRequest):
    """A Django request made of an `http.request` message (or one like it, as `websocket.connect`).

    Attributes:
        message: the Message.
        reply_channel: the Channel that the response goes to.
        body_receive_timeout: seconds for which a slow client may send nothing of its body; then
            reading it raises RequestTimeout. Default 60.

    Made by a consumer, it reads the whole body at once, into a temporary file if it is large, as
    1.x did: it raises RequestTimeout or RequestAborted if that does not come. For a view it is read
    as the view asks for it. Raises UnicodeDecodeError if the query string is not UTF-8.
    """

    ResponseLater = ResponseLater

    body_receive_timeout = 60

    #: Whether a view has raised ResponseLater: somebody else answers.
    is_response_later = False

    #: Whether the body is read only when it is asked for.
    _is_for_view = False

    @classmethod
    def for_view(cls, message: Message) -> AsgiRequest:
        """Return the request of `message`, whose body is read as it comes."""
        request = cls.__new__(cls)
        request._is_for_view = True
        request.__init__(message)  # type: ignore[misc]
        return request

    def __init__(self, message: Message) -> None:
        content = message.content
        self.message = message
        self.reply_channel = message.reply_channel
        self._post_parse_error = False
        self._read_started = False
        self.resolver_match = None
        self.method = content.get("method", "GET").upper()
        self.script_name = get_script_name(content)
        self.path, self.path_info = _split_path(content["path"], self.script_name)
        self.META = self._make_meta(content)
        if "CONTENT_TYPE" in self.META:
            self._set_content_type_params(self.META)  # type: ignore[attr-defined]
        else:
            self.content_type, self.content_params = "", {}
        self._stream: Any = self._open_body(content)

    def _make_meta(self, content: Mapping[str, Any]) -> dict[str, Any]:
        query_string = content.get("query_string") or ""
        if isinstance(query_string, QueryString):
            query_string = query_string.to_bytes()
        if isinstance(query_string, bytes):
            query_string = query_string.decode()
        meta: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "QUERY_STRING": query_string,
            "SCRIPT_NAME": self.script_name,
            "PATH_INFO": self.path_info,
            "SERVER_NAME": "unknown",
            "SERVER_PORT": "0",
            # Libraries written for WSGI ask for these.
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
        }
        client, server = content.get("client"), content.get("server")
        if client:
            meta["REMOTE_ADDR"] = meta["REMOTE_HOST"] = client[0]
            meta["REMOTE_PORT"] = client[1]
        if server and server[1] is not None:  # a Unix socket has no port
            meta["SERVER_NAME"] = server[0]
            meta["SERVER_PORT"] = str(server[1])
        for name, value in list_headers(content):
            key = _meta_key(name)
            if key is None:
                continue
            text = value.decode("latin1")
            if key in meta:
                text = f"{meta[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
            meta[key] = text
        return meta

    def _open_body(self, content: Mapping[str, Any]) -> Any:
        body = content.get("body") or b""
        body_channel = content.get("body_channel")
        length = self.META.get("CONTENT_LENGTH")
        if not body_channel:
            if body and not length:  # the client sent it in chunks; by now its length is known
                self.META["CONTENT_LENGTH"] = str(len(body))
            return io.BytesIO(body)
        self._body_stream = BodyStream(
            body,
            functools.partial(self.message.channel_layer.open_reader, [body_channel]),
            length_bytes=int(length) if length and length.isdecimal() else None,
            timeout_s=self.body_receive_timeout,
        )
        stream = io.BufferedReader(self._body_stream, BodyStream.BUFFER_BYTES)
        if self._is_for_view:
            return stream
        whole = _read_whole(stream)
        weakref.finalize(self, whole.close)
        return whole

    @property
    def body_failure(self) -> ChannelsError | None:
        """What went wrong while the body was read: a RequestTimeout, a RequestAborted, a
        RequestBodyExpired, or None.
        """
        stream: BodyStream | None = self.__dict__.get("_body_stream")
        return stream.failure if stream is not None else None

    def parse_file_upload(self, META: Mapping[str, Any], post_data: Any) -> Any:
        # Django takes a body of unknown length for an empty one; told that it may be huge, it
        # keeps files on disk.
        if not META.get("CONTENT_LENGTH"):
            META = {**META, "CONTENT_LENGTH": str(sys.maxsize)}
        return super().parse_file_upload(META, post_data)

    @cached_property
    def scope(self) -> Content:  # type: ignore[override]
        """The message as an ASGI scope, for libraries that look into one."""
        return {"type": "http", **self.message.content}

    def _get_scheme(self) -> str:
        scheme: str = self.message.content.get("scheme") or "http"
        return scheme


def _read_whole(stream: io.BufferedReader[BodyStream]) -> Any:
    whole = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  (who gets it closes it)
    try:
        with contextlib.closing(stream):
            shutil.copyfileobj(stream, whole)
    except BaseException:
        whole.close()
        raise
    whole.seek(0)
    return whole


class _BodyTimeout(RequestTimeout, UnreadablePostError):
    """Both what Channels 1.x names it, and what Django's own code handles."""


class _BodyAborted(RequestAborted, UnreadablePostError):
    """As above."""


class BodyStream(io.RawIOBase):
    """A request body that comes in parts over its own channel; holds one part at a time.

    Args:
        first: the first part, in bytes.
        open_reader: makes the Reader of the body's channel, when more than `first` is wanted.
        length_bytes: the length that the client announced, or None.
        timeout_s: seconds to wait for a part before the client counts as too slow.
    """

    #: What is read ahead for those who read by lines or in small pieces.
    BUFFER_BYTES = 64 * 1024

    def __init__(
        self,
        first: bytes,
        open_reader: Callable[[], Reader],
        *,
        length_bytes: int | None,
        timeout_s: float,
    ) -> None:
        super().__init__()
        self.failure: ChannelsError | None = None
        self._part = memoryview(first)
        self._open_reader = open_reader
        self._reader: Reader | None = None
        self._is_complete = False
        self._received_bytes = len(first)
        self._length_bytes = length_bytes
        self._timeout_s = timeout_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._part and not self._is_complete:
            if self.failure is not None:
                raise self.failure
            try:
                self._part = memoryview(self._next_part())
            except ChannelsError as error:
                self.failure = error
                raise
        size = min(len(buffer), len(self._part))
        buffer[:size] = self._part[:size]
        self._part = self._part[size:]
        return size

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        super().close()

    def _next_part(self) -> bytes:
        message = self._receive()
        self._check_whole(message.get("offset"))
        if message.get("closed"):
            raise _BodyAborted("the client has gone away in the middle of its request")
        part: bytes = message.get("content") or b""
        self._received_bytes += len(part)
        self._is_complete = not message.get("more_content")
        if self._is_complete:
            self._check_whole(self._length_bytes)
        return part

    def _check_whole(self, expected_bytes: int | None) -> None:
        """Raise if less of the body has come than what, if known, should have."""
        if expected_bytes is not None and expected_bytes > self._received_bytes:
            # Not an UnreadablePostError, which sites leave out of their logs as the client's fault.
            raise RequestBodyExpired(
                f"{expected_bytes - self._received_bytes} bytes of the request body are missing "
                f"after the first {self._received_bytes}: they expired in the channel layer before "
                "the view read them; read the body sooner, add workers, or raise the expiry of "
                "'http.request.body?*' in channel_expiry"
            )

    def _receive(self) -> Content:
        if self._reader is None:
            self._reader = self._open_reader()
        deadline = time.monotonic() + self._timeout_s
        while (left_s := deadline - time.monotonic()) > 0:
            _, delivery = self._reader.take(block_s=left_s)
            if delivery is not None:
                return delivery.content
        raise _BodyTimeout(f"nothing of the request body has come for {self._timeout_s} s")


def get_script_name(content: Mapping[str, Any]) -> str:
    """Return what URLs of this site begin with: FORCE_SCRIPT_NAME, or the message's root_path."""
    forced: str | None = settings.FORCE_SCRIPT_NAME
    if forced is not None:
        return forced
    root_path: str = content.get("root_path") or ""
    return root_path


def _split_path(path: str, script_name: str) -> tuple[str, str]:
    """Return (whole path, path below `script_name`), whether or not `path` begins with that."""
    root = script_name.rstrip("/")
    if not root:
        return path, path
    below = path[len(root) :] if path == root or path.startswith(f"{root}/") else path
    below = below or "/"
    return root + below, below


@functools.lru_cache(maxsize=1024)
def _meta_key(name: bytes) -> str | None:
    """Return the key in META of a header; None for one that could pass for another."""
    text = name.decode("latin1")
    if "_" in text:
        return None
    key = text.upper().replace("-", "_")
    return key if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{key}"
