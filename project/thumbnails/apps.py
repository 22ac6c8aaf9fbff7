"""The thumbnailer's app."""

from django.apps import AppConfig


class ThumbnailsConfig(AppConfig):
    """Its models are labelled "thumbnails"."""

    name = "project.thumbnails"
