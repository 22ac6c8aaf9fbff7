"""The long poll's app."""

from django.apps import AppConfig


class PollingConfig(AppConfig):
    """Its models are labelled "polling"."""

    name = "project.polling"
