"""A private PostgreSQL, to be restarted."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg

from tests.processes.base import Process

#: Where Debian, Fedora and Homebrew put the programs, which are not on everybody's PATH.
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")


def find_postgres():
    """Return the directory of `postgres` and `initdb`, on the PATH or where packages put them; or
    None."""
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    places = [path for place in _PLACES for path in sorted(Path("/").glob(place[1:]))]
    return next((path for path in reversed(places) if (path / "initdb").exists()), None)


class PostgresServer:
    """A PostgreSQL of one's own, on a Unix socket only, without a password.

    It refuses to run as root; started by root, it runs as nobody.
    """

    #: Its superuser, and the database that it begins with.
    NAME = "postgres"

    def __init__(self):
        self._programs = find_postgres()
        # Not below pytest's tmp_path: nobody could not enter that.
        self.directory = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._user = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.directory, nobody.pw_uid, nobody.pw_gid)
        self._process = None

    @property
    def settings(self):
        """What Django's DATABASES says to use it (JSON values only)."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": str(self.directory),
            "NAME": self.NAME,
            "USER": self.NAME,
        }

    def start(self):
        """Start it, with the data that is there; return self."""
        data = self.directory / "data"
        if not data.exists():
            subprocess.run(
                [
                    self._programs / "initdb",
                    "--no-sync",
                    "--auth=trust",
                    "--encoding=UTF8",
                    f"--username={self.NAME}",
                    "-D",
                    data,
                ],
                cwd=self.directory,
                check=True,
                capture_output=True,
                **self._user,
            )
        self._process = Process(
            [
                self._programs / "postgres",
                "-D",
                data,
                "-k",
                self.directory,
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
            ],
            self.directory / "log",
            cwd=self.directory,
            **self._user,
        )
        self._process.wait_for_log("ready to accept connections")
        return self

    def stop(self):
        """Shut down at once, whoever is connected; the data stays."""
        if self._process:
            self._process.stop(by=signal.SIGINT)

    def restart(self):
        """Stop and start; every connection breaks."""
        self.stop()
        self.start()

    def count_connections(self):
        """Return how many connections clients have."""
        with psycopg.connect(host=str(self.directory), dbname=self.NAME, user=self.NAME) as mine:
            (count,) = mine.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchone()
        return count

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc_info):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
