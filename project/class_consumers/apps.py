"""The app of the tutorials with class consumers."""

from django.apps import AppConfig


class ClassConsumersConfig(AppConfig):
    """Its pages show what Channels 2 and later taught, on the split."""

    name = "project.class_consumers"
