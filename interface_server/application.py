"""The interface server as an ASGI application."""

import asyncio
import sys

from channels.layers.base import BaseChannelLayer
from channels.metrics import hooks
from channels.tracing import hooks as tracing
from interface_server.asgi import Receive, Scope, Send
from interface_server.hosts.refusal import Refusal, unwrap
from interface_server.http import Exchange
from interface_server.options import Options
from interface_server.probes import ServerProbes
from interface_server.process import ServerProcess
from interface_server.refused import refuse
from interface_server.scopes import judge_scope, mount
from interface_server.websocket import Socket


class InterfaceServer:
    """An ASGI application that passes HTTP and WebSocket on to the workers of a channel layer.

    Making one does no I/O. What a process needs is made on its event loop by the first request, or
    at the host server's lifespan startup, so that a host may import the application and fork.

    Args:
        layer: the channel layer.
        options: the Options; the defaults if None.
    """

    def __init__(self, layer: BaseChannelLayer, options: Options | None = None) -> None:
        self._layer = layer
        self._options = options or Options()
        prefix = self._options.health_path
        self._health_paths = {f"{prefix}/live", f"{prefix}/ready"} if prefix else set()
        self._processes: dict[asyncio.AbstractEventLoop, ServerProcess] = {}
        #: Who tells of its health and its figures.
        self.probes = ServerProbes(self, layer, needs_workers=self._options.needs_workers)
        #: Whether a host server without a lifespan has been asked to call `stop`.
        self.is_stopped_by_host = False
        #: Whether a Gate stands before the host server, and has judged what comes.
        self.is_gated = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self._live(receive, send)
            return
        if kind not in ("http", "websocket"):
            raise ValueError(f"an interface server can't serve {kind!r}: use http or websocket")
        process = self._processes.get(asyncio.get_running_loop())
        if process is None or not process.is_started:
            process = await self.start()
        if "daphne.server" in sys.modules:
            scope, receive, send = self._adapt_to_daphne(scope, receive, send)
        scope = mount(scope, self._options, process.proxy)
        if kind == "websocket":
            await Socket(process, scope, receive, send).run()
        elif scope["path"] in self._health_paths:
            await self._tell_health(scope["path"], send)
        elif (refusal := self._judge(scope)) is not None:
            await refuse(process, refusal, scope, receive, send)
        else:
            exchange = Exchange(process, scope, receive, send)
            is_watched = hooks.meter.is_on or tracing.tracer.is_on
            await (_watch(exchange, scope) if is_watched else exchange.run())

    def _adapt_to_daphne(
        self, scope: Scope, receive: Receive, send: Send
    ) -> tuple[Scope, Receive, Send]:
        """Return (scope, receive, send) with what Daphne leaves undone, if it has called."""
        from interface_server.hosts.daphne_io import adapt_daphne

        return adapt_daphne(self, scope, receive, send)

    def _judge(self, scope: Scope) -> Refusal | None:
        """Return why no worker is to see a request, or None."""
        if self.is_gated and scope.get("http_version") in ("1.0", "1.1"):
            return unwrap(scope)
        return judge_scope(scope)

    async def _tell_health(self, path: str, send: Send) -> None:
        """Answer, with no worker's help."""
        ask = self.probes.live if path.endswith("/live") else self.probes.ready
        verdict = await asyncio.to_thread(ask)
        body = verdict.text.encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": verdict.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    @property
    def processes(self) -> list[ServerProcess]:
        """What is held on each event loop that runs."""
        return [process for loop, process in self._processes.items() if not loop.is_closed()]

    async def start(self) -> ServerProcess:
        """Make what this process needs, if it is not there, and return it."""
        loop = asyncio.get_running_loop()
        process = self._processes.get(loop)
        if process is None:
            for old in [old for old in self._processes if old.is_closed()]:
                del self._processes[old]
            process = self._processes[loop] = ServerProcess(self._layer, self._options)
        await process.start()
        return process

    async def stop(self, code: int = 1001) -> None:
        """Turn away who comes, close sockets with `code`, let requests finish (see `grace_s`)."""
        process = self._processes.get(asyncio.get_running_loop())
        if process is not None:
            await process.stop(code)

    def _forget_stopped(self) -> None:
        loop = asyncio.get_running_loop()
        if loop in self._processes and self._processes[loop].is_stopping:
            del self._processes[loop]

    async def _live(self, receive: Receive, send: Send) -> None:
        """Follow the ASGI lifespan protocol."""
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                self._forget_stopped()
                process = await self.start()
                if process.link.refusal is not None:
                    await process.stop()
                    await send(
                        {"type": "lifespan.startup.failed", "message": str(process.link.refusal)}
                    )
                    return
                await send({"type": "lifespan.startup.complete"})
            elif event["type"] == "lifespan.shutdown":
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _watch(exchange: Exchange, scope: Scope) -> None:
    """Run an exchange, and tell those who count or trace of it."""
    attributes = {
        "headers": scope["headers"],
        "http.request.method": scope["method"],
        "url.path": scope["path"],
        "url.scheme": scope.get("scheme", "http"),
    }
    hooks.meter.request_opened()
    try:
        with tracing.tracer.receive("http.request", attributes):
            await exchange.run()
    finally:
        hooks.meter.request_ended()
