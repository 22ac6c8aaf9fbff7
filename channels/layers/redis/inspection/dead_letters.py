"""The plans for dead letters: messages that were given up are kept, to be looked at or sent again.

Those of one channel lie in a stream on each host that the channel's messages came from.
"""

import logging
from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from channels.layers import names
from channels.layers import operations as ops
from channels.layers.codec import UndecodableMessage
from channels.layers.redis.acknowledged.channels import Acknowledged
from channels.layers.redis.inspection import scripts
from channels.layers.redis.queues.delivery import Entry
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.queues.sending import kind_and_rest
from channels.layers.redis.transport.plans import Part, Plan, Request
from channels.layers.redis.transport.wire import check, read_nothing

logger = logging.getLogger("channels.layers")


#: A dead letter as it lies there: its host, its id and its fields.
Found: TypeAlias = tuple[int, bytes, dict[bytes, bytes]]


class DeadLetters:
    """Plans for the verbs on dead letters."""

    def __init__(
        self,
        rules: Rules,
        acknowledged: Acknowledged,
        scan_names: Callable[[str], Plan[set[str]]],
    ) -> None:
        self._rules, self._acknowledged = rules, acknowledged
        self._keyspace = rules.keyspace
        self._scan_names = scan_names

    def bury_part(self, operation: ops.DeadLetter) -> Part:
        """The part of a batch that keeps a delivery among its channel's dead letters."""
        delivery, reason = operation.delivery, operation.reason
        if isinstance(delivery.token, Entry):
            request = self._acknowledged.dead_letter_request(delivery.token, reason)
            return [request], read_nothing
        keys = self._keyspace.queue(delivery.channel)
        payload = self._rules.codec.pack_message(delivery.content, delivery.channel)
        args = [payload, min(delivery.attempts, 255), reason]
        call = scripts.BURY.call([keys.dead, keys.counts], args)
        return [Request(keys.host, call)], read_nothing

    def channels(self) -> Plan[list[str]]:
        """Plan: the names of the channels that have dead letters, sorted."""
        return sorted((yield from self._scan_names("}:dead:")))

    def letters(self, channel: str) -> Plan[list[dict[str, Any]]]:
        """Plan: the dead letters of a channel, oldest first; see
        BaseChannelLayer.dead_letters."""
        found = yield from self._find(channel, None)
        letters = [self._read(channel, entry_id, fields) for _, entry_id, fields in found]
        return sorted(letters, key=lambda letter: letter["at"])

    def _read(self, channel: str, entry_id: bytes, fields: dict[bytes, bytes]) -> dict[str, Any]:
        try:
            content: dict[str, Any] | None = self._rules.codec.unpack_kept_message(
                fields[b"m"], channel
            )
        except UndecodableMessage as error:
            logger.error("a dead letter can't be read: %s", error)
            content = None
        return {
            "id": entry_id.decode(),
            "at": int(entry_id.partition(b"-")[0]) / 1000,
            "reason": fields[b"r"].decode(),
            "attempts": int(fields[b"a"]),
            "content": content,
        }

    def purge(self, channel: str, ids: Collection[str] | None) -> Plan[int]:
        """Plan: remove dead letters; returns their number."""
        found = yield from self._find(channel, ids)
        keys = self._keyspace.queue(channel)
        requests = [Request(host, ("XDEL", keys.dead, entry_id)) for host, entry_id, _ in found]
        replies = (yield requests) if requests else []
        removed: int = sum(map(check, replies))
        if ids is None:
            hosts = self._keyspace.hosts_of([keys])
            lengths = yield [Request(host, ("XLEN", keys.dead)) for host in hosts]
            empty = [host for host, length in zip(hosts, lengths, strict=True) if length == 0]
            yield [Request(host, ("DEL", keys.dead)) for host in empty]
        return removed

    def replay(self, channel: str, ids: Collection[str] | None) -> Plan[int]:
        """Plan: send dead letters to their channel again; returns their number."""
        found = yield from self._find(channel, ids)
        count = 0
        for host, entry_id, fields in found:
            payload = self._repack(channel, entry_id, fields[b"m"])
            if payload is not None:
                (reply,) = yield [self._replay_request(channel, host, entry_id, payload)]
                count += check(reply)
        return count

    def _repack(self, channel: str, entry_id: bytes, payload: bytes) -> bytes | None:
        """A dead letter as a message that is sent now; None if it can't be read."""
        codec = self._rules.codec
        if codec.seal is None:
            return payload
        try:
            message = codec.unpack_kept_message(payload, channel)
        except UndecodableMessage as error:
            logger.error("dead letter %s can't be sent again: %s", entry_id.decode(), error)
            return None
        return codec.pack_message(message, channel, is_ours=True)

    def _replay_request(self, channel: str, host: int, entry_id: bytes, payload: bytes) -> Request:
        keys = self._keyspace.queue(channel)
        where = [keys.dead, keys.queue, keys.counts]
        args: list[Any] = [entry_id, *self._rules.lives_ms(keys), payload]
        if self._acknowledged.has(keys):
            where.append(keys.stream)
        else:
            args += kind_and_rest(keys, channel, payload)
        return Request(host, scripts.REPLAY.call(where, args))

    def _find(self, channel: str, ids: Collection[str] | None) -> Plan[list[Found]]:
        """Plan: (host, id, fields) of the letters with these ids, or of all."""
        keys = self._keyspace.queue(names.check_channel_name(channel))
        hosts = self._keyspace.hosts_of([keys])
        replies = yield [Request(host, ("XRANGE", keys.dead, "-", "+")) for host in hosts]
        wanted = None if ids is None else {str(each).encode() for each in ids}
        return [
            (host, entry_id, dict(zip(fields[::2], fields[1::2], strict=True)))
            for host, reply in zip(hosts, replies, strict=True)
            for entry_id, fields in check(reply)
            if wanted is None or entry_id in wanted
        ]
