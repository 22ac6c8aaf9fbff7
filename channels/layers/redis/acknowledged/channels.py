"""The plans for acknowledged channels: a message stays owned until its consumer has ended.

It lies in a Redis Stream, and is pending in its one consumer group while it is owned; see
part_stream.lua. Who owns it renews that every few seconds. One that nobody has
renewed for the channel's `timeout_s` goes to another worker: its worker died, or never got it.
"""

import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from channels.layers import operations as ops
from channels.layers.acknowledgement import Acknowledgement
from channels.layers.codec import UndecodableMessage
from channels.layers.redis.acknowledged import scripts
from channels.layers.redis.keys import Keyspace, QueueKeys
from channels.layers.redis.queues.delivery import Entry
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.transport.plans import Plan, Request
from channels.layers.redis.transport.wire import check

logger = logging.getLogger("channels.layers")


class Acknowledged:
    """Plans for acknowledged channels. `get_settings(name)` returns an Acknowledgement, or None."""

    def __init__(self, rules: Rules, get_settings: Callable[[str], Acknowledgement | None]) -> None:
        self._rules = rules
        self._keyspace: Keyspace = rules.keyspace
        self._get_settings = get_settings
        #: The entries that this process owns, as keys.
        self._owned: dict[Entry, bool] = {}

    def has(self, keys: QueueKeys) -> bool:
        """Whether the messages of a queue are acknowledged."""
        return keys.is_plain and self._get_settings(keys.name) is not None

    # -- sending and reading ------------------------------------------------------------------

    def send_request(self, keys: QueueKeys, payload: bytes) -> Request:
        """The Request that sends one message."""
        call = scripts.SEND.call(
            [keys.queue, keys.stream, keys.counts],
            [self._rules.get_capacity(keys.name), *self._rules.lives_ms(keys), payload],
        )
        return Request(self._rules.host_for(keys), call)

    def put_request(self, keys: QueueKeys, payload: bytes, attempts: int) -> Request:
        """The Request that puts a message back which is not owned: it was parked."""
        args = [*self._rules.lives_ms(keys), min(attempts, 255), payload]
        call = scripts.PUT.call([keys.queue, keys.stream], args)
        return Request(self._rules.host_for(keys), call)

    def read(self, keys: QueueKeys, host: int, is_direct: bool) -> Plan[ops.Delivery | None]:
        """Plan: the Delivery of the next message of a queue from which a token was taken, or None.

        With `is_direct` it is not owned, as nobody will say when it is done with.
        """
        call = scripts.READ.call([keys.stream, keys.dead, keys.counts], [int(is_direct)])
        (reply,) = yield [Request(host, call)]
        reply = check(reply)
        if not reply:
            return None
        entry_id, attempts, payload = reply
        entry = Entry(host, keys, entry_id)
        try:
            content = self._rules.codec.unpack_message(payload, keys.name)
        except UndecodableMessage as error:
            yield from self._rules.note_undecodable(keys, host, error)
            yield [self._end_request(entry, "done")]
            return None
        if not is_direct:
            self._owned[entry] = True
        return ops.Delivery(keys.name, content, attempts, token=None if is_direct else entry)

    # -- the end of ownership -----------------------------------------------------------------

    def done_request(self, entry: Entry) -> Request:
        """The Request that acknowledges a message."""
        return self._end_request(entry, "done")

    def retry_request(self, entry: Entry, delay_s: float) -> Request:
        """The Request that lets a message come again after a while."""
        expiry_ms = self._rules.lives_ms(entry.keys)[0]
        args = [expiry_ms, max(int(delay_s * 1000), 0), secrets.token_bytes(12)]
        return self._end_request(entry, "retry", *args)

    def put_back_request(self, entry: Entry) -> Request:
        """The Request that lets a message come again as it was."""
        return self._end_request(entry, "back")

    def dead_letter_request(self, entry: Entry, reason: str) -> Request:
        """The Request that makes a message a dead letter."""
        return self._end_request(entry, "dead", reason)

    def _end_request(self, entry: Entry, how: str, *args: Any) -> Request:
        self._owned.pop(entry, None)
        host, keys, entry_id = entry
        call = scripts.END.call(
            [keys.queue, keys.stream, keys.later, keys.dead, keys.counts],
            [entry_id, how, self._rules.lives_ms(keys)[1], *args],
        )
        return Request(host, call)

    # -- housekeeping -------------------------------------------------------------------------

    def promote_request(self, all_keys: Sequence[QueueKeys], host: int) -> Request:
        """The Request that moves due delayed messages to where they are received."""
        keys_and_args = [self._promotion(keys) for keys in all_keys]
        call = scripts.PROMOTE.call(
            [key for keys, _ in keys_and_args for key in keys],
            [arg for _, args in keys_and_args for arg in args],
        )
        return Request(host, call)

    def _promotion(self, keys: QueueKeys) -> tuple[tuple[str, ...], tuple[int, ...]]:
        return (
            (keys.queue, keys.later, keys.counts, keys.stream),
            (self._rules.get_capacity(keys.name), *self._rules.lives_ms(keys)),
        )

    def renew(self) -> Plan[None]:
        """Plan: show that this process still has what it owns."""
        requests: list[Request] = []
        for (host, keys), ids in self._by_stream().items():
            requests += [
                Request(host, ("XCLAIM", keys.stream, "workers", "worker", 0, *ids, "JUSTID")),
                Request(host, ("PEXPIRE", keys.stream, self._rules.lives_ms(keys)[1])),
            ]
        if requests:
            yield requests  # a stream that was flushed meanwhile is refused, and not missed

    def _by_stream(self) -> dict[tuple[int, QueueKeys], list[bytes]]:
        streams: dict[tuple[int, QueueKeys], list[bytes]] = {}
        for host, keys, entry_id in list(self._owned):
            streams.setdefault((host, keys), []).append(entry_id)
        return streams

    def keep(self, channels: Iterable[str]) -> Plan[None]:
        """Plan: let what nobody has renewed for too long go to another worker, or give it up."""
        places: list[tuple[str, Acknowledgement]] = []
        requests: list[Request] = []
        for name in sorted(channels):
            keys = self._keyspace.queue(name)
            settings = self._get_settings(name) if keys.is_plain else None
            if settings is not None:
                for host in self._keyspace.hosts_of([keys]):
                    places.append((name, settings))
                    requests.append(self._keep_request(keys, host, settings))
        replies = (yield requests) if requests else []
        for (name, settings), reply in zip(places, replies, strict=True):
            self._tell(name, settings, *check(reply))

    def _tell(self, name: str, settings: Acknowledgement, again: int, given_up: int) -> None:
        if again:
            logger.warning(
                "%d message(s) on %s go to another worker: whoever had them gave no sign of life "
                "for %s s",
                again,
                name,
                settings.timeout_s,
            )
        if given_up:
            self._rules.drops.error(
                name,
                "dead",
                given_up,
                "%d message(s) on %s were given up, as their workers died %d times: they are kept "
                "among the channel's dead letters",
                given_up,
                name,
                settings.max_deliveries,
            )

    def _keep_request(self, keys: QueueKeys, host: int, settings: Acknowledgement) -> Request:
        call = scripts.KEEP.call(
            [keys.queue, keys.stream, keys.dead, keys.counts],
            [int(settings.timeout_s * 1000), settings.max_deliveries, *self._rules.lives_ms(keys)],
        )
        return Request(host, call)
