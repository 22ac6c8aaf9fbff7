"""What Daphne serves: daphne mysite.asgi:channel_layer"""

import os

import channels.asgi

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
channel_layer = channels.asgi.get_channel_layer()
