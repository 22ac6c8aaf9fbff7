"""The Django app: add "channels" to INSTALLED_APPS."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ChannelsConfig(AppConfig):
    """Registers the system checks, has the bindings follow their models, provides `runserver`."""

    name = "channels"
    verbose_name = "Channels"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from channels.binding.base import BindingMetaclass
        from channels.consuming.logout import connect_receivers
        from channels.startup import checks  # noqa: F401  (registers itself with Django)
        from channels.startup.installed import take_over_commands

        BindingMetaclass.register_all()
        # A shell or a cron job imports no routing, and what it saves is to be told all the same.
        autodiscover_modules("bindings")
        connect_receivers()
        take_over_commands()
