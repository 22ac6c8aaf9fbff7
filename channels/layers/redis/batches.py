"""The plans that carry out what a consumer has left to be done, many operations in one pipeline."""

import itertools
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from channels.layers import operations as ops
from channels.layers.redis.groups.membership import Groups
from channels.layers.redis.ordering.sockets import Sockets
from channels.layers.redis.queues.cursor import Cursor
from channels.layers.redis.queues.receiving import Receiving, read_batch
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.queues.sending import Row
from channels.layers.redis.transport.plans import Part, Plan
from channels.layers.redis.transport.wire import raise_if_all_are_away

#: What makes the part of a batch, by the kind of its operation.
PartMakers = Mapping[type, Callable[..., Part]]


class Batches:
    """Plans over several operations.

    Args:
        rules, receiving, groups, sockets: of the layer.
        parts: what makes the part of each operation, but for group sends.
    """

    def __init__(
        self,
        rules: Rules,
        receiving: Receiving,
        groups: Groups,
        sockets: Sockets,
        parts: PartMakers,
    ) -> None:
        self._keyspace, self._receiving = rules.keyspace, receiving
        self._groups, self._sockets, self._parts = groups, sockets, parts
        #: What the marks of its pipelines are called: no two alike, even after a fork.
        self._mark, self._marks = secrets.token_hex(4), itertools.count()

    def take(
        self, cursor: Cursor, operations: Sequence[Any], block_s: float, now_s: float
    ) -> Plan[tuple[list[Any], ops.Delivery | None]]:
        """Plan: carry out operations and fetch the next message; see Reader.take."""
        batch, pushes = yield from self._make(operations)
        results, delivery = yield from self._receiving.take(
            cursor, batch, block_s, now_s, may_wait_at_once=self._may_wait(cursor, operations)
        )
        cursor.sets_free = any(results) and any(
            isinstance(result, ops.Delivery) for result in results
        )
        if pushes:
            yield from self._prune(pushes, results)
        return results, delivery

    def _may_wait(self, cursor: Cursor, operations: Sequence[Any]) -> bool:
        """Whether the wait for a message may be sent along with `operations`: not if they are
        likely to set one free, as when messages of an ordered socket overtake one another.

        Ablation: with one client, an echo takes 3 round trips of server and worker, not 4.
        """
        if self._keyspace.host_count > 1:
            return False
        return not cursor.sets_free or not any(
            type(operation) is ops.FinishOrdered for operation in operations
        )

    def apply(self, operations: Sequence[Any]) -> Plan[list[Any]]:
        """Plan: carry out operations; see BaseChannelLayer.apply."""
        batch, pushes = yield from self._make(operations)
        replies = yield [request for part, _ in batch for request in part]
        raise_if_all_are_away(replies)
        results = list(read_batch(batch, replies))
        if pushes:
            yield from self._prune(pushes, results)
        return results

    def _make(self, operations: Sequence[Any]) -> Plan[tuple[list[Part], list[tuple[int, str]]]]:
        """The parts that carry out `operations`, in order; groups are looked up first."""
        kinds = list(map(type, operations))
        queues: dict[str, list[str]] = {}
        if ops.SendGroup in kinds:
            groups = [op.group for op in operations if type(op) is ops.SendGroup]
            queues = yield from self._groups.queues_of(list(dict.fromkeys(groups)))
        batch: list[Part] = []
        pushes: list[tuple[int, str]] = []
        can_stand_in_row = kinds.count(ops.Send) + kinds.count(ops.FinishOrdered)
        rows = self._make_rows(operations) if can_stand_in_row > 1 else {}
        for position, operation in enumerate(operations):
            if type(operation) is ops.SendGroup:
                pushes.append((position, operation.group))
                batch.append(self._groups.push_part(operation, queues[operation.group]))
            elif position in rows:
                batch.append(rows[position])
            else:
                batch.append(self._parts[type(operation)](operation))
        return batch, pushes

    def _make_rows(self, operations: Sequence[Any]) -> dict[int, Part]:
        """The parts of the operations that stand in a row with others, by their positions."""
        parts: dict[int, Part] = {}
        for channel, places in ops.find_rows(operations):
            first, last = places[0], places[-1]
            if last == first + 1 and _is_reply_and_end(operations[first], operations[last]):
                parts[first], parts[last] = self._sockets.reply_and_finish_parts(
                    operations[first], operations[last]
                )
                continue
            name = f"{self._mark}{os.getpid()}.{next(self._marks)}"
            mark = self._keyspace.mark(channel, name)
            for place in places:
                row = Row(mark, {first: "first", last: "last"}.get(place, "more"))
                parts[place] = self._parts[type(operations[place])](operations[place], row)
        return parts

    def _prune(self, pushes: Sequence[tuple[int, str]], results: list[Any]) -> Plan[None]:
        """Forget queues that turned out to have no members; a group send's result is None."""
        for position, group in pushes:
            empty, results[position] = results[position], None
            if empty:
                yield self._groups.prune_requests(group, empty)


def _is_reply_and_end(first: Any, last: Any) -> bool:
    """Whether two operations of a row are the one reply to an ordered message, and its end."""
    return type(first) is ops.Send and type(last) is ops.FinishOrdered and "!" in first.channel
