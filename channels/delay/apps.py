"""The Django app of the delay server."""

from django.apps import AppConfig


class DelayConfig(AppConfig):
    """`channels.delay`. Its label in 1.x, "channels.delay", is none that Django takes today."""

    name = "channels.delay"
    label = "channels_delay"
    verbose_name = "Channels Delay"
    default_auto_field = "django.db.models.AutoField"
