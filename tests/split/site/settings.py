import json
import os
import tempfile

DIRECTORY = os.environ.get("DIRECTORY") or tempfile.gettempdir()
SECRET_KEY = os.environ.get("SECRET_KEY", "only for tests")
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.split.site.urls"
INSTALLED_APPS = ["channels"]
USE_TZ = True
FILE_UPLOAD_TEMP_DIR = DIRECTORY
LOGGING_CONFIG = None
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels.layers.redis.RedisChannelLayer",
        "CONFIG": {
            "hosts": [os.environ.get("REDIS_URL", "redis://localhost:6379/0")],
            **json.loads(os.environ.get("LAYER", "{}")),
        },
        "ROUTING": os.environ.get("ROUTING", "tests.split.site.routing.channel_routing"),
    },
    "in memory": {
        "BACKEND": "channels.layers.memory.MemoryChannelLayer",
        "ROUTING": "tests.split.site.routing.channel_routing",
    },
}
