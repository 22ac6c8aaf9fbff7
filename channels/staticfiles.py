"""Static files for development, in process and through the split: what `runserver` and `runworker`
use under DEBUG."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlparse

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler, StaticFilesHandlerMixin
from django.core.handlers.exception import convert_exception_to_response

from channels.applications.shapes import AnyApplication, call_once, callable_twice
from channels.handler import AsgiHandler, ViewConsumer
from channels.http import AsgiHandler as ViewApplication
from channels.instances.two_calls import call_in_its_place, is_scope


class StaticFilesWrapper(ASGIStaticFilesHandler):
    """An ASGI application that answers requests below STATIC_URL with files from the staticfiles
    finders, and hands all else to another one, `application`."""

    def __init__(self, application: AnyApplication, staticfiles_handler: Any = None) -> None:
        inner: Any = call_once(application)
        super().__init__(inner)

    @callable_twice
    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        return await super().__call__(scope, receive, send)


class StaticFilesHandler(StaticFilesHandlerMixin, AsgiHandler):
    """An AsgiHandler that answers requests below STATIC_URL with files from the staticfiles
    finders.

    Called with a scope, as in Channels 2, it gives what takes `(receive, send)`. Raises
    ImproperlyConfigured, when made, if STATIC_URL is not set.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if args and is_scope(args[0]):
            return call_in_its_place(StaticFilesWrapper(ViewApplication()), args)
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.base_url = urlparse(self.get_base_url())
        self._serve = convert_exception_to_response(self.serve)
        super().__init__(*args, **kwargs)

    def load_middleware(self, is_async: bool = False) -> None:
        # Django's mixin has none, as it stands before another application; this one is both.
        AsgiHandler.load_middleware(self, is_async)

    def get_response(self, request: Any) -> Any:
        if not self._should_handle(request.path):
            return AsgiHandler.get_response(self, request)
        response: Any = self._serve(request)
        response._resource_closers.append(request.close)
        return response


class StaticFilesConsumer(ViewConsumer):
    """A ViewConsumer that serves static files too."""

    handler_class = StaticFilesHandler
