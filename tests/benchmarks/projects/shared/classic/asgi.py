"""The asgi.py of the Channels 1.x documentation; DJANGO_SETTINGS_MODULE comes from outside."""

from channels.asgi import get_channel_layer

channel_layer = get_channel_layer()
