"""The flags of the `interface-server` command: those of Daphne 1.x, and our own."""

from collections.abc import Callable
from typing import Any

import click

from channels.logs.formats import FORMATS
from interface_server.hosts import HOST_NAMES
from interface_server.options import Options

FlagDecorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_DEFAULTS = Options()


class _TwoSpellings(click.Option):
    """An option that may be written with hyphens and with underscores; help shows the hyphens."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        everything, self.opts = self.opts, [name for name in self.opts if "_" not in name]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = everything


def _flag(*names: str, **settings: Any) -> FlagDecorator:
    """A click option under its names, the last of which is the long one, in both spellings."""
    *short, long = names
    body = long[2:].replace("-", "_")
    spellings = dict.fromkeys(["--" + body.replace("_", "-"), "--" + body])
    return click.option(*short, *spellings, body, cls=_TwoSpellings, **settings)


_FLAGS = (
    _flag("-p", "--port", type=click.IntRange(0, 65535), help="Port to listen on.  [8000]"),
    _flag("-b", "--bind", help="Address to listen on.  [127.0.0.1]"),
    _flag("-u", "--unix-socket", help="Unix socket to listen on, instead of a port."),
    _flag("--fd", type=click.IntRange(0), help="File descriptor of a socket that listens already."),
    _flag(
        "-e",
        "--endpoint",
        multiple=True,
        help="Twisted endpoint to listen on, as in ssl:443:privateKey=… (Daphne only; repeatable).",
    ),
    _flag(
        "--server",
        type=click.Choice(HOST_NAMES),
        default="daphne",
        show_default=True,
        help="What speaks HTTP and WebSocket.",
    ),
    _flag(
        "-t",
        "--http-timeout",
        type=float,
        default=_DEFAULTS.http_timeout_s,
        show_default=True,
        help="Seconds until a request without a reply gets 503.",
    ),
    _flag(
        "--head-timeout",
        type=click.FloatRange(0.1),
        default=60,
        show_default=True,
        help="Seconds that the head of a request may take to arrive.",
    ),
    _flag(
        "--websocket-connect-timeout",
        type=float,
        default=_DEFAULTS.websocket_connect_timeout_s,
        show_default=True,
        help="Seconds until a handshake without an answer gets 503; -1: never.",
    ),
    _flag(
        "--websocket-patience",
        type=click.FloatRange(0),
        help="Seconds that a frame may wait for room, or for the layer; then 1013.  [30]",
    ),
    _flag(
        "--websocket-timeout",
        type=float,
        default=-1,
        show_default=True,
        help="Seconds that a socket may live; -1: as long as it likes.",
    ),
    _flag(
        "--ping-interval",
        type=float,
        default=20,
        show_default=True,
        help="Seconds without a frame after which a socket is pinged.",
    ),
    _flag(
        "--ping-timeout",
        type=float,
        default=30,
        show_default=True,
        help="Seconds that the answer to a ping may take before the socket is closed.",
    ),
    _flag(
        "--ws-protocol",
        multiple=True,
        help="WebSocket subprotocol to agree to if the consumer names none (repeatable).",
    ),
    _flag("--root-path", default="", help="Where the application is mounted (SCRIPT_NAME)."),
    _flag("--proxy-headers", is_flag=True, help="Believe X-Forwarded-For, -Port and -Proto."),
    _flag(
        "--trusted-proxy",
        multiple=True,
        default=_DEFAULTS.trusted_proxies,
        show_default=True,
        help="Address or network whose X-Forwarded headers are believed, * for all (repeatable). "
        "Unix sockets are always.",
    ),
    _flag(
        "--max-body-bytes",
        type=click.IntRange(0),
        default=_DEFAULTS.max_body_bytes,
        show_default=True,
        help="Largest request body; above it, 413.  0: no limit.",
    ),
    _flag(
        "--max-frame-bytes",
        type=click.IntRange(1),
        default=_DEFAULTS.max_frame_bytes,
        show_default=True,
        help="Largest frame from a client; above it, 1009.",
    ),
    _flag(
        "--max-frames-per-second",
        type=click.IntRange(1),
        help="Frames a second from one socket; above it, 1008.  [no limit]",
    ),
    _flag(
        "--max-sockets-per-address",
        type=click.IntRange(1),
        help="Sockets from one client address; above it, 429.  [no limit]",
    ),
    _flag(
        "--outbox-messages",
        type=click.IntRange(1),
        default=_DEFAULTS.outbox_messages,
        show_default=True,
        help="Messages that may wait for a slow socket; above it, 1013.",
    ),
    _flag(
        "--outbox-bytes",
        type=click.IntRange(1),
        default=_DEFAULTS.outbox_bytes,
        show_default=True,
        help="Bytes that may wait for a slow socket; above it, 1013.",
    ),
    _flag(
        "--ws-compression",
        is_flag=True,
        help="Agree to permessage-deflate (uvicorn only).",
    ),
    _flag(
        "--grace",
        type=click.FloatRange(0),
        default=_DEFAULTS.grace_s,
        show_default=True,
        help="Seconds that running requests get to finish after SIGTERM.",
    ),
    _flag(
        "--metrics",
        metavar="[HOST:]PORT",
        help="Where Prometheus finds /metrics, and health is answered: /-/live and /-/ready.",
    ),
    _flag(
        "--health-path",
        metavar="PATH",
        help="Answer PATH/live and PATH/ready beside the site, too, as in --health-path=/-",
    ),
    _flag(
        "--need-workers",
        is_flag=True,
        help="Be ready only while a worker takes http.request.",
    ),
    _flag(
        "--traces",
        is_flag=True,
        help="Send spans to an OpenTelemetry collector, as OTEL_EXPORTER_OTLP_ENDPOINT says.",
    ),
    _flag("--access-log", help="File to append the access log to; - for stdout.  [- from -v 1 on]"),
    _flag(
        "--log-format",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="How log lines look, those of the access log too; json: one object for each.",
    ),
    _flag("-v", "--verbosity", type=click.IntRange(0, 3), default=1, show_default=True),
    _flag("--force-sync", is_flag=True, help="Accepted for old command lines; has no effect."),
)


def with_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: give a click command every flag, in the order of this file."""
    for flag in reversed(_FLAGS):
        function = flag(function)
    return function
