"""The address where a process answers Prometheus and orchestrators, in a thread of its own."""

from __future__ import annotations

import http.server
import importlib.util
import logging
import os
import socket
import threading
from typing import TYPE_CHECKING, Any, Protocol

from channels.metrics import hooks
from channels.metrics.counting import CountingMeter
from channels.metrics.health import Probes, Verdict

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer
    from channels.metrics.exposition import Watched

    class WatchedProcess(Watched, Probes, Protocol):
        """Who tells both of the figures of a process and of its health."""


logger = logging.getLogger("channels.metrics")

#: The address in the environment, where the host server is not ours and knows no --metrics.
VARIABLE = "CHANNELS_METRICS"
#: Where health is answered, unless --health-path says otherwise.
HEALTH_PATH = "/-"


class CannotShow(Exception):
    """--metrics can't be done; the text says why, and what to do."""


def parse_address(text: str) -> tuple[str, int]:
    """Read [HOST:]PORT; the host is 127.0.0.1 if none is named. Raises CannotShow."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise CannotShow(f"--metrics {text!r} is not [HOST:]PORT, as in 9400 or 0.0.0.0:9400")
    return host.strip("[]") or "127.0.0.1", int(port)


def start_counting(text: str) -> CountingMeter:
    """Count what happens from now on, to be shown at [HOST:]PORT. Raises CannotShow."""
    parse_address(text)
    if importlib.util.find_spec("prometheus_client") is None:
        raise CannotShow(
            "--metrics needs prometheus-client: pip install 'channels-classic[metrics]'"
        )
    meter = CountingMeter()
    hooks.install(meter, text)
    return meter


def show_metrics(address: str, probes: WatchedProcess, layer: BaseChannelLayer) -> MetricsServer:
    """Count what happens in this process from now on, and answer at [HOST:]PORT.

    Raises CannotShow.
    """
    meter = start_counting(address)
    from channels.metrics.exposition import make_registry

    return MetricsServer(address, make_registry(meter, probes, layer), probes)


def show_metrics_if_asked(probes: WatchedProcess, layer: BaseChannelLayer) -> None:
    """`show_metrics` at the address in CHANNELS_METRICS, if the environment has one: for host
    servers that know no flag of ours."""
    address = os.environ.get(VARIABLE)
    if not address:
        return
    try:
        show_metrics(address, probes, layer)
    except CannotShow as error:
        logger.error("%s=%s has no effect in this process: %s", VARIABLE, address, error)


class MetricsServer:
    """Answers /metrics, /-/live and /-/ready. Raises CannotShow if it can't listen.

    Args:
        address: [HOST:]PORT.
        registry: a prometheus_client.CollectorRegistry.
        probes: who tells of the process.
    """

    def __init__(self, address: str, registry: Any, probes: Probes) -> None:
        host, port = parse_address(address)

        class Handler(_Handler):
            pages = _Pages(registry, probes)

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            daemon_threads = True

        try:
            self._server = Server((host, port), Handler)
        except OSError as error:
            raise CannotShow(f"can't listen on {address} for --metrics: {error}") from error
        self.port: int = self._server.server_address[1]
        thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


class _Pages:
    """What is answered: (status, content type, body) for a path."""

    def __init__(self, registry: Any, probes: Probes) -> None:
        self._registry, self._probes = registry, probes

    def get(self, path: str, accept: str) -> tuple[int, str, bytes]:
        path = path.partition("?")[0]
        if path == "/metrics":
            from prometheus_client.exposition import choose_encoder

            encoder, content_type = choose_encoder(accept)
            return 200, content_type, encoder(self._registry)
        if path == f"{HEALTH_PATH}/live":
            return _answer(self._probes.live())
        if path == f"{HEALTH_PATH}/ready":
            return _answer(self._probes.ready())
        return 404, "text/plain", b"/metrics, /-/live, /-/ready\n"


def _answer(verdict: Verdict) -> tuple[int, str, bytes]:
    return verdict.status, "text/plain; charset=utf-8", verdict.text.encode()


class _Handler(http.server.BaseHTTPRequestHandler):
    pages: _Pages
    protocol_version = "HTTP/1.1"
    #: Seconds that a client may be silent.
    timeout = 30

    def do_GET(self) -> None:
        status, content_type, body = self.pages.get(self.path, self.headers.get("Accept", ""))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads a line for each scrape."""
