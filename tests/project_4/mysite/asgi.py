import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator

from rooms.consumers import CleanUpConsumer
from rooms.routing import http_urlpatterns, websocket_urlpatterns

application = ProtocolTypeRouter(
    {
        "http": URLRouter(http_urlpatterns(django_application)),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
        "channel": ChannelNameRouter({"clean-up": CleanUpConsumer.as_asgi()}),
    }
)
