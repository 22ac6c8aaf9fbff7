"""The parts of a batch by which a worker gives a delivery back: done, to be retried, or not run."""

from typing import Any

from channels.layers import operations as ops
from channels.layers.redis.queues import envelope as envelopes
from channels.layers.redis.queues import scripts
from channels.layers.redis.queues.delivery import Entry, OwnedChannels
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.queues.sending import Sending, kind_and_rest
from channels.layers.redis.transport.plans import Part, Plan, Request, read_nothing


class Returns:
    """What becomes of a message that was taken."""

    def __init__(self, rules: Rules, sending: Sending, acknowledged: OwnedChannels) -> None:
        self._rules, self._sending, self._acknowledged = rules, sending, acknowledged

    def done_part(self, operation: ops.Done) -> Part:
        """The part that acknowledges a delivery, if it wants that."""
        token = operation.delivery.token
        if isinstance(token, Entry):
            return [self._acknowledged.done_request(token)], read_nothing
        return [], read_nothing

    def retry_part(self, operation: ops.Retry) -> Part:
        """The part that puts a delivery back, to be received again after a while."""
        delivery, delay_s = operation.delivery, operation.delay_s
        attempts = delivery.attempts + 1
        if isinstance(delivery.token, Entry):
            return [self._acknowledged.retry_request(delivery.token, delay_s)], read_nothing
        if delay_s <= 0:
            return [self._request(delivery, attempts, "RPUSH")], read_nothing
        payload = self._rules.codec.pack_message(
            delivery.content, delivery.channel, delay_s=delay_s, is_ours=True
        )
        request = self._sending.delay_request(delivery.channel, payload, delay_s, attempts)
        return [request], read_nothing

    def put_back_part(self, operation: ops.PutBack) -> Part:
        """The part that puts a delivery back to the front, as it was."""
        delivery = operation.delivery
        if delivery.token is None:
            return [self._request(delivery, delivery.attempts, "LPUSH")], read_nothing
        if isinstance(delivery.token, Entry):
            return [self._acknowledged.put_back_request(delivery.token)], read_nothing
        host, keys, data = delivery.token
        self._rules.codec.put_back(envelopes.parse(data).body)
        ttl_ms = self._rules.lives_ms(keys)[1]
        return [
            Request(host, ("LPUSH", keys.queue, data)),
            Request(host, ("PEXPIRE", keys.queue, ttl_ms)),
        ], read_nothing

    def put_back(self, channel: str, message: dict[str, Any]) -> Plan[None]:
        """Plan: a message that was received, but reached nobody, goes to the front again."""
        requests, read = self.put_back_part(ops.PutBack(ops.Delivery(channel, message)))
        read((yield requests))

    def _request(self, delivery: ops.Delivery, attempts: int, side: str) -> Request:
        keys = self._rules.keyspace.queue(delivery.channel)
        payload = self._rules.codec.pack_message(delivery.content, delivery.channel)
        if self._acknowledged.has(keys):
            return self._acknowledged.put_request(keys, payload, attempts)
        kind, rest = kind_and_rest(keys, delivery.channel, payload)
        args = [*self._rules.lives_ms(keys), min(attempts, 255), kind, rest, side]
        return Request(self._rules.host_for(keys), scripts.PUT_BACK.call([keys.queue], args))
