"""The contract of a channel layer: what workers, interface servers and consumers call.

A layer of your own subclasses `BaseChannelLayer`, gives `send` and `receive`, and the methods of
the `extensions` that it names; it passes the suite in `channels.test.conformance`. All else is
here in a plain form, built on these two (see `channels.layers.fallback`): enough for workers and
interface servers to run over it, though slower than a layer that gives its own.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from channels import exceptions
from channels.layers import fallback, names
from channels.layers.acknowledgement import Acknowledgement, read_acknowledged
from channels.layers.codec import Codec, session_place
from channels.layers.contract import OnReply, Reader, Received, Result, ServerLink
from channels.layers.drops import Drops
from channels.layers.limits import (
    CAPACITY,
    DEFAULT_CHANNEL_CAPACITY,
    EXPIRY_S,
    FRAMES_CAPACITY,
    GROUP_EXPIRY_S,
    MAX_MESSAGE_BYTES,
)
from channels.layers.operations import (
    Delivery,
    Operation,
    SaveSession,
    Send,
    SendGroup,
    Turn,
    carry_out_in_rows,
)
from channels.layers.process_link import Deliver, ProcessLink
from channels.layers.worker_link import OnMessage, ReceivingWorkerLink, WorkerLink, orders_queue
from channels.messages import Content
from channels.tracing import hooks as tracing

logger = logging.getLogger("channels.layers")

#: Values by channel name: glob, or compiled regular expression -> value.
Globs: TypeAlias = Mapping[Any, Any]


class BaseChannelLayer:
    """A channel layer.

    Args:
        expiry: seconds an unread message lives.
        group_expiry: seconds a group membership lives if its channel is no open socket's.
        capacity: messages a channel holds before `send` raises ChannelFull; default 100, and 1,000
            for websocket.receive.
        channel_capacity: dict of glob (or compiled regex) -> capacity; the first match wins.
        channel_expiry: dict of glob -> expiry in seconds; the first match wins.
        acknowledged: dict of glob -> dict of `timeout_s` (default 60) and `max_deliveries`
            (default 5), for channels whose messages are acknowledged ("acknowledged"): a message
            stays owned until its consumer has ended. If its worker gives no sign of life for
            `timeout_s`, it goes to another one; after `max_deliveries` it becomes a dead letter,
            as does one that expires unread. A consumer may get such a message twice.
    """

    #: What the layer gives beyond `send` and `receive`, of:
    #: - "groups": group_add, group_discard, group_channels, send_group
    #: - "flush": flush
    #: - "statistics": channel_statistics, global_statistics
    #: - "status": status
    #: - "async": coroutines of its own, which wait without a thread
    #: - "delay": `delay_s` of send, Retry, PutBack to the front, DeadLetter and the verbs on dead
    #:   letters; without it, retries wait in the worker's memory, and dead letters are only logged
    #: - "sessions": load_session, and SaveSession in apply
    #: - "acknowledged": messages of channels named in `acknowledged` survive their worker
    #: - "ordering": begin_ordered, and FinishOrdered and ReleaseOrdered in apply
    #: - "presence": open_link knows which servers live: dead ones leave their groups, the members
    #:   of live ones never expire, senders learn of held and vanished clients, on_lost is called
    extensions: Sequence[str] = ()
    #: Whether the one answer to an ordered message may be sent again: it takes effect once.
    answers_once: bool = False
    #: Whether the layer works within one process only.
    is_local: bool = False

    ChannelsError = exceptions.ChannelsError
    ChannelFull = exceptions.ChannelFull
    MessageTooLarge = exceptions.MessageTooLarge

    def __init__(
        self,
        *,
        expiry: float = EXPIRY_S,
        group_expiry: float = GROUP_EXPIRY_S,
        capacity: int | None = None,
        channel_capacity: Globs | None = None,
        channel_expiry: Globs | None = None,
        acknowledged: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.expiry = expiry
        self.group_expiry = group_expiry
        self.capacity = CAPACITY if capacity is None else capacity
        self.channel_capacity: dict[Any, int] = {**(channel_capacity or {})}
        for glob, value in DEFAULT_CHANNEL_CAPACITY.items():
            self.channel_capacity.setdefault(glob, value)
        if capacity is None:
            self.channel_capacity.setdefault("websocket.receive", FRAMES_CAPACITY)
        self.get_capacity: Callable[[str], int] = names.GlobTable(
            self.channel_capacity, self.capacity
        ).get
        self.get_expiry: Callable[[str], float] = names.GlobTable(channel_expiry, expiry).get
        self.drops = Drops(logger)
        self.get_acknowledgement: Callable[[str], Acknowledgement | None] = names.GlobTable(
            read_acknowledged(acknowledged), None
        ).get

    # -- channels ---------------------------------------------------------------------------

    def send(self, channel: str, message: Content, delay_s: float = 0.0) -> None:
        """Put `message` (a dict) on `channel`; never blocks.

        With `delay_s` (the "delay" extension) it can be received only after that many seconds; it
        is never refused for want of room. Raises ChannelFull, MessageTooLarge, InvalidName,
        InvalidMessage, LayerUnavailable.
        """
        raise NotImplementedError

    def receive(self, channels: Sequence[str], block: bool = False) -> Received:
        """Return (channel, message) from one of `channels`, or (None, None).

        With `block` it waits until a message is there. For a name that ends with `!` the returned
        channel is the full one, with its local part.
        """
        raise NotImplementedError

    def receive_many(self, channels: Sequence[str], block: bool = False) -> Received:
        """`receive` under its older name."""
        return self.receive(channels, block)

    def new_channel(self, pattern: str) -> str:
        """Return a fresh channel name that starts with `pattern`, which ends with `?` or `!`."""
        return names.new_channel_name(pattern)

    # -- groups -----------------------------------------------------------------------------

    def group_add(self, group: str, channel: str) -> None:
        """Make `channel` a member of `group`, or renew its membership.

        Does nothing if the channel is that of a client who has left its interface server.
        """
        raise self._lacks("groups")

    def group_discard(self, group: str, channel: str) -> None:
        """Take `channel` out of `group`; fine if it is not in it."""
        raise self._lacks("groups")

    def group_discard_all(self, channel: str) -> list[str]:
        """Take `channel` out of every group that it is in; return the list of their names."""
        raise self._lacks("groups")

    def group_channels(self, group: str) -> list[str]:
        """Return the list of the group's live members."""
        raise self._lacks("groups")

    def send_group(self, group: str, message: Content) -> None:
        """Send `message` to every member. Full members miss it, and each miss is counted."""
        raise self._lacks("groups")

    # -- flush, statistics ------------------------------------------------------------------

    def flush(self) -> None:
        """Remove every message, group, session and count of this layer."""
        raise self._lacks("flush")

    def channel_statistics(self, channel: str) -> dict[str, Any]:
        """Return the counts of one channel (or queue, for a name with a `!`), as a dict.

        The keys are those of 1.x (messages_count, messages_count_per_second, messages_pending,
        messages_max_age, channel_full_count) and what was lost, by reason: expired_count,
        dropped_count, undecodable_count, dead_letter_count, and lost_count (known to have been
        with a worker that died). Redis has doubtful_count, too: what may be lost, or run twice.
        """
        raise self._lacks("statistics")

    def global_statistics(self) -> dict[str, Any]:
        """Return the same keys, summed over all channels."""
        raise self._lacks("statistics")

    def status(self, names_age_s: float = 0.0) -> dict[str, Any]:
        """Return who lives and what waits, as a dict ("status").

        - servers, workers: lists of dicts of id, seen_s (seconds since the last sign of life; one
          comes every 5), host, pid, version, started (seconds since 1970); for servers, sockets
          (how many are open); for workers, channels, threads, and running: a list of dicts of
          channel, consumer, since.
        - channels: a list of dicts of name, the keys of `channel_statistics`, delayed, owned (with
          a worker, on acknowledged channels) and dead_letters: how many there are now.
        - groups: a list of dicts of name and size, for groups that have members.

        `names_age_s`: the names of channels and groups may be as old as that, in seconds. Finding
        them may mean to look at all keys, which is not for every second.
        """
        raise self._lacks("status")

    def living_workers(self) -> list[dict[str, Any]]:
        """Return the workers that live, as `status` does, without a look at the channels."""
        workers: list[dict[str, Any]] = self.status()["workers"]
        return workers

    def ask_to_stop(self, worker_id: str) -> None:
        """Ask a worker to stop as on SIGTERM: it takes nothing more, finishes what it runs, hands
        over the sockets that it hosts, and ends. What started it may start it again.

        Nothing happens if there is no such worker. Raises ChannelFull, LayerUnavailable.
        """
        self.send(orders_queue(worker_id), {"order": "stop"})

    # -- dead letters ("delay") -----------------------------------------------------------------

    def dead_letter_channels(self) -> list[str]:
        """Return the sorted names of the channels that have dead letters."""
        raise self._lacks("delay")

    def dead_letters(self, channel: str) -> list[dict[str, Any]]:
        """Return the dead letters of a channel, oldest first, as a list of dicts.

        Their keys: id (str), at (when it died, in seconds since 1970), reason, attempts (retries
        that its consumer had asked for), content (None if it can't be read). The last 1,000 of a
        channel are kept.
        """
        raise self._lacks("delay")

    def replay_dead_letters(self, channel: str, ids: Sequence[str] | None = None) -> int:
        """Send dead letters to their channel again, as new messages and whatever its capacity.

        `ids`: which ones, as a list; default: all. Returns how many were sent.
        """
        raise self._lacks("delay")

    def purge_dead_letters(self, channel: str, ids: Sequence[str] | None = None) -> int:
        """Remove dead letters, `ids` or all; return how many were removed."""
        raise self._lacks("delay")

    # -- the same verbs as coroutines ("async") ------------------------------------------------

    async def asend(self, channel: str, message: Content, delay_s: float = 0.0) -> None:
        """`send`, as a coroutine."""
        delay = (delay_s,) if delay_s else ()  # a layer without "delay" has no such parameter
        await asyncio.to_thread(self.send, channel, message, *delay)

    async def areceive(self, channels: Sequence[str], block: bool = False) -> Received:
        """`receive`, as a coroutine; cancelling it loses no message."""
        received: Received = await fallback.receive_in_threads(self, channels, block)
        return received

    async def agroup_add(self, group: str, channel: str) -> None:
        """`group_add`, as a coroutine."""
        await asyncio.to_thread(self.group_add, group, channel)

    async def agroup_discard(self, group: str, channel: str) -> None:
        """`group_discard`, as a coroutine."""
        await asyncio.to_thread(self.group_discard, group, channel)

    async def agroup_channels(self, group: str) -> list[str]:
        """`group_channels`, as a coroutine."""
        return await asyncio.to_thread(self.group_channels, group)

    async def asend_group(self, group: str, message: Content) -> None:
        """`send_group`, as a coroutine."""
        await asyncio.to_thread(self.send_group, group, message)

    # -- what workers call --------------------------------------------------------------------

    def prepare_send(self, channel: str, message: Mapping[str, Any], delay_s: float = 0.0) -> Send:
        """Check and pack now, send later: returns a Send for `apply`. Raises as `send` does, but
        for ChannelFull."""
        names.check_channel_name(channel)
        if delay_s > 0 and "?" in channel:
            raise exceptions.InvalidMessage(
                f"a message to {channel!r} can't be delayed: who reads it waits for it now"
            )
        if tracing.tracer.is_on:
            message = tracing.tracer.send(channel, message)
        return Send(channel, self.codec.pack_message(message, channel, delay_s=delay_s), delay_s)

    def prepare_send_group(self, group: str, message: Mapping[str, Any]) -> SendGroup:
        """Check and pack now, send later: returns a SendGroup for `apply`."""
        names.check_group_name(group)
        if tracing.tracer.is_on:
            message = tracing.tracer.send("", message)
        return SendGroup(group, self.codec.pack_group_message(message, group))

    def prepare_session(
        self, reply_channel: str, changed: Mapping[str, Any], removed: Iterable[str] = ()
    ) -> SaveSession:
        """Check and pack the changed keys of a channel session: returns a SaveSession."""
        names.check_channel_name(reply_channel)
        for key in (*changed, *removed):
            if not isinstance(key, str):
                raise exceptions.InvalidMessage(
                    f"a key of a channel session must be str, got {type(key).__name__} {key!r}"
                )
        pack = self.codec.pack_value
        packed = {
            key: pack(value, f"channel_session[{key!r}]", session_place(reply_channel, key))
            for key, value in changed.items()
        }
        return SaveSession(reply_channel, packed, frozenset(removed))

    def apply(self, operations: Sequence[Operation]) -> list[Result]:
        """Carry out `operations` in order; return a list with one result each.

        A result is None, or what the operation says it returns, or what refused it (ChannelFull,
        ClientGone, LayerUnavailable of one host of several): that does not stop the next one, but
        what stands in a row behind it (`operations.row_of`) is HeldBack. Raises LayerUnavailable.
        """
        return carry_out_in_rows(
            operations, functools.partial(fallback.carry_out, self), self.hold_back
        )

    def open_reader(self, channels: Sequence[str]) -> Reader:
        """Return a Reader of `channels` for one worker thread."""
        return fallback.ReceivingReader(self, self.check_receive_names(channels))

    def load_session(self, reply_channel: str) -> dict[str, Any]:
        """Return the channel session of a socket as a dict ("sessions")."""
        raise self._lacks("sessions")

    def begin_ordered(self, delivery: Delivery, reply_channel: str, order: int, owner: str) -> Turn:
        """Say whether message `order` of a socket may run now: a Turn ("ordering").

        `owner` is the id of the worker that asks. An early delivery is parked by this very call.
        """
        raise self._lacks("ordering")

    def is_read(self, channel: str) -> bool:
        """Whether somebody still reads a reply channel, as far as the layer can tell."""
        return True

    def check_neighbours(self) -> None:
        """Called once by a process that starts: raise PrefixTaken if it must not share the layer
        with those that are there. May raise LayerUnavailable."""

    def keep_house(self, worker_id: str, facts: Mapping[str, Any], channels: Iterable[str]) -> None:
        """Called about once a second by each worker process: look after what all share.

        `facts` (a dict) is what the registry is to show of the worker, `channels` what it listens
        on.
        """

    def leave_house(self, worker_id: str) -> None:
        """Called by a worker process that stops."""

    # -- what interface servers call ------------------------------------------------------------

    def open_link(
        self, server_id: str, on_reply: OnReply, on_lost: Callable[[], None]
    ) -> ServerLink:
        """Return a ServerLink for one interface server process."""
        return fallback.ReceivingLink(self, server_id, on_reply, on_lost)

    def open_worker_link(self, worker_id: str, on_message: OnMessage) -> WorkerLink:
        """Return a WorkerLink for one worker process that hosts sockets."""
        return ReceivingWorkerLink(self, worker_id, on_message)

    def open_process_link(
        self, queue: str, deliver: Deliver, on_lost: Callable[[], None]
    ) -> ProcessLink:
        """Return a ProcessLink for a process that has channels of its own, in `queue`."""
        return ProcessLink(self, queue, deliver, on_lost)

    def close(self) -> None:
        """Close what is open. The layer may be used again: it reopens what it needs."""

    async def aclose(self) -> None:
        """Close what is open for the running event loop; as `close`."""

    # -- for the layers themselves ----------------------------------------------------------------

    def hold_back(self, channel: str) -> exceptions.HeldBack:
        """The HeldBack of what must not overtake a refused message to `channel`."""
        return exceptions.HeldBack(channel, 0, self.get_capacity(names.queue_name(channel)))

    #: What `prepare_*` packs with, unless a layer gives its own.
    codec = Codec(MAX_MESSAGE_BYTES)

    @staticmethod
    def check_receive_names(channels: Sequence[str]) -> list[str]:
        """Return `channels` as a list if each can be received from; raise InvalidName if not."""
        if isinstance(channels, (str, bytes)) or not channels:
            raise exceptions.InvalidName(
                f"expected a list of channel names to receive from, got {channels!r}"
            )
        return [names.check_receive_name(channel) for channel in channels]

    def _lacks(self, extension: str) -> NotImplementedError:
        has = ", ".join(self.extensions) or "none"
        text = f"{type(self).__name__} has no {extension!r} extension (it has: {has})"
        return NotImplementedError(text)
