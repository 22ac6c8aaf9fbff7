import os

from django.core.asgi import get_asgi_application
from django.urls import path

from channels.auth import AuthMiddlewareStack
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.split.hosted.site.settings")
django_application = get_asgi_application()

from tests.split.hosted.site import consumers  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "channel": ChannelNameRouter({"sums": consumers.Sums.as_asgi()}),
        "websocket": URLRouter(
            [
                path("count/<str:room>/", consumers.Counter.as_asgi()),
                path("kept/", consumers.Kept.as_asgi()),
                path("bench/count/", consumers.Counting.as_asgi()),
                path("bench/async/", consumers.AsyncEcho.as_asgi()),
                path("bench/sync/", consumers.SyncEcho.as_asgi()),
                path("repeating/", consumers.Repeating.as_asgi()),
                path("untakeable/", consumers.Untakeable.as_asgi()),
                path("vanishing/", consumers.Vanishing.as_asgi()),
                path("login/", AuthMiddlewareStack(consumers.LoggingIn.as_asgi())),
                path("user/async/", AuthMiddlewareStack(consumers.WithUser.as_asgi())),
                path("user/sync/", AuthMiddlewareStack(consumers.SyncWithUser.as_asgi())),
                path("sync/", consumers.SyncCounter.as_asgi()),
                path("asking/", consumers.Asking.as_asgi()),
                path("slow/", consumers.Slow.as_asgi()),
                path("task/", consumers.WithTask.as_asgi()),
                path("ticking/", consumers.Ticking.as_asgi()),
                path("refused/", consumers.Refusing.as_asgi()),
                path("polite/", consumers.Polite.as_asgi()),
                path("shouting/", consumers.Shouting.as_asgi()),
                path("guarded/", consumers.Guarded.as_asgi()),
                path("failing/", consumers.Failing.as_asgi()),
            ]
        ),
    }
)
