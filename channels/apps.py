"""The Django app: add "channels" to INSTALLED_APPS."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ChannelsConfig(AppConfig):
    """Registers the system checks, and has the bindings follow their models."""

    name = "channels"
    verbose_name = "Channels"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from channels import checks  # noqa: F401  (registers itself with Django)
        from channels.binding.base import BindingMetaclass

        BindingMetaclass.register_all()
        # A shell or a cron job imports no routing, and what it saves is to be told all the same.
        autodiscover_modules("bindings")
