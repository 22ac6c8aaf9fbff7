"""The app with many rooms."""

from django.apps import AppConfig


class MultichatConfig(AppConfig):
    """Its models are labelled "multichat"."""

    name = "project.multichat"
