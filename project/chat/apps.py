"""The chat app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Its models are labelled "chat"."""

    name = "project.chat"
    label = "chat"
