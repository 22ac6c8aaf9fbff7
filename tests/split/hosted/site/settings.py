from tests.split.site.settings import *  # noqa: F403

ROOT_URLCONF = "tests.split.hosted.site.urls"
ASGI_APPLICATION = "tests.split.hosted.site.asgi.application"
CHANNEL_LAYERS["default"]["ROUTING"] = "tests.split.hosted.site.functions.channel_routing"  # noqa: F405
