"""The layers that CHANNEL_LAYERS describes, and the object an `asgi.py` hands to its server."""

from __future__ import annotations

import importlib
import inspect
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from channels.package_checks import check_names

check_names()  # before what another package of this name lacks is imported

from channels.exceptions import InvalidChannelLayerError, LayerUnavailable  # noqa: E402
from channels.startup.installed import find_missing_app  # noqa: E402

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer
    from channels.routing import Router
    from interface_server.application import InterfaceServer
    from interface_server.asgi import Receive, Scope, Send


__all__ = [
    "ChannelLayerManager",
    "ChannelLayerWrapper",
    "InvalidChannelLayerError",
    "channel_layers",
    "get_channel_layer",
]

_FOR_CHANNELS_REDIS = "channels.layers.redis.channels_redis.ChannelsRedisLayer"

logger = logging.getLogger("interface_server")

if TYPE_CHECKING:
    # It answers the layer's own methods: a type checker is to know them.
    _AnyLayer = BaseChannelLayer
else:
    _AnyLayer = object

_OLD_BACKENDS = {
    "asgi_redis.RedisChannelLayer": "channels.layers.redis.RedisChannelLayer",
    "asgi_redis.core.RedisChannelLayer": "channels.layers.redis.RedisChannelLayer",
    "asgi_redis.RedisLocalChannelLayer": "channels.layers.redis.RedisLocalChannelLayer",
    "asgi_redis.RedisSentinelChannelLayer": "channels.layers.redis.RedisSentinelChannelLayer",
    "asgi_rabbitmq.RabbitmqChannelLayer": "channels.layers.rabbitmq.RabbitmqChannelLayer",
    "asgi_ipc.IPCChannelLayer": "channels.layers.local.LocalChannelLayer",
    "asgiref.inmemory.ChannelLayer": "channels.layers.memory.MemoryChannelLayer",
    "channels.layers.InMemoryChannelLayer": "channels.layers.memory.MemoryChannelLayer",
    "channels_redis.core.RedisChannelLayer": _FOR_CHANNELS_REDIS,
    "channels_redis.pubsub.RedisPubSubChannelLayer": _FOR_CHANNELS_REDIS,
}


class ChannelLayerManager:
    """The layers of CHANNEL_LAYERS by alias, each made when it is first asked for."""

    def __init__(self) -> None:
        self.backends: dict[str, ChannelLayerWrapper] = {}
        self._made: dict[str, ChannelLayerWrapper] = {}
        self._lock = threading.Lock()

    @property
    def configs(self) -> dict[str, dict[str, Any]]:
        """CHANNEL_LAYERS, read when asked: importing this module must not need settings."""
        from django.conf import settings

        configs: dict[str, dict[str, Any]] = getattr(settings, "CHANNEL_LAYERS", {})
        return configs

    def make_backend(self, name: str) -> ChannelLayerWrapper:
        """Return a new layer from its CONFIG. Raises InvalidChannelLayerError."""
        return self._make(name, self._entry(name).get("CONFIG", {}))

    def make_test_backend(self, name: str) -> ChannelLayerWrapper:
        """Return a new layer from its TEST_CONFIG. Raises InvalidChannelLayerError."""
        entry = self._entry(name)
        if "TEST_CONFIG" not in entry:
            raise InvalidChannelLayerError(f"CHANNEL_LAYERS[{name!r}] has no TEST_CONFIG: add one")
        return self._make(name, entry["TEST_CONFIG"])

    def _entry(self, name: str) -> dict[str, Any]:
        configs = self.configs
        if name not in configs:
            known = ", ".join(map(repr, configs)) or "none"
            raise InvalidChannelLayerError(
                f"no channel layer {name!r} in CHANNEL_LAYERS (it has: {known}): add it in settings"
            )
        return configs[name]

    def _make(self, name: str, config: Mapping[str, Any]) -> ChannelLayerWrapper:
        entry = self._entry(name)
        if "BACKEND" not in entry:
            raise InvalidChannelLayerError(f"CHANNEL_LAYERS[{name!r}] has no BACKEND: add it")
        backend_class = load_backend(entry["BACKEND"], name)
        try:
            layer = backend_class(**config)
        except (TypeError, ValueError) as error:
            raise InvalidChannelLayerError(
                f"CHANNEL_LAYERS[{name!r}]: {entry['BACKEND']} does not take this CONFIG: {error}"
            ) from error
        except LayerUnavailable as error:
            raise InvalidChannelLayerError(f"CHANNEL_LAYERS[{name!r}]: {error}") from error
        return ChannelLayerWrapper(
            layer, name, entry.get("ROUTING", []), entry.get("MIDDLEWARE", ())
        )

    def __getitem__(self, key: str) -> ChannelLayerWrapper:
        try:
            return self.backends[key]
        except KeyError:
            pass
        with self._lock:
            if key not in self.backends:
                self.backends[key] = self._made[key] = self.make_backend(key)
            return self.backends[key]

    def __contains__(self, key: str) -> bool:
        return key in self.configs

    def __iter__(self) -> Iterator[str]:
        return iter(self.configs)

    def set(self, key: str, layer: ChannelLayerWrapper | None) -> ChannelLayerWrapper | None:
        """Let alias `key` mean `layer` from now on; return what it meant before, or None."""
        old = self.backends.pop(key, None)
        if layer is not None:
            self.backends[key] = layer
        return old

    def forget_made(self) -> None:
        """Make the layers of CHANNEL_LAYERS anew; those that were `set` stay."""
        for key, layer in self._made.items():
            if self.backends.get(key) is layer:
                del self.backends[key]
        self._made.clear()


