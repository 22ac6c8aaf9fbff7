"""What goes to one queue in numbered batches, so that each takes effect once, and what of it is
kept. No I/O, no clock.

A batch has a number, which Redis writes down with it (queues/send_batch.lua): one that was sent
before is not taken again. So a batch of which it is not known whether it arrived is simply sent
again, and the next one waits until its fate is known. When Redis has lost its last moments (a crash
under `appendfsync everysec`, a failover to a replica that lagged behind), the number that it knows
is older, too: it says so, and it is told which messages are in doubt. They are not sent again: that
could run what has run already.

What Redis has taken may still vanish with a worker: the frames of sockets are kept for longer, by
client and number (SentFrames), for whoever finds a socket that waits for one.
"""

import collections
import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from channels.exceptions import LayerUnavailable
from channels.layers.redis.transport.wire import Command

Token = TypeVar("Token")

#: What is in one batch at most: Redis does nothing else meanwhile.
MOST_MESSAGES, MOST_BYTES = 200, 256 * 1024
#: What was taken is known for so long, and so many bytes of it, in case Redis loses it again: it
#: writes its file every second, and tells replicas much sooner.
KEPT_S, KEPT_BYTES = 3.0, 4 * 1024 * 1024
#: What was taken so long before the first message that was lost may have waited in its queue and
#: been consumed after it, and so come again.
DOUBT_S = 2.0

#: So many bytes of frames are kept; each counts for its payload, and for what keeping it costs.
SENT_BYTES, FRAME_BYTES = 16 * 1024 * 1024, 250
#: A socket whose latest frame is this old is quiet.
QUIET_AFTER_S = 1.0

#: A frame by its client and its number.
Key = tuple[str, int]
#: The same as it was packed: client, number, payload. (A class of its own costs 0.4 µs a frame.)
SentFrame = tuple[str, int, bytes]


@dataclass(slots=True)  # a generic NamedTuple needs Python 3.11
class Batch(Generic[Token]):
    """Messages that go out together."""

    number: int
    rests: tuple[bytes, ...]
    tokens: tuple[Token, ...]


class KeptBatch(NamedTuple):
    """What was taken of a batch, the bytes in it, and when."""

    number: int
    rests: tuple[bytes, ...]
    size: int
    at_s: float


class NoRoom(NamedTuple):
    """A message found no room: so many wait in its queue."""

    length: int


#: What becomes of a message: it was taken (None), there was no room, or Redis is away.
Fate: TypeAlias = NoRoom | LayerUnavailable | None


