"""The `interface-server` command."""

from __future__ import annotations

import logging
import resource
import sys
import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from channels.exceptions import LayerRefused, LayerUnavailable, PrefixTaken
from channels.logs.formats import make_formatter
from channels.metrics.notifying import start_notifying
from channels.metrics.serving import CannotShow, show_metrics
from channels.tracing.starting import CannotTrace, start_tracing
from interface_server.access_log import AccessLog
from interface_server.application import InterfaceServer
from interface_server.flags import with_flags
from interface_server.hosts import HostMissing, load_host
from interface_server.hosts.contract import HostServer
from interface_server.hosts.private_names import UnknownRelease
from interface_server.hosts.settings import HostSettings, Listen
from interface_server.loading import CannotLoad, load_layer
from interface_server.options import Options
from interface_server.proxy import ProxyHeaders

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer

#: As in Daphne 1.x.
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000

Arguments = dict[str, Any]

logger = logging.getLogger("interface_server")

_LEVELS = {0: logging.WARNING, 1: logging.INFO}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("channel_layer", default="channels.asgi:channel_layer")
@with_flags
@click.version_option(package_name="channels-classic")
def command(channel_layer: str, **arguments: Any) -> None:
    """Serve HTTP and WebSocket for the workers of CHANNEL_LAYER, written as
    my_project.asgi:channel_layer.

    Without it, the layer "default" of the project that DJANGO_SETTINGS_MODULE names is served."""
    verbosity = arguments["verbosity"]
    shown = logging.StreamHandler()
    shown.setFormatter(make_formatter(arguments["log_format"]))
    logging.basicConfig(level=_LEVELS.get(verbosity, logging.DEBUG), handlers=[shown])
    if arguments["force_sync"]:
        click.echo("--force-sync has no effect: there is no synchronous mode any more", err=True)
    listen = _read_listen(arguments)
    host = _load_host(arguments["server"])
    layer = _load(channel_layer, verbosity)
    _check_neighbours(layer)
    options = _read_options(arguments, layer)
    settings = _read_settings(arguments, options, channel_layer)
    _allow_many_files()
    application = InterfaceServer(layer, options)
    try:
        if arguments["metrics"]:
            show_metrics(arguments["metrics"], application.probes, layer)
        if arguments["traces"]:
            start_tracing("channels-server")
        start_notifying(application.probes)
        host.run(application, listen, settings)
    except (CannotShow, CannotTrace) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"can't listen: {error}") from error


def _read_listen(arguments: Arguments) -> Listen:
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


def _load_host(name: str) -> HostServer:
    try:
        return load_host(name)
    except (HostMissing, UnknownRelease) as error:
        raise click.ClickException(str(error)) from error


def _load(path: str, verbosity: int) -> BaseChannelLayer:
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


def _check_neighbours(layer: BaseChannelLayer) -> None:
    try:
        layer.check_neighbours()
    except (PrefixTaken, LayerRefused) as error:
        raise click.ClickException(str(error)) from error
    except LayerUnavailable:
        pass  # which is told once the server runs


def _read_options(arguments: Arguments, layer: BaseChannelLayer) -> Options:
    try:
        proxy = ProxyHeaders(arguments["trusted_proxy"]) if arguments["proxy_headers"] else None
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint="--trusted-proxy") from error
    return Options(
        http_timeout_s=_limit(arguments["http_timeout"]),
        websocket_connect_timeout_s=_limit(arguments["websocket_connect_timeout"]),
        websocket_patience_s=_read_patience(arguments, layer),
        websocket_timeout_s=_limit(arguments["websocket_timeout"]),
        websocket_protocols=_read_protocols(arguments, layer),
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
        health_path=_read_health_path(arguments["health_path"]),
        needs_workers=arguments["need_workers"],
        access_log=_open_access_log(arguments, proxy),
    )


def _read_protocols(arguments: Arguments, layer: BaseChannelLayer) -> tuple[str, ...]:
    """What the flags name, or the project's settings."""
    given: tuple[str, ...] = arguments["ws_protocol"]
    said: tuple[str, ...] = getattr(layer, "server_settings", {}).get("websocket_protocols", ())
    return given or said


def _read_patience(arguments: Arguments, layer: BaseChannelLayer) -> float:
    """What the flag says, or the project's settings, or else the default."""
    given: float | None = arguments["websocket_patience"]
    if given is not None:
        return given
    patience_s: float = getattr(layer, "server_settings", {}).get(
        "websocket_patience_s", Options.websocket_patience_s
    )
    return patience_s


def _read_health_path(path: str | None) -> str:
    if path and not path.startswith("/"):
        raise click.BadParameter(f"{path!r} must begin with /", param_hint="--health-path")
    return (path or "").rstrip("/")


def _limit(seconds: float) -> float | None:
    """Daphne 1.x writes "for ever" as -1."""
    return None if seconds < 0 else seconds


def _open_access_log(arguments: Arguments, proxy: ProxyHeaders | None) -> AccessLog | None:
    name = arguments["access_log"] or ("-" if arguments["verbosity"] else None)
    if name is None:
        return None
    try:
        shown = logging.StreamHandler(sys.stdout) if name == "-" else logging.FileHandler(name)
    except OSError as error:
        raise click.ClickException(f"can't write the access log: {error}") from error
    shown.setFormatter(make_formatter(arguments["log_format"], "%(message)s"))
    accesses = logging.getLogger("interface_server.access")
    accesses.handlers, accesses.propagate = [shown], False
    accesses.setLevel(logging.INFO)
    return AccessLog(accesses, proxy)


def _read_settings(arguments: Arguments, options: Options, path: str) -> HostSettings:
    def tell(urls: list[str]) -> None:
        text = f"Listening on {', '.join(urls)} for {path} ({arguments['server']})"
        if arguments["log_format"] == "json":
            logger.info(text)
        else:
            click.echo(text, err=True)

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


def _allow_many_files() -> None:
    """Each socket takes a file descriptor, and many systems begin with 1,024 of them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def spread_protocols(arguments: Iterable[str]) -> list[str]:
    """Return a command line in which `--ws-protocol a b`, as 1.x took it, names each apart.

    A subprotocol holds no colon (RFC 6455, section 4.1), and a channel layer does.
    """
    spread: list[str] = []
    is_naming = False
    for argument in arguments:
        if argument in ("--ws-protocol", "--ws_protocol"):
            is_naming = True
        elif is_naming and not argument.startswith("-") and ":" not in argument:
            spread += ["--ws-protocol", argument]
        else:
            is_naming = False
            spread.append(argument)
    return spread


def main(name: str | None = None) -> None:
    """Run the command with the arguments of this process; `name` is what help calls it."""
    command(spread_protocols(sys.argv[1:]), prog_name=name)
