"""The contract of a channel layer: what workers, interface servers and consumers call.

A layer of your own subclasses `BaseChannelLayer`, gives the methods that raise NotImplementedError
here, names its `extensions`, and passes the suite in `channels.layers.conformance`.
"""

import asyncio
import threading

from channels import exceptions
from channels.layers import names
from channels.layers.operations import Delivery, Send, SendGroup

#: Seconds an unread message lives. Channels 1.x default.
EXPIRY_S = 60
#: Seconds a group membership lives without another group_add. Channels 1.x default: one day.
GROUP_EXPIRY_S = 86_400
#: Messages a channel holds before it is full. Channels 1.x default.
CAPACITY = 100
#: The largest packed message, in bytes: 1 MiB, as the 1.x message format asked layers to carry.
MAX_MESSAGE_BYTES = 1024 * 1024
#: One queue serves all sockets of an interface server, so it holds far more than one channel does.
DEFAULT_CHANNEL_CAPACITY = {"websocket.send.*!*": 5_000}
#: Messages of one socket that may wait for an earlier one before the socket is given up (1013).
ORDERED_BACKLOG = 1_000


class BaseChannelLayer:
    """A channel layer.

    Args:
        expiry: seconds an unread message lives.
        group_expiry: seconds a group membership lives if its channel belongs to no live server.
        capacity: messages a channel holds before `send` raises ChannelFull.
        channel_capacity: dict of glob (or compiled regex) -> capacity; the first match wins.
        channel_expiry: dict of glob -> expiry in seconds; the first match wins.
    """

    #: Of "groups", "flush", "statistics", "async", "delay", "sessions", "ordering", "presence".
    extensions = ()

    ChannelsError = exceptions.ChannelsError
    ChannelFull = exceptions.ChannelFull
    MessageTooLarge = exceptions.MessageTooLarge

    def __init__(
        self,
        *,
        expiry=EXPIRY_S,
        group_expiry=GROUP_EXPIRY_S,
        capacity=CAPACITY,
        channel_capacity=None,
        channel_expiry=None,
    ):
        self.expiry = expiry
        self.group_expiry = group_expiry
        self.capacity = capacity
        self.channel_capacity = {**(channel_capacity or {})}
        for glob, value in DEFAULT_CHANNEL_CAPACITY.items():
            self.channel_capacity.setdefault(glob, value)
        self.get_capacity = names.GlobTable(self.channel_capacity, capacity).get
        self.get_expiry = names.GlobTable(channel_expiry, expiry).get

    # -- channels ---------------------------------------------------------------------------

    def send(self, channel, message, delay_s=0.0):
        """Put `message` (a dict) on `channel`; never blocks.

        With `delay_s` (the "delay" extension) it can be received only after that many seconds.
        Raises ChannelFull, MessageTooLarge, InvalidName, InvalidMessage, LayerUnavailable.
        """
        raise NotImplementedError

    def receive(self, channels, block=False):
        """Return (channel, message) from one of `channels`, or (None, None).

        With `block` it waits until a message is there. For a name that ends with `!` the returned
        channel is the full one, with its local part.
        """
        raise NotImplementedError

    def receive_many(self, channels, block=False):
        """`receive` under its older name."""
        return self.receive(channels, block)

    def new_channel(self, pattern):
        """Return a fresh channel name that starts with `pattern`, which ends with `?` or `!`."""
        return names.new_channel_name(pattern)

    # -- groups -----------------------------------------------------------------------------

    def group_add(self, group, channel):
        """Make `channel` a member of `group`, or renew its membership."""
        raise NotImplementedError

    def group_discard(self, group, channel):
        """Take `channel` out of `group`; fine if it is not in it."""
        raise NotImplementedError

    def group_channels(self, group):
        """Return the list of the group's live members."""
        raise NotImplementedError

    def send_group(self, group, message):
        """Send `message` to every member. Full members miss it, and each miss is counted."""
        raise NotImplementedError

    # -- flush, statistics ------------------------------------------------------------------

    def flush(self):
        """Remove every message, group, session and count of this layer."""
        raise NotImplementedError

    def channel_statistics(self, channel):
        """Return the counts of one channel (or queue, for a name with a `!`), as a dict.

        The keys are those of 1.x (messages_count, messages_count_per_second, messages_pending,
        messages_max_age, channel_full_count) and what was lost, by reason: expired_count,
        dropped_count, undecodable_count, dead_letter_count.
        """
        raise NotImplementedError

    def global_statistics(self):
        """Return the same keys, summed over all channels."""
        raise NotImplementedError

    # -- the same verbs as coroutines ("async") ------------------------------------------------

    async def asend(self, channel, message, delay_s=0.0):
        """`send`, as a coroutine."""
        raise NotImplementedError

    async def areceive(self, channels, block=False):
        """`receive`, as a coroutine; cancelling it loses no message."""
        raise NotImplementedError

    async def agroup_add(self, group, channel):
        """`group_add`, as a coroutine."""
        raise NotImplementedError

    async def agroup_discard(self, group, channel):
        """`group_discard`, as a coroutine."""
        raise NotImplementedError

    async def agroup_channels(self, group):
        """`group_channels`, as a coroutine."""
        raise NotImplementedError

    async def asend_group(self, group, message):
        """`send_group`, as a coroutine."""
        raise NotImplementedError

    # -- what workers call --------------------------------------------------------------------

    def prepare_send(self, channel, message, delay_s=0.0):
        """Check and pack now, send later: returns a Send for `apply`. Raises as `send` does, but
        for ChannelFull."""
        raise NotImplementedError

    def prepare_send_group(self, group, message):
        """Check and pack now, send later: returns a SendGroup for `apply`."""
        raise NotImplementedError

    def prepare_session(self, reply_channel, changed, removed=()):
        """Check and pack the changed keys of a channel session: returns a SaveSession."""
        raise NotImplementedError

    def apply(self, operations):
        """Carry out `operations` in order; return a list with one result each.

        A result is None, or what the operation says it returns, or the ChannelFull or ClientGone
        that refused it: one refused operation does not stop the next. Raises LayerUnavailable.
        """
        raise NotImplementedError

    def open_reader(self, channels):
        """Return a Reader of `channels` for one worker thread."""
        raise NotImplementedError

    def load_session(self, reply_channel):
        """Return the channel session of a socket as a dict ("sessions")."""
        raise NotImplementedError

    def begin_ordered(self, delivery, reply_channel, order, owner):
        """Say whether message `order` of a socket may run now: a Turn ("ordering").

        `owner` is the id of the worker that asks. An early delivery is parked by this very call.
        """
        raise NotImplementedError

    # -- what interface servers call ------------------------------------------------------------

    def open_link(self, server_id, on_reply, on_lost):
        """Return a ServerLink for one interface server process."""
        raise NotImplementedError

    def close(self):
        """Close what is open. The layer may be used again: it reopens what it needs."""


