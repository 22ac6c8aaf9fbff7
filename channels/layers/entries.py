"""What the layers have in common that keep messages as Entries: in memory, in a file, in a broker.

An Entry knows its queue, its clients, when it was sent and until when it lives; a Delivery of such
a layer carries the Entry it was made of.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from channels.exceptions import PrefixTaken
from channels.layers import names
from channels.layers.codec import UndecodableMessage, session_place
from channels.layers.operations import Delivery, Turn
from channels.layers.verbs import EngineStep, EngineSteps, LayerOverStore
from channels.startup.identity import project_marks

if TYPE_CHECKING:
    from channels.layers.contract import OnReply

logger = logging.getLogger("channels.layers")


@dataclasses.dataclass(eq=False, slots=True)
class Entry:
    """A packed message: for one client of its queue, or for many of them (a group send)."""

    queue: str
    #: Local parts of the channels it goes to; ("",) for a channel without a `!`.
    clients: tuple[str, ...]
    payload: bytes
    sent_at: float
    expires_at: float
    attempts: int = 0

    @property
    def channel(self) -> str:
        """The full name of the (first) channel it goes to."""
        return self.queue + self.clients[0]

    def renewed(self, now: float, expiry_s: float, attempts: int) -> Entry:
        """A copy that starts its life at `now`."""
        return dataclasses.replace(self, sent_at=now, expires_at=now + expiry_s, attempts=attempts)


class Letter(NamedTuple):
    """A dead letter as it is kept."""

    id: str
    at: float
    reason: str
    attempts: int
    payload: bytes
    channel: str = ""


class EntrySteps(EngineSteps, Protocol):
    """EngineSteps of a layer that keeps Entries. Those of `dead_letters` give a list of Letters."""

    def load_session(self, reply_channel: str) -> EngineStep:
        """EngineStep: gives the packed values of a channel session, by their keys."""

    def begin_ordered(self, entry: Entry, reply_channel: str, order: int, owner: str) -> EngineStep:
        """EngineStep: gives a Turn."""

    def is_gone(self, queue: str, client: str) -> EngineStep:
        """EngineStep: gives whether nobody reads what is sent to a client."""


#: The EntrySteps of an engine.
AnyEntrySteps = TypeVar("AnyEntrySteps", bound=EntrySteps)


class LayerOverEntries(LayerOverStore[AnyEntrySteps]):
    """A layer that keeps Entries."""

    prefix: str
    clock: Callable[[], float] = staticmethod(time.time)
    #: What the layer makes of a delivery that was not received.
    entry_class: type[Entry] = Entry

    # -- from entries to deliveries ---------------------------------------------------------------

    def delivery(self, entry: Entry | None) -> Delivery | None:
        """The Delivery of an entry; None if there is none, or if it can't be read."""
        if entry is None:
            return None
        try:
            content = self.codec.unpack_message(entry.payload, entry.channel)
        except UndecodableMessage as error:
            self.count_undecodable(entry.queue)
            self.drops.error(
                entry.queue,
                "undecodable",
                1,
                "a message on %s can't be read and is dropped: %s",
                entry.queue,
                error,
            )
            return None
        return Delivery(entry.channel, content, entry.attempts, token=entry, sent_at=entry.sent_at)

    def hand_out(self, entry: Entry, on_reply: OnReply) -> None:
        """Give an interface server a message for its clients; what it fails at is told."""
        try:
            delivery = self.delivery(entry)
            if delivery is not None:
                on_reply(list(entry.clients), delivery.content)
        except Exception:
            logger.exception("a reply on %s was dropped: its interface server failed", entry.queue)

    def count_undecodable(self, queue: str) -> None:
        """Count a message that can't be read."""
        raise NotImplementedError

    def results(self, results: list[Any]) -> list[Any]:
        """Results of operations, with Deliveries for the Entries that were set free."""
        if not any(results):
            return results
        return [self.delivery(each) if isinstance(each, Entry) else each for each in results]

    def entry_of(self, delivery: Delivery) -> Entry:
        """The entry of a delivery; one of its own if it was not received: a test called the
        consumer itself. Raises ValueError for the delivery of another layer."""
        if delivery.token is None:
            name, client = names.split_local(delivery.channel)
            payload = self.codec.pack_message(delivery.content, delivery.channel)
            now = self.clock()
            expires_at = now + self.get_expiry(name)
            return self.entry_class(name, (client,), payload, now, expires_at, delivery.attempts)
        if not isinstance(delivery.token, Entry):
            raise ValueError(f"this delivery on {delivery.channel!r} did not come from this layer")
        return delivery.token

    def tell_expired(self, queue: str, count: int) -> None:
        """Log that messages have expired."""
        self.drops.warn(
            queue,
            "expired",
            count,
            "%d message(s) on %s expired unread (they live %s s): add workers, or raise its expiry",
            count,
            queue,
            self.get_expiry(queue),
        )

    def check_project(self, kind: str, processes: Iterable[Mapping[str, Any]]) -> None:
        """Raise PrefixTaken if one of these servers or workers is of another project."""
        marks = project_marks()
        for process in processes:
            theirs = process.get("project")
            if theirs and marks and not set(theirs) & set(marks):
                who = f"{kind} {process['id']} (pid {process.get('pid')})"
                raise PrefixTaken(self.prefix, who, "is of another project")

    # -- verbs ------------------------------------------------------------------------------------

    def dead_letters(self, channel: str) -> list[dict[str, Any]]:
        step = self.steps.dead_letters(names.check_channel_name(channel))
        letters: Sequence[Letter] = self.run(step)
        return [
            {
                "id": letter.id,
                "at": letter.at,
                "reason": letter.reason,
                "attempts": letter.attempts,
                "content": self._content(letter),
            }
            for letter in letters
        ]

    def _content(self, letter: Letter) -> dict[str, Any] | None:
        try:
            return self.codec.unpack_kept_message(letter.payload, letter.channel)
        except UndecodableMessage:
            return None

    def load_session(self, reply_channel: str) -> dict[str, Any]:
        step = self.steps.load_session(names.check_channel_name(reply_channel))
        packed: dict[str, bytes] = self.run(step)
        return {
            key: self.codec.unpack_value(value, session_place(reply_channel, key))
            for key, value in packed.items()
        }

    def begin_ordered(self, delivery: Delivery, reply_channel: str, order: int, owner: str) -> Turn:
        entry = self.entry_of(delivery)
        turn: Turn = self.run(self.steps.begin_ordered(entry, reply_channel, order, owner))
        return turn

    def is_read(self, channel: str) -> bool:
        place = names.split_local(names.check_channel_name(channel))
        return not self.run(self.steps.is_gone(*place))
