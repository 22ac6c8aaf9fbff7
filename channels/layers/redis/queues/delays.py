"""The plans that let delayed messages come when they are due."""

from collections.abc import Sequence
from typing import Any

from channels.exceptions import LayerUnavailable
from channels.layers.redis.keys import QueueKeys
from channels.layers.redis.queues import scripts
from channels.layers.redis.queues.delivery import OwnedChannels
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.transport.plans import Request
from channels.layers.redis.transport.wire import check


class Delays:
    """Requests that move delayed messages to where they are received."""

    def __init__(self, rules: Rules, acknowledged: OwnedChannels) -> None:
        self._rules, self._acknowledged = rules, acknowledged

    def promote_requests(
        self, all_keys: Sequence[QueueKeys], hosts: Sequence[int]
    ) -> list[Request]:
        """Requests that move what is due of these queues, on each of these hosts."""
        owned = [keys for keys in all_keys if self._acknowledged.has(keys)]
        requests = self._plain_requests([keys for keys in all_keys if keys not in owned], hosts)
        if owned:
            requests += [self._acknowledged.promote_request(owned, host) for host in hosts]
        return requests

    def _plain_requests(self, all_keys: Sequence[QueueKeys], hosts: Sequence[int]) -> list[Request]:
        delayed = [keys for keys in all_keys if not keys.is_single_reader]
        queue_keys = [key for keys in delayed for key in (keys.queue, keys.later, keys.counts)]
        args: list[int] = []
        for keys in delayed:
            args += [self._rules.get_capacity(keys.name), *self._rules.lives_ms(keys)]
        return [Request(host, scripts.PROMOTE.call(queue_keys, args)) for host in hosts]


def read_promoted(replies: Sequence[Any]) -> float | None:
    """Seconds until the next delayed message is due, or None; hosts that are away are passed
    over."""
    waits = [check(reply) for reply in replies if not isinstance(reply, LayerUnavailable)]
    waits = [wait for wait in waits if wait >= 0]
    return min(waits) / 1000 if waits else None
