"""Static files through the split, for development: what `runserver` and `runworker` use under
DEBUG."""

from urllib.parse import urlparse

from django.contrib.staticfiles.handlers import StaticFilesHandlerMixin
from django.core.handlers.exception import convert_exception_to_response

from channels.handler import AsgiHandler, ViewConsumer


class StaticFilesHandler(StaticFilesHandlerMixin, AsgiHandler):
    """An AsgiHandler that answers requests below STATIC_URL with files from the staticfiles
    finders.

    Raises ImproperlyConfigured, when made, if STATIC_URL is not set.
    """

    def __init__(self, *args, **kwargs):
        self.base_url = urlparse(self.get_base_url())
        self._serve = convert_exception_to_response(self.serve)
        super().__init__(*args, **kwargs)

    def load_middleware(self, is_async=False):
        # Django's mixin has none, as it stands before another application; this one is both.
        AsgiHandler.load_middleware(self, is_async)

    def get_response(self, request):
        if not self._should_handle(request.path):
            return AsgiHandler.get_response(self, request)
        response = self._serve(request)
        response._resource_closers.append(request.close)
        return response


class StaticFilesConsumer(ViewConsumer):
    """A ViewConsumer that serves static files too."""

    handler_class = StaticFilesHandler