def load_backend(path: str, alias: str) -> Callable[..., Any]:
    """Return the layer class at dotted `path`; old backend names lead to today's layers."""
    module_name, _, class_name = _OLD_BACKENDS.get(path, path).rpartition(".")
    try:
        backend: Callable[..., Any] = getattr(importlib.import_module(module_name), class_name)
        return backend
    except Exception as error:
        raise InvalidChannelLayerError(
            f"CHANNEL_LAYERS[{alias!r}]: can't import BACKEND {path!r}: {error}"
        ) from error


def _import_middleware(path: str, alias: str) -> Callable[..., Any]:
    module_name, _, name = path.rpartition(".")
    try:
        middleware: Callable[..., Any] = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidChannelLayerError(
            f"CHANNEL_LAYERS[{alias!r}]: can't import MIDDLEWARE {path!r}: {error}"
        ) from error
    if not callable(middleware):
        raise InvalidChannelLayerError(
            f"CHANNEL_LAYERS[{alias!r}]: MIDDLEWARE {path!r} is not callable: name a function that "
            "takes a consumer and returns one"
        )
    return middleware


class ChannelLayerWrapper(_AnyLayer):
    """A layer with its alias and its routing; it answers the layer's own methods too.

    It is also an ASGI application: called with (scope, receive, send) it serves HTTP and WebSocket
    as an interface server, which needs the layer, but never the routing.
    """

    def __init__(
        self,
        channel_layer: BaseChannelLayer,
        alias: str,
        routing: Any,
        middleware: Sequence[str] = (),
    ) -> None:
        self.channel_layer = channel_layer
        self.alias = alias
        self.routing = routing
        self.middleware_paths = middleware
        self._router: Router | None = None
        self._application: InterfaceServer | None = None

    def __getattr__(self, name: str) -> Any:
        if name == "channel_layer":  # not there yet: a copy or an unpickling in progress
            raise AttributeError(name)
        try:
            value = getattr(self.channel_layer, name)
        except AttributeError as error:
            if hasattr(self.channel_layer, "group_send"):  # a verb of Channels 2 and later
                raise AttributeError(
                    f"the channel layer {self} is made for Channels 2 and later, and has no "
                    f"{name!r}: reach it by channels.layers.get_channel_layer(); consumers of 1.x, "
                    "Channel and Group need a layer of channels.layers"
                ) from error
            raise
        if inspect.ismethod(value):
            self.__dict__[name] = value  # found without this detour from now on
        return value

    @property
    def router(self) -> Router:
        """The Router over ROUTING and the default consumers; importing it imports the consumers."""
        if self._router is None:
            from channels.routing import Router

            self._router = Router(self.routing)
        return self._router

    @property
    def middleware(self) -> tuple[Callable[..., Any], ...]:
        """The callables that MIDDLEWARE names: each takes a consumer and returns one to be run in
        its place, the first one outermost. Raises InvalidChannelLayerError."""
        return tuple(_import_middleware(path, self.alias) for path in self.middleware_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._application is None:
            from channels.startup.rooms import load_room

            load_room("interface_server")
            from channels.metrics.serving import show_metrics_if_asked
            from interface_server.application import InterfaceServer
            from interface_server.options import Options

            if self.local_only():
                logger.warning(
                    "the channel layer %s works within one process only, so no worker elsewhere "
                    "can serve what comes in here: use Redis in CHANNEL_LAYERS, or manage.py "
                    "runserver",
                    self,
                )
            options = Options(**self.server_settings)
            self._application = InterfaceServer(self.channel_layer, options)
            show_metrics_if_asked(self._application.probes, self.channel_layer)
        await self._application(scope, receive, send)

    @property
    def server_settings(self) -> dict[str, Any]:
        """What Django's settings say of an interface server: arguments of its Options."""
        from django.conf import settings

        if not settings.configured:  # an interface server needs no project
            return {}
        found: dict[str, Any] = {}
        if protocols := getattr(settings, "CHANNELS_WS_PROTOCOLS", None):
            found["websocket_protocols"] = tuple(protocols)
        patience_s = getattr(settings, "CHANNELS_WEBSOCKET_PATIENCE", None)
        if patience_s is not None:
            found["websocket_patience_s"] = float(patience_s)
        return found

    def local_only(self) -> bool:
        """Whether the layer works within one process only."""
        return bool(getattr(self.channel_layer, "is_local", False))

    def __str__(self) -> str:
        kind = type(self.channel_layer)
        return f"{self.alias} ({kind.__module__}.{kind.__qualname__})"


def get_channel_layer(alias: str = "default") -> ChannelLayerWrapper:
    """Return the layer `alias` of this project, ready to be served by an ASGI server.

    Neither consumers nor models are imported: the process that calls this runs none of them.
    Raises InvalidChannelLayerError, also if 'channels' is not in INSTALLED_APPS.
    """
    problem = find_missing_app()
    if problem:
        raise InvalidChannelLayerError(problem)
    return channel_layers[alias]


#: The layers of this process.
channel_layers = ChannelLayerManager()


def __getattr__(name: str) -> Any:
    """`channels.asgi:channel_layer` serves a project whose asgi.py makes no channel layer."""
    if name == "channel_layer":
        return get_channel_layer()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
