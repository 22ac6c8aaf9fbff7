"""The site's class consumers as one ASGI application: what ASGI_APPLICATION names.

Workers host it. Nothing stands in the way of running it in process, as people do elsewhere:
`uvicorn project.application:application`.
"""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
# First, so that models may be imported by what is imported below.
django_application = get_asgi_application()

from django.urls import path, re_path  # noqa: E402

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from project.class_consumers.background import routing as background  # noqa: E402
from project.class_consumers.chat import routing as chat  # noqa: E402
from project.class_consumers.counter import routing as counter  # noqa: E402
from project.class_consumers.notices import routing as notices  # noqa: E402
from project.class_consumers.ticker.consumers import TickerConsumer  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": URLRouter(
            [
                path("sse/ticker/", TickerConsumer.as_asgi()),
                re_path(r"", django_application),
            ]
        ),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(
                URLRouter(
                    [
                        *chat.websocket_urlpatterns,
                        *counter.websocket_urlpatterns,
                        *notices.websocket_urlpatterns,
                        *background.websocket_urlpatterns,
                    ]
                )
            )
        ),
        "channel": ChannelNameRouter(background.channel_names),
    }
)
