"""The plans for acknowledged channels: a message stays owned until its consumer has ended.

It lies in a Redis Stream, and is pending in its one consumer group while it is owned; see
part_stream.lua. Who owns it renews that every few seconds. One that nobody has
renewed for the channel's `timeout_s` goes to another worker: its worker died, or never got it.
"""

import logging
import secrets

from channels.layers.codec import UndecodableMessage
from channels.layers.redis.acknowledged import scripts
from channels.layers.redis.queues.delivery import Entry, RedisDelivery
from channels.layers.redis.transport.plans import Request, check

logger = logging.getLogger("channels.layers")


class Acknowledged:
    """Plans for acknowledged channels. `get_settings(name)` returns an Acknowledgement, or None."""

    def __init__(self, core, get_settings):
        self._core = core
        self._keyspace = core.keyspace
        self._get_settings = get_settings
        #: The entries that this process owns, as keys.
        self._owned = {}

    def has(self, keys):
        """Whether the messages of a queue are acknowledged."""
        return keys.is_plain and self._get_settings(keys.name) is not None

    # -- sending and reading ------------------------------------------------------------------

    def send_request(self, keys, payload):
        """The Request that sends one message."""
        call = scripts.SEND.call(
            [keys.queue, keys.stream, keys.counts],
            [self._core.get_capacity(keys.name), *self._core.lives_ms(keys), payload],
        )
        return Request(self._core.host_for(keys), call)

    def put_request(self, keys, payload, attempts):
        """The Request that puts a message back which is not owned: it was parked."""
        args = [*self._core.lives_ms(keys), min(attempts, 255), payload]
        call = scripts.PUT.call([keys.queue, keys.stream], args)
        return Request(self._core.host_for(keys), call)

    def read(self, keys, host, is_direct):
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
            content = self._core.codec.unpack_message(payload)
        except UndecodableMessage as error:
            yield from self._core.note_undecodable(keys, host, error)
            yield [self._end_request(entry, "done")]
            return None
        if not is_direct:
            self._owned[entry] = True
        return RedisDelivery(keys.name, content, attempts, token=None if is_direct else entry)

    # -- the end of ownership -----------------------------------------------------------------

    def done_request(self, entry):
        """The Request that acknowledges a message."""
        return self._end_request(entry, "done")

    def retry_request(self, entry, delay_s):
        """The Request that lets a message come again after a while."""
        expiry_ms = self._core.lives_ms(entry.keys)[0]
        args = [expiry_ms, max(int(delay_s * 1000), 0), secrets.token_bytes(12)]
        return self._end_request(entry, "retry", *args)

    def put_back_request(self, entry):
        """The Request that lets a message come again as it was."""
        return self._end_request(entry, "back")

    def dead_letter_request(self, entry, reason):
        """The Request that makes a message a dead letter."""
        return self._end_request(entry, "dead", reason)

    def _end_request(self, entry, how, *args):
        self._owned.pop(entry, None)
        host, keys, entry_id = entry
        call = scripts.END.call(
            [keys.queue, keys.stream, keys.later, keys.dead, keys.counts],
            [entry_id, how, self._core.lives_ms(keys)[1], *args],
        )
        return Request(host, call)

    # -- housekeeping -------------------------------------------------------------------------

    def promote_request(self, all_keys, host):
        """The Request that moves due delayed messages to where they are received."""
        keys_and_args = [self._promotion(keys) for keys in all_keys]
        call = scripts.PROMOTE.call(
            [key for keys, _ in keys_and_args for key in keys],
            [arg for _, args in keys_and_args for arg in args],
        )
        return Request(host, call)

    def _promotion(self, keys):
        return (
            (keys.queue, keys.later, keys.counts, keys.stream),
            (self._core.get_capacity(keys.name), *self._core.lives_ms(keys)),
        )

    def renew(self):
        """Plan: show that this process still has what it owns."""
        requests = []
        for (host, keys), ids in self._by_stream().items():
            requests += [
                Request(host, ("XCLAIM", keys.stream, "workers", "worker", 0, *ids, "JUSTID")),
                Request(host, ("PEXPIRE", keys.stream, self._core.lives_ms(keys)[1])),
            ]
        if requests:
            yield requests  # a stream that was flushed meanwhile is refused, and not missed

    def _by_stream(self):
        streams = {}
        for host, keys, entry_id in list(self._owned):
            streams.setdefault((host, keys), []).append(entry_id)
        return streams

    def keep(self, channels):
        """Plan: let what nobody has renewed for too long go to another worker, or give it up."""
        places, requests = [], []
        for name in sorted(channels):
            keys = self._keyspace.queue(name)
            if self.has(keys):
                for host in self._keyspace.hosts_of([keys]):
                    places.append(name)
                    requests.append(self._keep_request(keys, host))
        replies = (yield requests) if requests else []
        for name, reply in zip(places, replies, strict=True):
            self._tell(name, *check(reply))

    def _tell(self, name, again, given_up):
        settings = self._get_settings(name)
        if again:
            logger.warning(
                "%d message(s) on %s go to another worker: whoever had them gave no sign of life "
                "for %s s",
                again,
                name,
                settings.timeout_s,
            )
        if given_up:
            self._core.drops.error(
                name,
                "dead",
                given_up,
                "%d message(s) on %s were given up, as their workers died %d times: they are kept "
                "among the channel's dead letters",
                given_up,
                name,
                settings.max_deliveries,
            )

    def _keep_request(self, keys, host):
        settings = self._get_settings(keys.name)
        call = scripts.KEEP.call(
            [keys.queue, keys.stream, keys.dead, keys.counts],
            [int(settings.timeout_s * 1000), settings.max_deliveries, *self._core.lives_ms(keys)],
        )
        return Request(host, call)
