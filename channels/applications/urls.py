"""`URLRouter`: which application a connection's path leads to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.urls.exceptions import Resolver404
from django.urls.resolvers import RegexPattern, RoutePattern, URLPattern, URLResolver

from channels.applications.shapes import (
    Receive,
    Scope,
    Send,
    call_once,
    callable_twice,
)


class URLRouter:
    """An ASGI application that hands a connection to the application at its path.

    Args:
        routes: a list of `django.urls.path()` and `re_path()`. Their view is an ASGI application:
            `MyConsumer.as_asgi()`, a consumer class as in Channels 2, or another URLRouter, which
            looks at what its route has left over.

    What the path holds is in `scope["url_route"]` as "args" and "kwargs", with those of the routers
    around this one; what is left of it in `scope["path_remaining"]`. Raises ImproperlyConfigured
    when made with `include()`. When called, raises ValueError if no route fits; a nested router
    raises Resolver404, upon which the one around it goes on with its next route.
    """

    #: This is no end of a path: a route that leads here matches its beginning only. Routers of
    #: others say so with the same name.
    _path_routing = True

    def __init__(self, routes: Iterable[Any]) -> None:
        self.routes = list(routes)
        for route in self.routes:
            _check_route(route)
            if getattr(route.callback, "_path_routing", False) is True:
                route.pattern = _open_end(route.pattern)
        self._applications = {route: call_once(route.callback) for route in self.routes}

    @callable_twice
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        path, is_nested = _find_path(scope)
        for route in self.routes:
            found = route.pattern.match(path)
            if not found:
                continue
            try:
                inner = _narrow(scope, found, route.default_args)
                return await self._applications[route](inner, receive, send)
            except Resolver404:
                continue  # a router below has no route for the rest
        if is_nested:
            raise Resolver404(f"No route found for path {path!r}.")
        raise ValueError(f"No route found for path {path!r}: add one to the URLRouter")


def _check_route(route: Any) -> None:
    if isinstance(route, URLResolver):
        raise ImproperlyConfigured(
            f"{route}: include() is not supported in URLRouter. Use nested URLRouter instances "
            "instead: path('chat/', URLRouter(chat.routing.websocket_urlpatterns))"
        )
    if not isinstance(route, URLPattern):
        raise ImproperlyConfigured(
            f"a URLRouter takes a list of path() and re_path(), got {type(route).__name__} "
            f"{route!r} in it"
        )


def _open_end(pattern: Any) -> Any:
    """The same pattern, for the beginning of a path."""
    for kind, text in ((RegexPattern, "_regex"), (RoutePattern, "_route")):
        if isinstance(pattern, kind):
            return type(pattern)(getattr(pattern, text), pattern.name, is_endpoint=False)
    raise ValueError(f"Unsupported pattern type: {type(pattern)}: use path() or re_path()")


def _find_path(scope: Scope) -> tuple[str, bool]:
    """What of the path is to be looked at, without its first slash, as Django has it; and whether
    another router has looked at it before."""
    if "path_remaining" in scope:
        return scope["path_remaining"].lstrip("/"), True
    path = scope.get("path")
    if path is None:
        raise ValueError("No 'path' key in connection scope, cannot route URLs")
    root = scope.get("root_path", "")
    if root and not path.startswith(root):
        raise ValueError(f"No route found for path {path!r}: it is not below root_path {root!r}")
    return path[len(root) :].lstrip("/"), False


def _narrow(scope: Scope, found: tuple[Any, ...], defaults: dict[str, Any]) -> Scope:
    remaining, args, kwargs = found
    outer = scope.get("url_route", {})
    return {
        **scope,
        "path_remaining": remaining,
        "url_route": {
            "args": outer.get("args", ()) + args,
            "kwargs": {**outer.get("kwargs", {}), **kwargs, **defaults},
        },
    }