class Lane(Generic[Token]):
    """Puts messages into batches, one at a time, and finds out what became of each.

    Args:
        make_command: returns the command for (number, number of the batch before, rests).

    Attributes:
        expired: how many old messages were found to have expired; whoever reads it sets it to 0.
    """

    def __init__(self, make_command: Callable[[int, int, Sequence[bytes]], Command]) -> None:
        self._make_command = make_command
        #: Messages that may run twice, or not at all, as Redis has lost its last moments.
        self.doubtful: list[bytes] = []
        #: Since when.
        self.doubtful_since_s = 0.0
        self._waiting: collections.deque[tuple[bytes, Token]] = collections.deque()
        self._batch: Batch[Token] | None = None
        #: Whether the batch may have been taken already.
        self._may_be_taken = False
        self._kept: collections.deque[KeptBatch] = collections.deque()
        self._kept_bytes = 0
        self._number = 0
        #: The number of the batch that Redis must know to take the next one.
        self._before = 0
        self._must_ask = False
        self.expired = 0

    @property
    def has_work(self) -> bool:
        """Whether `next_command` has something to say."""
        return bool(self._batch or self._waiting or self._must_ask)

    def add(self, rest: bytes, token: Token) -> None:
        """A message is to be sent; `token` says whose it is."""
        self._waiting.append((rest, token))

    def note_new_connection(self) -> None:
        """Another Redis may answer than before, or the same with older data: find out."""
        self._must_ask = bool(self._kept)

    # -- out ----------------------------------------------------------------------------------

    def next_command(self) -> Command:
        """The command for the batch whose turn it is; the same one until its fate is known."""
        self._must_ask = False
        if self._batch is None:
            self._batch = self._make_batch()
        batch = self._batch
        return self._make_command(batch.number, self._before, batch.rests)

    def _make_batch(self) -> Batch[Token]:
        messages: list[tuple[bytes, Token]] = []
        size = 0
        while self._waiting and len(messages) < MOST_MESSAGES and size <= MOST_BYTES:
            messages.append(self._waiting.popleft())
            size += len(messages[-1][0])
        self._number += 1
        self._may_be_taken = False
        return Batch(
            self._number,
            tuple(rest for rest, _ in messages),
            tuple(token for _, token in messages),
        )

    def give_up(self) -> list[Token]:
        """Send nothing any more; return whose messages nothing more is known of."""
        tokens = [*(self._batch.tokens if self._batch else ()), *(t for _, t in self._waiting)]
        self._batch, self._must_ask = None, False
        self._waiting.clear()
        self._kept.clear()
        return tokens

    # -- in -----------------------------------------------------------------------------------

    def note_reply(self, reply: Any, now_s: float) -> list[tuple[Token, Fate]]:
        """Redis has answered the latest command; return what is known now of which messages."""
        if isinstance(reply, LayerUnavailable):
            return self._note_lost(reply)
        if isinstance(reply, Exception):
            error = LayerUnavailable(f"Redis refused a command: {reply}", was_sent=False)
            return self._note_lost(error)
        taken, length, expired = reply
        self.expired += expired
        if taken < 0:
            self._note_gap(length, now_s)
            return []
        batch, self._batch = self._batch, None
        if batch is None:
            return []
        self._before = batch.number
        self._keep(batch, taken, now_s)
        refused = NoRoom(length)
        return [
            (token, None if place < taken else refused) for place, token in enumerate(batch.tokens)
        ]

    def _note_lost(self, error: LayerUnavailable) -> list[tuple[Token, Fate]]:
        """There was no answer: what can't have arrived is given back."""
        self._must_ask = bool(self._kept)
        if error.was_sent:
            self._may_be_taken = True
            return []
        if self._may_be_taken or self._batch is None:
            return []
        given_back, self._batch = self._batch, None
        self._number -= 1  # nobody has seen it
        waiting = [token for _, token in self._waiting]
        self._waiting.clear()
        return [(token, error) for token in (*given_back.tokens, *waiting)]

    def _note_gap(self, known: int, now_s: float) -> None:
        """Redis knows no batch later than `known`: what came behind it is in doubt, and so is what
        came shortly before that."""
        lost_at_s = next((kept.at_s for kept in self._kept if kept.number > known), None)
        since_s = now_s if lost_at_s is None else lost_at_s - DOUBT_S
        recent = [kept for kept in self._kept if kept.at_s >= since_s]
        self.doubtful_since_s = since_s
        self.doubtful += [rest for kept in recent for rest in kept.rests]
        self._before = known
        self._kept.clear()
        self._kept_bytes = 0

    def _keep(self, batch: Batch[Token], taken: int, now_s: float) -> None:
        rests = batch.rests[:taken]
        size = sum(map(len, rests))
        self._kept.append(KeptBatch(batch.number, rests, size, now_s))
        self._kept_bytes += size
        while self._kept and (self._kept_bytes > KEPT_BYTES or self._kept[0].at_s < now_s - KEPT_S):
            self._kept_bytes -= self._kept.popleft().size


class _SentBatch(NamedTuple):
    frames: list[SentFrame]
    size: int
    at_s: float


class SentFrames:
    """The frames that went to workers, as long as one may have to be sent again.

    Keeps them for `life_s`, or for less if they are many: the oldest go first."""

    def __init__(self, life_s: float) -> None:
        self._life_s = life_s
        self._fresh: collections.deque[_SentBatch] = collections.deque()
        self._old: collections.deque[_SentBatch] = collections.deque()
        self._bytes = 0

    def add(self, frames: list[SentFrame], now_s: float) -> None:
        """The layer has taken these."""
        size = sum(len(payload) for _, _, payload in frames) + FRAME_BYTES * len(frames)
        self._fresh.append(_SentBatch(frames, size, now_s))
        self._bytes += size
        self._forget(now_s - self._life_s)

    def _forget(self, until_s: float) -> None:
        for batches in (self._old, self._fresh):
            while batches and (self._bytes > SENT_BYTES or batches[0].at_s < until_s):
                self._bytes -= batches.popleft().size

    def take_quiet(self, now_s: float) -> dict[str, int]:
        """Return the clients that have become quiet since this was last asked, and the number of
        the latest frame of each."""
        quiet: dict[str, int] = {}
        while self._fresh and self._fresh[0].at_s <= now_s - QUIET_AFTER_S:
            batch = self._fresh.popleft()
            self._old.append(batch)
            quiet.update((client, order) for client, order, _ in batch.frames)
        for client, _, _ in _all_frames(self._fresh):
            quiet.pop(client, None)
        return quiet

    def senders(self, since_s: float, until_s: float) -> list[str]:
        """Return the clients of those of these frames that were taken in this time."""
        batches = itertools.chain(self._old, self._fresh)
        found = _all_frames(batch for batch in batches if since_s <= batch.at_s <= until_s)
        return list(dict.fromkeys(client for client, _, _ in found))

    def find(self, keys: Collection[Key]) -> dict[Key, tuple[bytes, float]]:
        """Return the payloads of those of these frames that are kept, and when each was sent."""
        return {
            (client, order): (payload, batch.at_s)
            for batch in itertools.chain(self._old, self._fresh)
            for client, order, payload in batch.frames
            if (client, order) in keys
        }


def _all_frames(batches: Iterable[_SentBatch]) -> Iterable[SentFrame]:
    return itertools.chain.from_iterable(batch.frames for batch in batches)
