"""The verbs of the Redis layer, each as a plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from channels.layers.operations import Operation, Send, SendGroup
from channels.layers.redis.groups.membership import Groups
from channels.layers.redis.inspection.dead_letters import DeadLetters
from channels.layers.redis.inspection.statistics import Statistics
from channels.layers.redis.queues.sending import Sending
from channels.layers.redis.transport.plans import Plan


@dataclasses.dataclass(frozen=True)
class RedisSteps:
    """See channels.layers.verbs.EngineSteps."""

    sending: Sending
    groups: Groups
    statistics: Statistics
    letters: DeadLetters

    def carry_out(self, operation: Operation) -> Plan[None]:
        if isinstance(operation, Send):
            return self.sending.send(operation)
        if isinstance(operation, SendGroup):
            return self.groups.send(operation)
        raise TypeError(f"expected a Send or a SendGroup, got {operation!r}")

    def group_add(self, group: str, channel: str) -> Plan[None]:
        return self.groups.add(group, channel)

    def group_discard(self, group: str, channel: str) -> Plan[None]:
        return self.groups.discard(group, channel)

    def group_discard_all(self, channel: str) -> Plan[list[str]]:
        return self.groups.discard_all(channel)

    def group_channels(self, group: str) -> Plan[list[str]]:
        return self.groups.channels(group)

    def flush(self) -> Plan[None]:
        return self.statistics.flush()

    def channel_statistics(self, channel: str) -> Plan[dict[str, Any]]:
        return self.statistics.channel(channel)

    def global_statistics(self) -> Plan[dict[str, Any]]:
        return self.statistics.everything()

    def dead_letter_channels(self) -> Plan[list[str]]:
        return self.letters.channels()

    def dead_letters(self, channel: str) -> Plan[list[dict[str, Any]]]:
        return self.letters.letters(channel)

    def replay_dead_letters(self, channel: str, ids: Collection[str] | None) -> Plan[int]:
        return self.letters.replay(channel, ids)

    def purge_dead_letters(self, channel: str, ids: Collection[str] | None) -> Plan[int]:
        return self.letters.purge(channel, ids)
