"""The Django app of the live page."""

from django.apps import AppConfig


class MonitorConfig(AppConfig):
    """Shows the live page in the admin, under "Channels"."""

    name = "channels.monitor"
    label = "channels_monitor"
    verbose_name = "Channels"
