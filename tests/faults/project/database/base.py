"""The backend's wrapper, under the name that Django looks for."""

from pathlib import Path

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Connections that notice a restart when they are used, as those to a server do."""

    def get_new_connection(self, conn_params):
        self._made_in = self._restarts()
        return super().get_new_connection(conn_params)

    def create_cursor(self, name=None):
        self._check()
        return super().create_cursor(name)

    def is_usable(self):
        return self._made_in == self._restarts()

    def _check(self):
        with self.wrap_database_errors:
            if not self.is_usable():
                raise base.Database.OperationalError("the server closed the connection")

    def _restarts(self):
        path = Path(f"{self.settings_dict['NAME']}.restarts")
        return path.read_text() if path.exists() else ""
