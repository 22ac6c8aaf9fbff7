"""Django, set up once, and fixtures for what consumers are written with."""

import os

import django
import pytest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()


@pytest.fixture(scope="session")
def _database():
    from django.core.management import call_command
    from django.db import connection

    connection.ensure_connection()  # a database in memory lives as long as a connection to it
    call_command("migrate", verbosity=0, run_syncdb=True)
    yield
    connection.close()


@pytest.fixture
def database(_database):
    """The database, with no user and no session in it."""
    from django.contrib.auth import get_user_model
    from django.contrib.sessions.models import Session

    get_user_model().objects.all().delete()
    Session.objects.all().delete()
    yield


@pytest.fixture
def ann(database):
    """A user whose password is "secret"."""
    from django.contrib.auth import get_user_model

    return get_user_model().objects.create_user("ann", password="secret")


@pytest.fixture
def settings():
    """Django's settings, as attributes to set; they are put back after the test."""
    from django.test.utils import override_settings

    class Settings:
        def __init__(self):
            self.__dict__["overrides"] = []

        def __setattr__(self, name, value):
            override = override_settings(**{name: value})
            override.enable()
            self.overrides.append(override)

    settings = Settings()
    yield settings
    while settings.overrides:
        settings.overrides.pop().disable()
