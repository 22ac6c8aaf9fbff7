"""Where the messages that a consumer sends wait until it ends."""

import contextvars


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
