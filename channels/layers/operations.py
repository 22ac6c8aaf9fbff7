"""What a consumer leaves to be done when it ends, as data.

`layer.prepare_*` checks and packs at once, so that a mistake is raised where it was made, and
returns one of these. `layer.apply(operations)` or a reader's `take(operations)` carries them out
in order, in as few round trips as the layer can.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from channels.exceptions import ClientGone

if TYPE_CHECKING:
    from channels.layers.contract import Reader


@dataclasses.dataclass(slots=True)
class Send:
    """A message to a channel. `payload` is in the layer's own packed form."""

    channel: str
    payload: Any
    delay_s: float = 0.0


@dataclasses.dataclass(slots=True)
class SendGroup:
    """A message to every member of a group."""

    group: str
    payload: Any


@dataclasses.dataclass(slots=True)
class Retry:
    """A delivery goes back to its channel after `delay_s`; capacity does not refuse it."""

    delivery: Delivery
    delay_s: float


@dataclasses.dataclass(slots=True)
class DeadLetter:
    """A delivery is given up and kept among the channel's dead letters, with the reason."""

    delivery: Delivery
    reason: str


@dataclasses.dataclass(slots=True)
class Done:
    """A delivery's consumer has ended (this is what acknowledged channels wait for)."""

    delivery: Delivery


@dataclasses.dataclass(slots=True)
class Drop:
    """Messages of a channel were lost outside of the layer, and are to be counted."""

    channel: str
    #: "dropped", or "lost" if that is only feared: an outage came in between.
    reason: str
    count: int = 1


@dataclasses.dataclass(slots=True)
class SaveSession:
    """Keys of a channel session that changed (already packed) and keys that went."""

    reply_channel: str
    changed: dict[str, Any]
    removed: frozenset[str] = frozenset()


@dataclasses.dataclass(slots=True)
class ForgetSocket:
    """A socket's session and order may go: its disconnect has been consumed."""

    reply_channel: str


@dataclasses.dataclass(slots=True)
class FinishOrdered:
    """The consumer of message `order` of a socket has ended, however it did.

    The result of the operation is the Delivery that waited for it, if there is one: whoever gets
    it runs it or puts it back with `PutBack`. Where workers can die, it stays in the layer until
    it begins: the same operation, repeated because the answer was lost, returns it again.
    Behind a refused Send to the socket it is held back: the next message must not speak first.
    """

    reply_channel: str
    order: int


@dataclasses.dataclass(slots=True)
class ReleaseOrdered:
    """The consumer of message `order` of a socket has asked for a retry: its order stays the next
    one.

    From now on `begin_ordered` answers RUN for it, whoever asks, and PARKED for later ones. It has
    no owner while it waits; if nobody begins it within a minute, the socket goes on without it or
    is given up. Where workers can die, nothing happens if another one than `owner` runs it by now.
    """

    reply_channel: str
    order: int
    #: The id of the worker that had its turn; "" if that does not matter.
    owner: str = ""


@dataclasses.dataclass(slots=True)
class PutBack:
    """A delivery taken but not run goes back to the front of its channel, as it was."""

    delivery: Delivery


@dataclasses.dataclass(slots=True, eq=False)
class Delivery:
    """A message as a worker gets it."""

    channel: str
    content: dict[str, Any]
    #: How often its consumer has asked for a retry before.
    attempts: int = 0
    #: What the layer needs to put it back or acknowledge it; nobody else's business.
    token: Any = None
    #: When it came to its channel, in seconds since 1970 by the engine's clock; None: not known.
    sent_at: float | None = None
    #: Whether the layer waits for its Done; if not, none has to be applied.
    needs_done: bool = True
    #: The Reader of the worker thread that has it, where that one is to be asked for its turn.
    reader: Reader | None = None


class Turn(enum.Enum):
    """What `begin_ordered` says of a message."""

    #: Its turn: run it, and apply FinishOrdered afterwards.
    RUN = "run"
    #: Early: the layer keeps it until its predecessor has finished. Do nothing more with it.
    PARKED = "parked"
    #: It has run before, or its socket has been given up. Drop it.
    STALE = "stale"
    #: Too many wait: the socket is given up. Close it with 1013; its disconnect still runs, once.
    OVERFLOW = "overflow"


#: What `layer.apply` carries out.
Operation: TypeAlias = (
    Send
    | SendGroup
    | Retry
    | DeadLetter
    | Done
    | Drop
    | SaveSession
    | ForgetSocket
    | FinishOrdered
    | ReleaseOrdered
    | PutBack
)


def row_of(operation: Operation) -> str | None:
    """The channel in whose row an operation stands, or None.

    What one consumer sends to one `!` or `?` channel stands in a row, with the end of an ordered
    message on its reply channel: once one of it is refused, those behind it are held back.
    """
    if type(operation) is Send and operation.delay_s <= 0:
        channel = operation.channel
    elif type(operation) is FinishOrdered:
        channel = operation.reply_channel
    else:
        return None
    return channel if "!" in channel or "?" in channel else None


def find_rows(operations: Iterable[Operation]) -> list[tuple[str, list[int]]]:
    """The rows of more than one of `operations`, as (channel, places in order) pairs."""
    rows: dict[str, list[int]] = {}
    for place, operation in enumerate(operations):
        channel = row_of(operation)
        if channel is not None:
            rows.setdefault(channel, []).append(place)
    return [(channel, places) for channel, places in rows.items() if len(places) > 1]


def is_answer(operations: Sequence[Operation]) -> bool:
    """Whether these are the one answer to an ordered message, and the end of its turn."""
    if len(operations) != 2:
        return False
    first, last = operations
    return (
        type(first) is Send
        and type(last) is FinishOrdered
        and "!" in first.channel
        and row_of(first) == last.reply_channel
    )


def carry_out_in_rows(
    operations: Iterable[Operation],
    carry_out: Callable[[Operation], Any],
    hold_back: Callable[[str], Exception],
) -> list[Any]:
    """The results of `carry_out(operation)` for each, in order; `hold_back(channel)` for those
    behind a refused one."""
    results: list[Any] = []
    refused: set[str] = set()
    for operation in operations:
        channel = row_of(operation)
        if channel is not None and channel in refused:
            results.append(hold_back(channel))
            continue
        result = carry_out(operation)
        was_refused = isinstance(result, Exception) and not isinstance(result, ClientGone)
        if was_refused and channel is not None:
            refused.add(channel)
        results.append(result)
    return results


def raise_refusal(refusal: Exception | None) -> None:
    """Raise what refused an operation, if anything did.

    No frame that its traceback holds may hold it in turn: in such a ring the message would stay in
    memory until Python looks for garbage. So call this with the result of a call.
    """
    if refusal is not None:
        try:
            raise refusal
        finally:
            del refusal


def leave_work(results: Sequence[Any]) -> bool:
    """Whether results of operations ask for more to be done at once, before any waiting: a message
    was set free, or a send refused."""
    # Nearly always all of them are None, which is quickly seen.
    return any(results) and any(isinstance(result, (Delivery, Exception)) for result in results)
