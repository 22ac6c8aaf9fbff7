"""The app of the bound table."""

from django.apps import AppConfig


class DatabindingConfig(AppConfig):
    """Its bindings.py is found by the `channels` app, in every process."""

    name = "project.databinding"
