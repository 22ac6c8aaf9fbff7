"""What a client is told when the consumer that should have answered it failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http.multipartparser import MultiPartParserError

from channels.handler import CUT_OFF
from channels.layers import operations as ops
from channels.message import pending_message_store

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer
    from channels.message import Message
    from channels.messages import Content


SERVER_ERROR: Content = {
    "status": 500,
    "headers": [[b"content-type", b"text/plain; charset=utf-8"]],
    "content": b"Internal Server Error",
    "more_content": False,
    # The layer may have taken the beginning of a response although it said that it could not be
    # reached: then this breaks it off, and is not taken for a part of it.
    "closed": True,
}

#: What Django answers with 400 where a view raises it.
_BAD_REQUESTS = (SuspiciousOperation, BadRequest, MultiPartParserError)

BAD_REQUEST: Content = {**SERVER_ERROR, "status": 400, "content": b"Bad Request"}

#: Channel -> the answer that ends the client's wait.
_ANSWERS: dict[str, Content] = {"http.request": SERVER_ERROR, "websocket.connect": {"close": True}}


def answer_for(
    layer: BaseChannelLayer,
    message: Message,
    operations: Sequence[ops.Operation],
    error: BaseException | None = None,
) -> list[ops.Operation]:
    """Return the operations that answer for a consumer that has failed.

    There is none if it has answered; if it has sent a part of a response, it is one that cuts the
    response off. `operations`: what the consumer left to be done; `error`: how it failed.
    """
    answer = _ANSWERS.get(message.channel.name)
    if answer is None or message.reply_channel is None:
        return []
    name = message.reply_channel.name
    is_unfinished = pending_message_store.is_unfinished(name)
    if is_unfinished and answer is SERVER_ERROR:
        return [layer.prepare_send(name, CUT_OFF)]
    if is_unfinished is not None or _is_among(operations, name):
        return []
    if answer is SERVER_ERROR and isinstance(error, _BAD_REQUESTS):
        answer = BAD_REQUEST
    return [layer.prepare_send(name, answer)]


def _is_among(operations: Sequence[ops.Operation], name: str) -> bool:
    """Whether something is about to be sent on the channel `name`."""
    return any(type(one) is ops.Send and one.channel == name for one in operations)
