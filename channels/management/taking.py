"""What a worker of this project takes: messages of its routes, and of its ASGI application."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from channels.applications.named_channels import named_consumers
from worker.applications.finding import find_application, find_hosted

if TYPE_CHECKING:
    from channels.routing import Router
    from worker.applications.finding import Hosted


def prepare_router(
    router: Router, http_consumer: Callable[..., Any] | None, *, with_static_files: bool
) -> Hosted | None:
    """Put the default routes behind the project's own; return what a worker is to host besides.

    Args:
        router: that of the channel layer.
        http_consumer: takes http.request if neither a route nor an application does; None means
            Django's views.
        with_static_files: whether an application that is hosted for requests serves static files
            as well.

    Raises InvalidRoute, ImproperlyConfigured.
    """
    hosted = find_hosted()
    router.check_default(
        http_consumer,
        with_sockets=hosted is None or not hosted.with_sockets,
        with_http=hosted is None or not hosted.with_http,
        named=named_consumers(find_application()),
    )
    if hosted is None or not (hosted.with_http and with_static_files):
        return hosted
    from channels.staticfiles import StaticFilesWrapper

    return dataclasses.replace(hosted, application=StaticFilesWrapper(hosted.application))