class Reader:
    """One worker thread's way to its messages."""

    def take(self, operations=(), block_s=0.0):
        """Carry out `operations`, and fetch the next message in the same round trip.

        Waits up to `block_s` seconds for one. Returns (results of the operations, Delivery or None).
        Raises LayerUnavailable, after which `take` may simply be called again: `operations` whose
        fate is unknown are not repeated.
        """
        raise NotImplementedError

    def interrupt(self):
        """From any thread: a `take` that waits returns soon, and no message is lost by it. A `take`
        that has not begun to wait yet may miss it, so call it until the thread has noticed."""
        raise NotImplementedError

    def close(self):
        """Close the reader's connections."""


class ServerLink:
    """What an interface server process holds of the layer: its reply queues and its sockets.

    `on_reply(clients, message)` is called in the event loop for each message, with the local parts of
    the reply channels it goes to: one for a send, many for a group send. `on_lost()` is called when the
    layer has forgotten this server (it came back empty, or took the server for dead): the sockets
    must then be closed with 1012, so that the clients come back and join their groups again; by then
    the link has a new `server_id`.

    Clients are named by the server with short ids, unique over the life of the process.
    """

    server_id: str

    def reply_channel(self, kind, client):
        """Return the reply channel of a client; `kind` is "http.response" or "websocket.send"."""
        return f"{kind}.{self.server_id}!{client}"

    async def start(self):
        """Begin to read replies and to show that the server lives. Returns at once even if the layer is
        away; it connects in the background."""
        raise NotImplementedError

    async def stop(self):
        """Stop reading, and take the server out of the registry."""
        raise NotImplementedError

    @property
    def is_available(self):
        """False while the layer can't be reached: sends fail at once with LayerUnavailable."""
        raise NotImplementedError

    async def send(self, channel, message):
        """Send; raises as `BaseChannelLayer.send` does."""
        raise NotImplementedError

    async def open_socket(self, client, message):
        """Record the socket and send its `websocket.connect`, both or neither."""
        raise NotImplementedError

    async def close_socket(self, client, message):
        """Send the socket's `websocket.disconnect`, and forget the socket (groups, record).

        Waits, while the channel is full or the layer away, for as long as the server lives.
        """
        raise NotImplementedError

    def hold(self, client):
        """Tell senders to wait: this client has more to read than it can take (HTTP streams)."""
        raise NotImplementedError

    def resume(self, client):
        """Undo `hold`."""
        raise NotImplementedError

    def mark_gone(self, client):
        """Tell senders to give up: this client has left in the middle of its response."""
        raise NotImplementedError
