"""Several streams over one WebSocket.

A frame is JSON text, `{"stream": name, "payload": {...}}`, both ways.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder

from channels.channel import Group
from channels.consuming import strict_json
from channels.consuming.decorators import is_async_consumer, marks_of
from channels.exceptions import InvalidFrame, SendNotAvailableOnDemultiplexer
from channels.generic.base import runs_in_loop
from channels.generic.sockets import JsonWebsocketConsumer, ordering_problem
from channels.messages import CloseCode
from channels.utils import name_that_thing

if TYPE_CHECKING:
    from channels.channel import Channel
    from channels.message import Message
    from channels.messages import Content


class WebsocketMultiplexer:
    """Sends on one stream of a socket; a stream's consumer gets it as its `multiplexer` argument.

    Args:
        stream: the name of the stream.
        reply_channel: the Channel of the socket.
    """

    stream: str
    reply_channel: Channel

    def __init__(self, stream: str, reply_channel: Channel) -> None:
        self.stream = stream
        self.reply_channel = reply_channel

    def send(self, payload: Any) -> None:
        """Send `payload` to the socket, on this stream."""
        self.reply_channel.send(self.encode(self.stream, payload))

    @classmethod
    def encode_json(cls, content: Any) -> str:
        """Return `content` as JSON text; dates, UUIDs and decimals become strings."""
        return strict_json.dumps(content, DjangoJSONEncoder)

    @classmethod
    def encode(cls, stream: str | None, payload: Any) -> Content:
        """Return the message that carries `payload` on `stream`."""
        return {"text": cls.encode_json({"stream": stream, "payload": payload})}

    @classmethod
    def group_send(cls, name: str, stream: str, payload: Any, close: bool | int = False) -> None:
        """Send `payload` on `stream` to every socket of group `name`; `close` then closes them."""
        message = cls.encode(stream, payload)
        if close:
            message["close"] = True
        Group(name).send(message)


class WebsocketDemultiplexer(JsonWebsocketConsumer):
    """Hands the streams of one socket to a consumer each.

    Each consumer gets the socket's connect and disconnect and the frames of its own stream, with
    the payload as `text` and a `multiplexer` argument to answer with. A frame that is no
    multiplexed one closes the socket with 1007, and one of an unknown stream with 4004.

    Raises ValueError where the class is made if a stream asks for ordering of its own: set
    strict_ordering on the demultiplexer, which keeps every stream in order.
    """

    #: Stream name -> consumer: a consumer class, a binding's `consumer`, or a function.
    consumers: Mapping[str, Callable[..., Any]] = {}
    #: What makes the `multiplexer` argument.
    multiplexer_class: type[WebsocketMultiplexer] = WebsocketMultiplexer

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for consumer in cls.consumers.values():
            if _is_ordered(consumer):
                raise ValueError(ordering_problem(cls.__qualname__, name_that_thing(consumer)))

    @classmethod
    def _has_async_part(cls) -> bool:
        return super()._has_async_part() or any(map(is_async_consumer, cls.consumers.values()))

    @runs_in_loop
    def receive(self, content: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Hand a frame to the consumer of its stream."""
        stream, payload = self._open_frame(content)
        # A copy: a message that has to be retried must still have its envelope.
        message = copy.copy(self.message)
        message.content = {**message.content, "text": self.encode_json(payload)}
        return self._call_stream(stream, message, kwargs)

    def _open_frame(self, content: Any) -> tuple[Any, dict[str, Any]]:
        if not isinstance(content, dict) or not {"stream", "payload"} <= content.keys():
            problem = 'expected a frame {"stream": name, "payload": {...}}'
            raise self._refusal(CloseCode.INVALID_PAYLOAD, problem)
        stream, payload = content["stream"], content["payload"]
        if not isinstance(stream, (str, int)) or stream not in self.consumers:
            known = ", ".join(map(repr, self.consumers)) or "none"
            problem = f"stream {str(stream)[:100]!r} is not mapped (there are: {known})"
            raise self._refusal(CloseCode.UNKNOWN_STREAM, problem)
        if not isinstance(payload, dict):
            problem = f"stream {stream!r}: expected an object as payload, got {str(payload)[:99]!r}"
            raise self._refusal(CloseCode.INVALID_PAYLOAD, problem)
        return stream, payload

    def _refusal(self, code: int, problem: str) -> InvalidFrame:
        return InvalidFrame(code, f"{type(self).__qualname__}: {problem}")

    def connect(self, message: Message, **kwargs: Any) -> Any:
        """Accept the socket, and hand the connect to each stream's consumer."""
        message.reply_channel.send({"accept": True})
        calls = self._calls(message, kwargs)
        if self.is_async:
            return _await_in_turn(calls)
        for call in calls:
            call()

    def disconnect(self, message: Message, **kwargs: Any) -> Any:
        """Hand the disconnect to each stream's consumer, even if one of them fails."""
        calls = self._calls(message, kwargs)
        if self.is_async:
            return _await_all(calls)
        with contextlib.ExitStack() as stack:  # it calls all, the last one first
            for call in reversed(calls):
                stack.callback(call)

    def _calls(self, message: Message, kwargs: dict[str, Any]) -> list[Callable[[], Any]]:
        return [
            functools.partial(self._call_stream, stream, message, kwargs)
            for stream in self.consumers
        ]

    def _call_stream(self, stream: Any, message: Message, kwargs: dict[str, Any]) -> Any:
        multiplexer = self.multiplexer_class(stream, message.reply_channel)
        kwargs = {**kwargs, "multiplexer": multiplexer}
        return self.call_hook(self.consumers[stream], message, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> None:
        """Raise SendNotAvailableOnDemultiplexer: a frame needs its stream."""
        raise SendNotAvailableOnDemultiplexer(
            f"{type(self).__qualname__}.send() would send outside of the streams: use send() of a "
            "stream's `multiplexer` argument"
        )

    @classmethod
    def group_send(  # type: ignore[override]
        cls, name: str, stream: str, payload: Any, close: bool | int = False
    ) -> None:
        """Raise SendNotAvailableOnDemultiplexer: use WebsocketMultiplexer.group_send."""
        raise SendNotAvailableOnDemultiplexer(
            f"{cls.__qualname__}.group_send() is not available: use "
            "WebsocketMultiplexer.group_send(name, stream, payload)"
        )


async def _await_in_turn(calls: Iterable[Callable[[], Any]]) -> None:
    for call in calls:
        await call()


async def _await_all(calls: Sequence[Callable[[], Any]]) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for call in reversed(calls):
            stack.push_async_callback(call)


def _is_ordered(consumer: object) -> bool:
    if "enforce_ordering" in marks_of(consumer):
        return True
    # A consumer class, or the `consumer` of a binding class.
    owner = getattr(consumer, "__self__", consumer)
    return isinstance(owner, type) and bool(getattr(owner, "strict_ordering", False))
