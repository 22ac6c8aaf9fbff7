"""What `--traces` does: spans go to a collector, as the environment's OTEL_* variables say."""

import os

from channels.tracing import hooks


class CannotTrace(Exception):
    """--traces can't be done; the text says why, and what to do."""


def start_tracing(service: str) -> None:
    """Make spans from now on.

    If the process has a TracerProvider already, they go there. Otherwise to the OpenTelemetry
    collector of OTEL_EXPORTER_OTLP_ENDPOINT (http://localhost:4318 if it is not set), as those of
    OTEL_SERVICE_NAME, or of `service`. Raises CannotTrace.
    """
    try:
        from opentelemetry import trace

        from channels.tracing.spans import OpenTelemetryTracer

        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            _provide(service)
    except ImportError as error:
        raise CannotTrace(
            f"--traces needs OpenTelemetry ({error}): pip install 'channels-classic[tracing]'"
        ) from error
    hooks.install(OpenTelemetryTracer())


def _provide(service: str) -> None:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME") or service
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
