"""The app that holds the site's own pages."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class ProjectConfig(AppConfig):
    """Lets SQLite be written by several workers at once."""

    name = "project"

    def ready(self):
        connection_created.connect(write_ahead, dispatch_uid="project.write_ahead")


def write_ahead(connection, **kwargs):
    """Switch SQLite to write-ahead logging: readers and the one writer don't block each other."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = NORMAL")
