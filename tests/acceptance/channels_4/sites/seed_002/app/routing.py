from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
import MyChannels.routing

#app/routing.py
from channels.routing import ProtocolTypeRouter
application = ProtocolTypeRouter(

    {
        'websocket': AuthMiddlewareStack(
            URLRouter(
                MyChannels.routing.ws_urlpatterns
            )
        )
    }
)
