"""What a consumer gets; and, under its 1.x name, the store of what it sends."""

from __future__ import annotations

import copy
from collections.abc import ItemsView, KeysView, ValuesView
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from channels.channel import Channel, PendingMessageStore, pending_message_store
from channels.requests.head import QueryString

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser
    from django.contrib.sessions.backends.base import SessionBase
    from typing_extensions import Self

    from channels.layers.base import BaseChannelLayer
    from channels.layers.contract import ForeseenSession
    from channels.layers.operations import Delivery
    from channels.messages import Content

__all__ = ["Message", "PendingMessageStore", "pending_message_store"]

#: Said of what can be None, where a consumer that has asked for it need not look: a type checker
#: knows the other type's attributes, and lets them be used at once.
MaybeNone: TypeAlias = Any


class Message:
    """A message as a consumer sees it: a dict in `content`, with dict access on the message itself.

    Attributes:
        content: the message, a dict; its `query_string`, if any, is made a QueryString.
        channel: the Channel it came on.
        reply_channel: the Channel that answers it, or None.
        channel_layer: the layer it came from.
        channel_session, http_session, user: what decorators put there, if the consumer has them.
        delivery: what the layer knows of it, or None if it did not come from a layer.
        worker_id: the worker that runs its consumer, or None.
        is_ordered: whether its consumer runs in the turn of its socket.
        was_left_out: whether its consumer did not run, as it is not the message's turn.
        foreseen_session: what gives its channel session, if the worker has asked for that already.
    """

    content: Content
    channel: Channel
    reply_channel: Channel | MaybeNone
    channel_layer: BaseChannelLayer
    channel_session: SessionBase | MaybeNone
    http_session: SessionBase | MaybeNone
    user: AbstractBaseUser | AnonymousUser | Any

    delivery: Delivery | None
    worker_id: str | None
    is_ordered: bool = False
    was_left_out: bool = False
    foreseen_session: ForeseenSession | None = None

    def __init__(
        self,
        content: Content,
        channel_name: str,
        channel_layer: BaseChannelLayer,
        *,
        delivery: Delivery | None = None,
        worker_id: str | None = None,
    ) -> None:
        self.content = content
        self.channel = Channel(channel_name, channel_layer=channel_layer)
        self.channel_layer = channel_layer
        self.delivery, self.worker_id = delivery, worker_id
        if "query_string" in content:
            content["query_string"] = QueryString.from_message(content["query_string"])
        reply_name = content.get("reply_channel")
        self.reply_channel = (
            Channel(reply_name, channel_layer=channel_layer) if reply_name else None
        )

    @overload
    def __getitem__(self, key: Literal["reply_channel", "path", "method"]) -> str: ...
    @overload
    def __getitem__(self, key: Literal["text"]) -> str | MaybeNone: ...
    @overload
    def __getitem__(self, key: Literal["bytes"]) -> bytes | MaybeNone: ...
    @overload
    def __getitem__(self, key: Literal["query_string"]) -> QueryString: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    def __getitem__(self, key: str) -> Any:
        return self.content[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.content[key] = value

    def __contains__(self, key: object) -> bool:
        return key in self.content

    def __repr__(self) -> str:
        return f"<Message on {self.channel.name!r} with {', '.join(map(str, self.content))}>"

    def keys(self) -> KeysView[str]:
        return self.content.keys()

    def values(self) -> ValuesView[Any]:
        return self.content.values()

    def items(self) -> ItemsView[str, Any]:
        return self.content.items()

    def get(self, key: str, default: Any = None) -> Any:
        return self.content.get(key, default)

    def copy(self) -> Self:
        """Return a message whose content can be changed without changing this one's."""
        return type(self)(copy.deepcopy(self.content), self.channel.name, self.channel_layer)
