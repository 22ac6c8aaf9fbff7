"""The metrics there are: their names, what they mean, their labels. No label is without bounds."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Described:
    """A metric.

    Attributes:
        kind: "counter" (Prometheus shows it with _total behind), "gauge" or "histogram".
        help: what it means.
        labels: by what it is told apart.
        where: "server", "worker" or "both".
    """

    kind: str
    help: str
    labels: tuple[str, ...] = ()
    where: str = "both"


def _counter(help: str, *labels: str, where: str = "both") -> Described:
    return Described("counter", help, labels, where)


def _gauge(help: str, *labels: str, where: str = "both") -> Described:
    return Described("gauge", help, labels, where)


def _histogram(help: str, *labels: str, where: str = "both") -> Described:
    return Described("histogram", help, labels, where)


METRICS: dict[str, Described] = {
    "channels_requests_open": _gauge("HTTP requests that are under way", where="server"),
    "channels_requests_opened": _counter("HTTP requests that came in", where="server"),
    "channels_requests_refused": _counter(
        "HTTP requests that the interface server answered itself", "reason", where="server"
    ),
    "channels_request_first_byte_seconds": _histogram(
        "From the arrival of a request to the first byte of its response", where="server"
    ),
    "channels_sockets_open": _gauge("WebSockets that are open", where="server"),
    "channels_sockets_opened": _counter("Handshakes that were accepted", where="server"),
    "channels_sockets_refused": _counter("Handshakes that were refused", "reason", where="server"),
    "channels_sockets_closed": _counter(
        "Open sockets that were closed, by close code", "code", where="server"
    ),
    "channels_messages_sent": _counter("Messages sent to a channel", "channel"),
    "channels_group_sends": _counter("Messages sent to a group, whatever its size"),
    "channels_messages_received": _counter("Messages taken from a channel", "channel"),
    "channels_messages_lost": _counter(
        "Messages that were lost or refused, as this process saw it", "channel", "reason"
    ),
    "channels_messages_retried": _counter(
        "Retries that consumers asked for", "channel", where="worker"
    ),
    "channels_messages_dead_lettered": _counter(
        "Messages that were given up and kept", "channel", where="worker"
    ),
    "channels_message_wait_seconds": _histogram(
        "How long a message waited in its channel before a worker took it",
        "channel",
        where="worker",
    ),
    "channels_consumer_run_seconds": _histogram(
        "How long a consumer ran, or a handler of a class consumer for an event",
        "channel",
        "consumer",
        where="worker",
    ),
    "channels_engine_up": _gauge("1 if the channel layer's engine answers, 0 if it does not"),
    "channels_engine_round_trip_seconds": _histogram("How long the engine took for a pipeline"),
    "channels_engine_connections_lost": _counter("Connections to the engine that broke"),
    "channels_link_restarts": _counter(
        "How often the engine had forgotten this interface server", where="server"
    ),
    "channels_channel_messages": _gauge("Messages that wait on a channel now", "channel"),
    "channels_channel_oldest_message_seconds": _gauge(
        "How long the oldest message of a channel has waited", "channel"
    ),
    "channels_channel_workers": _gauge("Live workers that take a channel", "channel"),
    "channels_worker_threads": _gauge("Threads that run consumers", where="worker"),
    "channels_worker_threads_busy": _gauge("Threads that run a consumer now", where="worker"),
    "channels_worker_sockets": _gauge("Sockets of class consumers hosted here", where="worker"),
    "channels_hand_overs": _counter(
        "Instances of class consumers that were to move: given to another worker, taken from one, "
        "stayed as their state can't travel, or failed to go on here",
        "result",
        where="worker",
    ),
    "channels_hand_over_seconds": _histogram(
        "From the wish to give an instance away until another worker has it", where="worker"
    ),
}
