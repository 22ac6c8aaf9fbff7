"""Django's views as an ASGI application, at its Channels 2 import path.

The `AsgiHandler` of 1.x, which takes messages, is `channels.handler.AsgiHandler`.
"""

from __future__ import annotations

import io
from typing import Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest

from channels.applications.shapes import Scope
from channels.instances.two_calls import call_in_its_place, is_scope

__all__ = ["AsgiHandler", "AsgiRequest"]


class AsgiRequest(ASGIRequest):  # type: ignore[misc]
    """Django's request over ASGI. `body`: bytes, or a file to read it from."""

    def __init__(self, scope: Scope, body: Any) -> None:
        super().__init__(scope, io.BytesIO(body) if isinstance(body, bytes) else body)


class AsgiHandler(ASGIHandler):  # type: ignore[misc]
    """Runs Django's middleware and views for a request; what `get_asgi_application()` returns.

    `AsgiHandler()` is an application of today. The class itself may be named as one, as in Channels
    2: called with a scope, it gives what takes `(receive, send)`.
    """

    request_class = AsgiRequest

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if args and is_scope(args[0]):
            return call_in_its_place(_shared_handler(cls), args)  # type: ignore[arg-type]
        return super().__new__(cls)


#: The one handler of all requests that come by a class: it is made of the middleware.
_shared: dict[str, AsgiHandler] = {}


def _shared_handler(handler_class: type[AsgiHandler]) -> AsgiHandler:
    name = f"{handler_class.__module__}.{handler_class.__qualname__}"
    if type(_shared.get(name)) is not handler_class:
        _shared[name] = handler_class()
    return _shared[name]
