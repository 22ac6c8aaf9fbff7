"""The live blog's app."""

from django.apps import AppConfig


class LiveblogConfig(AppConfig):
    """Has the signals heard in every process: a shell imports no routing."""

    name = "project.liveblog"

    def ready(self):
        from project.liveblog import signals  # noqa: F401  (connects itself)
