"""What engines tell whoever counts (`channels.metrics`): what was sent, what was lost.

An engine calls `tell_carried_out` where it carries out operations, and `tell_lost` where it counts
for its statistics. The Redis engine tells by itself, as Redis answers many operations at once.
"""

from channels.layers.operations import Operation, Send, SendGroup
from channels.metrics import hooks

#: What layers count in their statistics as lost -> its reason in the metrics.
REASONS = {
    "channel_full_count": "full",
    "expired_count": "expired",
    "dropped_count": "dropped",
    "lost_count": "lost",
    "undecodable_count": "undecodable",
}


def tell_carried_out(operation: Operation, result: object) -> None:
    """Tell what an operation has sent; `result` is what came of it, None for a message that is on
    its channel."""
    if not hooks.meter.is_on:
        return
    if isinstance(operation, Send):
        if result is None:
            hooks.meter.message_sent(operation.channel)
    elif isinstance(operation, SendGroup):
        hooks.meter.group_sent()


def tell_lost(queue: str, statistic: str, number: int = 1) -> None:
    """Tell of what is counted of a queue, if it is one of REASONS."""
    reason = REASONS.get(statistic)
    if reason is not None and number:
        hooks.meter.messages_lost(queue, reason, number)
