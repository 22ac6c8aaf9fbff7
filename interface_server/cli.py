"""The `interface-server` command."""

import importlib
import logging
import resource
import sys
import traceback

import click

from channels.exceptions import LayerUnavailable, PrefixTaken
from interface_server.access_log import AccessLog
from interface_server.application import InterfaceServer
from interface_server.hosts.settings import HostSettings, Listen
from interface_server.loading import CannotLoad, load_layer
from interface_server.options import Options
from interface_server.proxy import ProxyHeaders

#: As in Daphne 1.x.
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000

_DEFAULTS = Options()
_LEVELS = {0: logging.WARNING, 1: logging.INFO}


class _Option(click.Option):
    """An option that may be written with hyphens and with underscores; help shows the hyphens."""

    def get_help_record(self, context):
        everything, self.opts = self.opts, [name for name in self.opts if "_" not in name]
        try:
            return super().get_help_record(context)
        finally:
            self.opts = everything


def _option(*names, **settings):
    """A click option under its names, the last of which is the long one, in both spellings."""
    *short, long = names
    body = long[2:].replace("-", "_")
    spellings = dict.fromkeys(["--" + body.replace("_", "-"), "--" + body])
    return click.option(*short, *spellings, body, cls=_Option, **settings)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("channel_layer")
@_option("-p", "--port", type=click.IntRange(0, 65535), help="Port to listen on.  [8000]")
@_option("-b", "--bind", help="Address to listen on.  [127.0.0.1]")
@_option("-u", "--unix-socket", help="Unix socket to listen on, instead of a port.")
@_option("--fd", type=click.IntRange(0), help="File descriptor of a socket that listens already.")
@_option(
    "-e",
    "--endpoint",
    multiple=True,
    help="Twisted endpoint to listen on, as in ssl:443:privateKey=… (Daphne only; repeatable).",
)
@_option(
    "--server",
    type=click.Choice(["daphne", "uvicorn"]),
    default="daphne",
    show_default=True,
    help="What speaks HTTP and WebSocket.",
)
@_option(
    "-t",
    "--http-timeout",
    type=float,
    default=_DEFAULTS.http_timeout_s,
    show_default=True,
    help="Seconds until a request without a reply gets 503.",
)
@_option(
    "--head-timeout",
    type=click.FloatRange(0.1),
    default=60,
    show_default=True,
    help="Seconds that the head of a request may take to arrive.",
)
@_option(
    "--websocket-connect-timeout",
    type=float,
    default=_DEFAULTS.websocket_connect_timeout_s,
    show_default=True,
    help="Seconds until a handshake without an answer gets 503; -1: never.",
)
@_option(
    "--websocket-timeout",
    type=float,
    default=-1,
    show_default=True,
    help="Seconds that a socket may live; -1: as long as it likes.",
)
@_option(
    "--ping-interval",
    type=float,
    default=20,
    show_default=True,
    help="Seconds without a frame after which a socket is pinged.",
)
@_option(
    "--ping-timeout",
    type=float,
    default=30,
    show_default=True,
    help="Seconds that the answer to a ping may take before the socket is closed.",
)
@_option(
    "--ws-protocol",
    multiple=True,
    help="WebSocket subprotocol to agree to if the consumer names none (repeatable).",
)
@_option("--root-path", default="", help="Where the application is mounted (SCRIPT_NAME).")
@_option("--proxy-headers", is_flag=True, help="Believe X-Forwarded-For, -Port and -Proto.")
@_option(
    "--trusted-proxy",
    multiple=True,
    default=_DEFAULTS.trusted_proxies,
    show_default=True,
    help="Address or network whose X-Forwarded headers are believed, * for all (repeatable). "
    "Unix sockets are always.",
)
@_option(
    "--max-body-bytes",
    type=click.IntRange(0),
    default=_DEFAULTS.max_body_bytes,
    show_default=True,
    help="Largest request body; above it, 413.  0: no limit.",
)
@_option(
    "--max-frame-bytes",
    type=click.IntRange(1),
    default=_DEFAULTS.max_frame_bytes,
    show_default=True,
    help="Largest frame from a client; above it, 1009.",
)
@_option(
    "--max-frames-per-second",
    type=click.IntRange(1),
    help="Frames a second from one socket; above it, 1008.  [no limit]",
)
@_option(
    "--max-sockets-per-address",
    type=click.IntRange(1),
    help="Sockets from one client address; above it, 429.  [no limit]",
)
@_option(
    "--outbox-messages",
    type=click.IntRange(1),
    default=_DEFAULTS.outbox_messages,
    show_default=True,
    help="Messages that may wait for a slow socket; above it, 1013.",
)
@_option(
    "--outbox-bytes",
    type=click.IntRange(1),
    default=_DEFAULTS.outbox_bytes,
    show_default=True,
    help="Bytes that may wait for a slow socket; above it, 1013.",
)
@_option(
    "--ws-compression",
    is_flag=True,
    help="Agree to permessage-deflate (uvicorn only).",
)
@_option(
    "--grace",
    type=click.FloatRange(0),
    default=_DEFAULTS.grace_s,
    show_default=True,
    help="Seconds that running requests get to finish after SIGTERM.",
)
@_option("--access-log", help="File to append the access log to; - for stdout.  [- from -v 1 on]")
@_option("-v", "--verbosity", type=click.IntRange(0, 3), default=1, show_default=True)
@_option("--force-sync", is_flag=True, help="Accepted for old command lines; has no effect.")
@click.version_option(package_name="channels-classic")
def command(channel_layer, **arguments):
    """Serve HTTP and WebSocket for the workers of CHANNEL_LAYER, written as
    my_project.asgi:channel_layer."""
    verbosity = arguments["verbosity"]
    logging.basicConfig(
        level=_LEVELS.get(verbosity, logging.DEBUG),
        format="%(asctime)-15s %(levelname)-8s %(message)s",
    )
    if arguments["force_sync"]:
        click.echo("--force-sync has no effect: there is no synchronous mode any more", err=True)
    listen = _read_listen(arguments)
    host = _import_host(arguments["server"])
    layer = _load(channel_layer, verbosity)
    _check_neighbours(layer)
    options = _read_options(arguments)
    settings = _read_settings(arguments, options, channel_layer)
    _allow_many_files()
    try:
        host.run(InterfaceServer(layer, options), listen, settings)
    except OSError as error:
        raise click.ClickException(f"can't listen: {error}") from error


