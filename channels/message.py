"""What a consumer gets; and, under its 1.x name, the store of what it sends."""

import copy

from channels.channel import Channel
from channels.consuming.pending import PendingMessageStore, pending_message_store
from channels.requests.query_string import QueryString

__all__ = ["Message", "PendingMessageStore", "pending_message_store"]


class Message:
    """A message as a consumer sees it: a dict in `content`, with dict access on the message itself.

    Attributes:
        content: the message, a dict; its `query_string`, if any, is made a QueryString.
        channel: the Channel it came on.
        reply_channel: the Channel that answers it, or None.
        channel_layer: the layer it came from.
    """

    def __init__(self, content, channel_name, channel_layer):
        self.content = content
        self.channel = Channel(channel_name, channel_layer=channel_layer)
        self.channel_layer = channel_layer
        if "query_string" in content:
            content["query_string"] = QueryString.from_message(content["query_string"])
        reply_name = content.get("reply_channel")
        self.reply_channel = (
            Channel(reply_name, channel_layer=channel_layer) if reply_name else None
        )

    def __getitem__(self, key):
        return self.content[key]

    def __setitem__(self, key, value):
        self.content[key] = value

    def __contains__(self, key):
        return key in self.content

    def __repr__(self):
        return f"<Message on {self.channel.name!r} with {', '.join(map(str, self.content))}>"

    def keys(self):
        return self.content.keys()

    def values(self):
        return self.content.values()

    def items(self):
        return self.content.items()

    def get(self, key, default=None):
        return self.content.get(key, default)

    def copy(self):
        """Return a message whose content can be changed without changing this one's."""
        return type(self)(copy.deepcopy(self.content), self.channel.name, self.channel_layer)
