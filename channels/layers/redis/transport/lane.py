"""What goes to one queue in numbered batches, so that each takes effect once, and what of it is
kept. No I/O, no clock.

A batch has a number, which Redis writes down with it (queues/send_batch.lua): one that was sent
before is not taken again. So a batch of which it is not known whether it arrived is simply sent
again, and the next one waits until its fate is known. When Redis has lost its last moments (a crash
under `appendfsync everysec`, a failover to a replica that lagged behind), the number that it knows
is older, too: it says so, and it is told since when messages are in doubt. They are not sent again:
that could run what has run already.

What Redis has taken may still vanish with a worker: the frames of sockets are kept for longer, by
client and number (SentFrames), for whoever finds a socket that waits for one.
"""

import collections
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from channels.exceptions import LayerUnavailable
from channels.layers.redis.transport.wire import Command

Token = TypeVar("Token")

#: What is in one batch at most: Redis does nothing else meanwhile.
MOST_MESSAGES, MOST_BYTES = 200, 256 * 1024
#: What was taken is known for so long, in case Redis loses it again: it writes its file every
#: second, and tells replicas much sooner.
KEPT_S = 3.0

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
    """Messages that go out together, and whose they are."""

    number: int
    rests: list[bytes]
    tokens: list[Token]


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
        lost_since_s: Redis has lost its last moments: what was sent since then may run twice, or
            not at all. Whoever reads it sets it to None.
    """

    def __init__(self, make_command: Callable[[int, int, Sequence[bytes]], Command]) -> None:
        self._make_command = make_command
        self.lost_since_s: float | None = None
        #: What waits, whose it is, and the bytes of it.
        self._rests: list[bytes] = []
        self._tokens: list[Token] = []
        self._size = 0
        self._batch: Batch[Token] | None = None
        #: Whether the batch may have been taken already.
        self._may_be_taken = False
        #: The batches that were taken of late: their numbers, and when.
        self._kept: collections.deque[tuple[int, float]] = collections.deque()
        self._number = 0
        #: The number of the batch that Redis must know to take the next one.
        self._before = 0
        self._must_ask = False
        self.expired = 0

    @property
    def has_work(self) -> bool:
        """Whether `next_command` has something to say."""
        return bool(self._rests or self._batch or self._must_ask)

    def add(self, rest: bytes, token: Token) -> None:
        """A message is to be sent; `token` says whose it is."""
        self._rests.append(rest)
        self._tokens.append(token)
        self._size += len(rest)

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
        self._number += 1
        self._may_be_taken = False
        if self._size > MOST_BYTES or len(self._rests) > MOST_MESSAGES:
            return self._make_full_batch()
        batch = Batch(self._number, self._rests, self._tokens)
        self._rests, self._tokens, self._size = [], [], 0
        return batch

    def _make_full_batch(self) -> Batch[Token]:
        """The first of what waits: more does not go into one batch."""
        count = size = 0
        for rest in self._rests[:MOST_MESSAGES]:
            if size > MOST_BYTES:
                break
            size += len(rest)
            count += 1
        batch = Batch(self._number, self._rests[:count], self._tokens[:count])
        del self._rests[:count], self._tokens[:count]
        self._size -= size
        return batch

    def give_up(self) -> list[Token]:
        """Send nothing any more; return whose messages nothing more is known of."""
        tokens = [*(self._batch.tokens if self._batch else ()), *self._take_waiting()]
        self._batch, self._must_ask = None, False
        self._kept.clear()
        return tokens

    def _take_waiting(self) -> list[Token]:
        tokens = self._tokens
        self._rests, self._tokens, self._size = [], [], 0
        return tokens

    # -- in -----------------------------------------------------------------------------------

    def note_reply(self, reply: Any, now_s: float) -> list[tuple[Token, Fate]]:
        """Redis has answered the latest command; return what is known now of which messages."""
        if type(reply) is int:  # all of them were taken: nearly always
            return self._note_taken(reply, 0, now_s)
        if isinstance(reply, LayerUnavailable):
            return self._note_lost(reply)
        if isinstance(reply, Exception):
            error = LayerUnavailable(f"Redis refused a command: {reply}", was_sent=False)
            return self._note_lost(error)
        taken, length, expired = reply
        self.expired += expired
        if taken < 0:
            self._note_gap(length)
            return []
        return self._note_taken(taken, length, now_s)

    def _note_taken(self, taken: int, length: int, now_s: float) -> list[tuple[Token, Fate]]:
        batch, self._batch = self._batch, None
        if batch is None:
            return []
        self._before = batch.number
        kept = self._kept
        kept.append((batch.number, now_s))
        while kept[0][1] < now_s - KEPT_S:
            kept.popleft()
        if taken == len(batch.tokens):
            return [(token, None) for token in batch.tokens]
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
        return [(token, error) for token in (*given_back.tokens, *self._take_waiting())]

    def _note_gap(self, known: int) -> None:
        """Redis knows no batch later than `known`: what came behind it is in doubt."""
        self.lost_since_s = next((at_s for number, at_s in self._kept if number > known), None)
        self._before = known
        self._kept.clear()


class _SentBatch(NamedTuple):
    frames: list[SentFrame]
    size: int
    at_s: float


class SentFrames:
    """The frames that went to workers, as long as one may have to be sent again.

    Keeps them for `life_s`, or for less if they are many: the oldest go first. Whoever looks for
    quiet clients, now and then, lets those go whose time is over."""

    def __init__(self, life_s: float) -> None:
        self._life_s = life_s
        self._fresh: collections.deque[_SentBatch] = collections.deque()
        self._old: collections.deque[_SentBatch] = collections.deque()
        self._bytes = 0
        #: When the latest of them were taken.
        self.latest_at_s = -math.inf

    def add(self, frames: list[SentFrame], now_s: float) -> None:
        """The layer has taken these."""
        size = FRAME_BYTES * len(frames)
        for _, _, payload in frames:
            size += len(payload)
        self._fresh.append(_SentBatch(frames, size, now_s))
        self.latest_at_s = now_s
        self._bytes += size
        if self._bytes > SENT_BYTES:
            self._forget(now_s)

    def _forget(self, now_s: float) -> None:
        until_s = now_s - self._life_s
        for batches in (self._old, self._fresh):
            while batches and (self._bytes > SENT_BYTES or batches[0].at_s < until_s):
                self._bytes -= batches.popleft().size

    def take_quiet(self, now_s: float) -> dict[str, int]:
        """Return the clients that have become quiet since this was last asked, and the number of
        the latest frame of each."""
        self._forget(now_s)
        aged: list[_SentBatch] = []
        while self._fresh and self._fresh[0].at_s <= now_s - QUIET_AFTER_S:
            aged.append(self._fresh.popleft())
        self._old.extend(aged)
        talking = {client for client, _, _ in _all_frames(self._fresh)}
        latest = {client: order for client, order, _ in _all_frames(aged)}
        return {client: order for client, order in latest.items() if client not in talking}

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
