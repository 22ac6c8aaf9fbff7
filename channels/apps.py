"""The Django app: add "channels" to INSTALLED_APPS."""

from django.apps import AppConfig
from django.core.management import get_commands
from django.utils.module_loading import autodiscover_modules


class ChannelsConfig(AppConfig):
    """Registers the system checks, has the bindings follow their models, provides `runserver`."""

    name = "channels"
    verbose_name = "Channels"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from channels.binding.base import BindingMetaclass
        from channels.startup import checks  # noqa: F401  (registers itself with Django)

        BindingMetaclass.register_all()
        # A shell or a cron job imports no routing, and what it saves is to be told all the same.
        autodiscover_modules("bindings")
        take_over_runserver()


def take_over_runserver():
    """Let `manage.py runserver` mean ours, even with staticfiles before us in INSTALLED_APPS.

    The tutorials of 1.x add "channels" at its end, and Django takes a command from the first app
    that has it. Another app's own `runserver` is left in its place.
    """
    commands = get_commands()  # a dict, made once per process
    if commands.get("runserver") in ("django.core", "django.contrib.staticfiles"):
        commands["runserver"] = "channels"
