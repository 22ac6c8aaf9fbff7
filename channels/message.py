"""What a consumer gets, and where the messages it sends wait until it ends."""

import contextvars
import copy

from channels.channel import Channel
from channels.query_string import QueryString


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


class PendingMessageStore:
    """Holds what a consumer sends until it ends; the worker then sends it, in order.

    Held per context, not per thread: an `async def` consumer and what it awaits share their store.
    """

    def __init__(self):
        self._entries = contextvars.ContextVar("channels_pending", default=None)

    @property
    def active(self):
        """Whether a consumer is running here, so that sends are to be kept."""
        return self._entries.get() is not None

    def prepare(self, **kwargs):
        """Start keeping what is sent."""
        self._entries.set([])

    def append(self, layer, operation):
        """Keep one operation for `layer` (from `layer.prepare_send` and its kin)."""
        self._entries.get().append((layer, operation))

    def prepend(self, layer, operation):
        """Keep one operation that has to be done before all that is kept so far."""
        self._entries.get().insert(0, (layer, operation))

    def take(self):
        """Stop keeping; return what was kept, as a list of (layer, operation)."""
        entries = self._entries.get()
        self._entries.set(None)
        return entries or []

    def send_and_flush(self, **kwargs):
        """Stop keeping, and send what was kept; after all were tried, raise the first refusal."""
        refusals = []
        for layer, operation in self.take():
            refusals += [r for r in layer.apply([operation]) if isinstance(r, Exception)]
        if refusals:
            raise refusals[0]


pending_message_store = PendingMessageStore()
