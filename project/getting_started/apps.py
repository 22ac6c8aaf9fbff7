"""The app of the getting-started series."""

from django.apps import AppConfig


class GettingStartedConfig(AppConfig):
    """Its models are labelled "getting_started"."""

    name = "project.getting_started"
