"""What the Python of a page needs of Django."""

from tests.channels.conftest import _database, database  # noqa: F401  (fixtures)
