"""Where a reader of several queues stands."""

import itertools
import random
from collections.abc import Callable, Sequence

from channels.layers.redis.keys import Keyspace
from channels.layers.redis.queues import scripts

#: For so many seconds, and messages, a reader looks first where it found its latest message.
STAY_S, STAY_MESSAGES = 0.02, 32


class Cursor:
    """Where a reader of several queues stands: which queue and which host come first next time.

    `is_down(host)`: whether a host is known to be away.
    """

    def __init__(
        self,
        keyspace: Keyspace,
        channels: Sequence[str],
        is_direct: bool = False,
        is_down: Callable[[int], bool] = lambda host: False,
    ) -> None:
        self._is_down = is_down
        #: Whether nobody will say when a message is done with.
        self.is_direct = is_direct
        self.keys = [keyspace.queue(name) for name in channels]
        self.by_queue = {keys.queue.encode(): keys for keys in self.keys}
        count = len(self.keys)
        #: The keys in every rotation, so that each queue is first once in `count` times.
        self.rotations = [tuple(self.keys[i:] + self.keys[:i]) for i in range(count)]
        #: The same as names in Redis, and in the command that receives without waiting.
        self.queues = [tuple(keys.queue for keys in rotation) for rotation in self.rotations]
        self.receive = [scripts.RECEIVE.call(queues, []) for queues in self.queues]
        self.hosts = keyspace.hosts_of(self.keys)
        #: The place in `hosts` of the one that comes first, until when, and for how many messages.
        self._first = random.randrange(len(self.hosts))
        self._now_s = self._stays_until_s = 0.0
        self._messages_left = 0
        self.next_rotation = itertools.count(random.randrange(count) if count > 1 else 0)
        self.has_delays = any(not keys.is_single_reader for keys in self.keys)
        self.promote_at_s = 0.0
        self.next_due_s: float | None = None
        #: Whether what was carried out last has set an ordered message free.
        self.sets_free = False
        #: Whether Redis went away between what was carried out last and the next message.
        self.is_cut_off = False
        self._was_woken = False

    def wake(self) -> None:
        """Look at the delayed messages before waiting: one has been added."""
        self.promote_at_s = 0.0
        self._was_woken = True

    def is_woken(self) -> bool:
        """Whether `wake` was called since this was last asked."""
        was_woken, self._was_woken = self._was_woken, False
        return was_woken

    def hosts_in_order(self, now_s: float) -> tuple[int, ...]:
        """The hosts, the one with the latest message first, another one after STAY_S or
        STAY_MESSAGES; those that are away come last."""
        if len(self.hosts) == 1:
            return self.hosts
        self._now_s = now_s
        if now_s >= self._stays_until_s or self._messages_left <= 0:
            self._go_to((self._first + 1) % len(self.hosts))
        first = self._first
        return tuple(sorted(self.hosts[first:] + self.hosts[:first], key=self._is_down))

    def note_found(self, host: int) -> None:
        """A message was found on a host: what it leads to is likely to be done there, so the next
        one can be fetched there in the same round trip."""
        if self.hosts[self._first] != host:
            self._go_to(self.hosts.index(host))
        self._messages_left -= 1

    def _go_to(self, place: int) -> None:
        self._first, self._stays_until_s = place, self._now_s + STAY_S
        self._messages_left = STAY_MESSAGES