def _read_listen(arguments):
    host, port, unix_socket = arguments["bind"], arguments["port"], arguments["unix_socket"]
    places = [unix_socket, arguments["fd"], *arguments["endpoint"]]
    if host is not None or port is not None or all(place is None for place in places):
        host = host or DEFAULT_HOST
        port = DEFAULT_PORT if port is None else port
        places.append(port)
    if arguments["server"] == "uvicorn":
        if arguments["endpoint"]:
            raise click.UsageError("--endpoint is Twisted's: it needs --server daphne")
        if len([place for place in places if place is not None]) > 1:
            raise click.UsageError("--server uvicorn listens in one place only")
    return Listen(host, port, unix_socket, arguments["fd"], arguments["endpoint"])


def _import_host(name):
    try:
        return importlib.import_module(f"interface_server.hosts.{name}")
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise click.ClickException(
            f"{name} is not installed: pip install channels-classic[{name}]"
        ) from error


def _load(path, verbosity):
    try:
        layer = load_layer(path)
    except CannotLoad as error:
        if verbosity > 1:
            traceback.print_exc()
        raise click.ClickException(str(error)) from error
    if getattr(getattr(layer, "channel_layer", layer), "is_local", False):
        click.echo(
            f"{path} works within one process only, so no worker can serve what comes in here: "
            "use Redis in CHANNEL_LAYERS, or manage.py runserver",
            err=True,
        )
    return layer


def _check_neighbours(layer):
    try:
        layer.check_neighbours()
    except PrefixTaken as error:
        raise click.ClickException(str(error)) from error
    except LayerUnavailable:
        pass  # which is told once the server runs


def _read_options(arguments):
    try:
        proxy = ProxyHeaders(arguments["trusted_proxy"]) if arguments["proxy_headers"] else None
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint="--trusted-proxy") from error
    return Options(
        http_timeout_s=_limit(arguments["http_timeout"]),
        websocket_connect_timeout_s=_limit(arguments["websocket_connect_timeout"]),
        websocket_timeout_s=_limit(arguments["websocket_timeout"]),
        websocket_protocols=arguments["ws_protocol"],
        root_path=arguments["root_path"],
        proxy_headers=arguments["proxy_headers"],
        trusted_proxies=arguments["trusted_proxy"],
        max_body_bytes=arguments["max_body_bytes"] or None,
        max_frame_bytes=arguments["max_frame_bytes"],
        max_frames_per_s=arguments["max_frames_per_second"],
        max_sockets_per_address=arguments["max_sockets_per_address"],
        outbox_messages=arguments["outbox_messages"],
        outbox_bytes=arguments["outbox_bytes"],
        grace_s=arguments["grace"],
        access_log=_open_access_log(arguments, proxy),
    )


def _limit(seconds):
    """Daphne 1.x writes "for ever" as -1."""
    return None if seconds < 0 else seconds


def _open_access_log(arguments, proxy):
    name = arguments["access_log"] or ("-" if arguments["verbosity"] else None)
    if name is None:
        return None
    if name == "-":
        sys.stdout.reconfigure(line_buffering=True)
        return AccessLog(sys.stdout, proxy)
    try:
        return AccessLog(open(name, "a", buffering=1), proxy)
    except OSError as error:
        raise click.ClickException(f"can't write the access log: {error}") from error


def _read_settings(arguments, options, path):
    def tell(urls):
        click.echo(f"Listening on {', '.join(urls)} for {path} ({arguments['server']})", err=True)

    return HostSettings(
        ping_interval_s=arguments["ping_interval"],
        ping_timeout_s=arguments["ping_timeout"],
        head_timeout_s=arguments["head_timeout"],
        max_frame_bytes=options.max_frame_bytes,
        max_body_bytes=options.max_body_bytes,
        max_header_bytes=options.max_header_bytes,
        grace_s=options.grace_s,
        compresses_frames=arguments["ws_compression"],
        verbosity=arguments["verbosity"],
        on_listening=tell,
    )


def _allow_many_files():
    """Each socket takes a file descriptor, and many systems begin with 1,024 of them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def spread_protocols(arguments):
    """Return a command line in which `--ws-protocol a b`, as 1.x took it, names each apart.

    A subprotocol holds no colon (RFC 6455, section 4.1), and a channel layer does.
    """
    spread, is_naming = [], False
    for argument in arguments:
        if argument in ("--ws-protocol", "--ws_protocol"):
            is_naming = True
        elif is_naming and not argument.startswith("-") and ":" not in argument:
            spread += ["--ws-protocol", argument]
        else:
            is_naming = False
            spread.append(argument)
    return spread


def main():
    """Run the command with the arguments of this process."""
    command(spread_protocols(sys.argv[1:]))
