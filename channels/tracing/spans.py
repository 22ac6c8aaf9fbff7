"""The Tracer that makes spans of OpenTelemetry (needs opentelemetry-api).

Names follow its conventions for messaging, and are few: `receive http.request`, `wait mail`,
`process mail`, `send websocket.send`, `send group`, `deliver websocket.send`. A reply channel, a
path or a group is never a name; the path is an attribute.
"""

import contextlib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from channels.metrics.counting import kind_of_channel
from channels.tracing.hooks import KEY, Span, Tracer

_propagator = TraceContextTextMapPropagator()


class _Recorded(Span):
    """A span of OpenTelemetry."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def note(self, name: str, value: Any) -> None:
        self._span.set_attribute(name, value)

    def fail(self, error: BaseException) -> None:
        self._span.record_exception(error)
        self._span.set_status(Status(StatusCode.ERROR, str(error) or type(error).__name__))


class OpenTelemetryTracer(Tracer):
    """Makes spans with the TracerProvider that is there (by default the global one)."""

    is_on = True

    def __init__(self, provider: trace.TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("channels", tracer_provider=provider)

    @contextlib.contextmanager
    def receive(self, channel: str, attributes: Mapping[str, Any]) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            f"receive {channel}",
            context=_read(attributes.get("headers", ())),
            kind=SpanKind.SERVER,
            attributes={key: value for key, value in attributes.items() if key != "headers"},
        ) as span:
            yield _Recorded(span)

    def carry(self, message: MutableMapping[str, Any], receive: str = "") -> None:
        if receive:
            with self._tracer.start_as_current_span(
                f"receive {receive}",
                context=_read(message.get("headers", ())),
                kind=SpanKind.SERVER,
                attributes=_messaging(receive),
            ):
                _propagator.inject(message)
        else:
            _propagator.inject(message)

    @contextlib.contextmanager
    def process(
        self, channel: str, consumer: str, message: Mapping[str, Any], sent_at: float | None = None
    ) -> Iterator[Span]:
        kind = kind_of_channel(channel)
        parent = _parent_in(message)
        if _is_left_out(parent):
            token = context.attach(parent)
            try:
                yield Span()
            finally:
                context.detach(token)
            return
        attributes = {**_messaging(kind), "code.function.name": consumer}
        if sent_at is not None:
            waited = self._tracer.start_span(
                f"wait {kind}", parent, start_time=int(sent_at * 1e9), attributes=_messaging(kind)
            )
            waited.end()
        with self._tracer.start_as_current_span(
            f"process {kind}", parent, kind=SpanKind.CONSUMER, attributes=attributes
        ) as span:
            yield _Recorded(span)

    def send(self, channel: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
        if not isinstance(message, Mapping):
            return message  # which its packing will refuse
        kind = kind_of_channel(channel) if channel else "group"
        carried = dict(message)
        if _is_left_out():
            _propagator.inject(carried)
            return carried
        with self._tracer.start_as_current_span(
            f"send {kind}", kind=SpanKind.PRODUCER, attributes=_messaging(kind)
        ):
            _propagator.inject(carried)
        return carried

    def deliver(self, message: Mapping[str, Any], count: int) -> None:
        if KEY not in message:
            return
        parent = _parent_in(message)
        if _is_left_out(parent):
            return
        kind = "http.response" if "status" in message or "content" in message else "websocket.send"
        span = self._tracer.start_span(
            f"deliver {kind}",
            parent,
            kind=SpanKind.CONSUMER,
            attributes={**_messaging(kind), "channels.clients": count},
        )
        span.end()

    def note(self, name: str, value: Any) -> None:
        trace.get_current_span().set_attribute(name, value)

    def ids(self) -> Mapping[str, str]:
        found = trace.get_current_span().get_span_context()
        if not found.is_valid:
            return {}
        return {
            "trace_id": trace.format_trace_id(found.trace_id),
            "span_id": trace.format_span_id(found.span_id),
        }


def _is_left_out(where: context.Context | None = None) -> bool:
    """Whether a sampler has left out the trace of a context (None: what is under way here).

    What follows in such a trace is left out with it, as by every sampler that goes by the parent;
    to ask the SDK for each span would cost 9 us.
    """
    found = trace.get_current_span(where).get_span_context()
    return found.is_valid and not found.trace_flags.sampled


def _messaging(kind: str) -> dict[str, Any]:
    return {"messaging.system": "channels", "messaging.destination.name": kind}


def _parent_in(message: Mapping[str, Any]) -> context.Context:
    """The context that a message carries; none of what is under way here is its parent."""
    carried = message.get(KEY)
    carrier = {KEY: carried} if isinstance(carried, str) else {}
    return _propagator.extract(carrier, context.Context())


def _read(headers: Any) -> context.Context:
    """The context that a client's headers carry."""
    for name, value in headers:
        if name == b"traceparent":
            return _propagator.extract({KEY: value.decode("latin-1")}, context.Context())
    return context.Context()
