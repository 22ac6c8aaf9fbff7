"""The Django app: add "channels" to INSTALLED_APPS."""

from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    """Registers the system checks."""

    name = "channels"
    verbose_name = "Channels"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from channels import checks  # noqa: F401  (registers itself with Django)
