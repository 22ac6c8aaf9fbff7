"""The virtual environments that contenders run in: made by pip, kept in the user's cache."""

import configparser
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.processes import REPOSITORY
from tests.pythons import MissingInterpreterError, find_python

#: What the host servers and the packages around them are, for every contender on today's Python.
DJANGO = "django>=5.2,<5.3"
HOSTS = ("daphne>=4.2,<4.3", "uvicorn[standard]>=0.30")
# They bring h2 along, with which Twisted does more: who is compared has them, or has not, alike.
MORE_HOSTS = ("hypercorn>=0.17", "granian>=1.6")
#: Channels 4, with the last redis-py under which its idle sockets stay open.
CHANNELS_4 = ("channels>=4.3,<4.4", "channels_redis>=4.3,<4.4", "redis[hiredis]<7")
#: The last versions that worked together on Python 3.6.
CHANNELS_1 = (
    "channels==1.1.8",
    "daphne==1.4.2",
    "asgi_redis==1.4.3",
    "asgiref==1.1.2",
    "Django==1.11.29",
    "Twisted==20.3.0",
    "autobahn==20.12.3",
    "txaio==22.2.1",
    "Automat==22.10.0",
    "attrs==22.2.0",
    "constantly==15.1.0",
    "hyperlink==21.0.0",
    "idna==3.10",
    "incremental==22.10.0",
    "PyHamcrest==2.1.0",
    "zope.interface==5.5.2",
    "msgpack-python==0.5.6",
    "redis==2.10.6",
    "six==1.17.0",
    "pytz",
)
#: What an old interpreter's pip must become before it understands today's package indexes.
OLD_PIP = ("pip==21.3.1", "setuptools==59.6.0", "wheel==0.37.1")


@dataclass(frozen=True)
class Environment:
    """A virtual environment: its name, what is installed, and on which Python.

    `python`: "" for the interpreter that runs the benchmark, or a version such as "3.6".
    `first`: what is installed before the rest. `is_project`: whether this checkout goes in too.
    """

    name: str
    requirements: tuple[str, ...]
    python: str = ""
    first: tuple[str, ...] = ()
    is_project: bool = False


def classic_requirements():
    """Return what setup.cfg says this project needs, with its uvicorn extra."""
    config = configparser.ConfigParser()
    config.read(REPOSITORY / "setup.cfg")
    base = config["options"]["install_requires"]
    extra = config["options.extras_require"]["uvicorn"]
    return tuple(line.strip() for line in (base + extra).splitlines() if line.strip())


def all_environments():
    """Return the environments by name."""
    classic = (DJANGO, *HOSTS, *MORE_HOSTS, "setuptools>=75", *classic_requirements())
    environments = [
        Environment("classic", classic, is_project=True),
        Environment("hello", (*HOSTS, *MORE_HOSTS)),
        Environment(
            "channels4",
            (DJANGO, *HOSTS, *MORE_HOSTS, *CHANNELS_4),
        ),
        Environment("gunicorn", (DJANGO, "gunicorn>=22")),
        Environment("celery", (DJANGO, "celery[redis]>=5.4,<6")),
        Environment("channels1", CHANNELS_1, python="3.6", first=OLD_PIP),
    ]
    return {environment.name: environment for environment in environments}


def default_directory():
    """Return where environments are kept: below $XDG_CACHE_HOME, or ~/.cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "channels-classic" / "benchmarks"


class EnvironmentStore:
    """Makes environments below `directory` and finds them again.

    Args:
        directory: a Path; made if it is not there.
        rebuild: make each environment anew, with today's versions.
        echo: called with a line for each step.
    """

    def __init__(self, directory, rebuild=False, echo=print):
        self.directory = Path(directory)
        self.rebuild = rebuild
        self.echo = echo
        self._rebuilt = set()

    def python(self, environment):
        """Return the path of the interpreter of `environment`; make it if need be.

        Raises MissingInterpreterError, and subprocess.CalledProcessError if pip fails.
        """
        base = find_python(environment.python)
        home = self.directory / f"{environment.name}-{self._key(environment, base)}"
        with self._lock():
            if self._is_to_make(home):
                self._make(environment, base, home)
            if environment.is_project:
                home = self._with_project(home)
        return str(home / "bin" / "python")

    @contextlib.contextmanager
    def _lock(self):
        """Let one run at a time make environments here."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.directory / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _is_to_make(self, home):
        """Whether it is missing, or to be made anew and has not been yet."""
        is_stale = self.rebuild and home not in self._rebuilt
        self._rebuilt.add(home)
        return is_stale or not (home / "complete").exists()

    @staticmethod
    def _key(environment, base):
        text = json.dumps([environment.requirements, environment.first, base])
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    def _make(self, environment, base, home):
        self.echo(f"Making the environment {environment.name} (once; kept in {home})")
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([base, "-m", "venv", str(home)], check=True)
        python = home / "bin" / "python"
        if environment.first:
            self._pip(python, "--upgrade", *environment.first)
        self._pip(python, *environment.requirements)
        (home / "complete").touch()

    def _with_project(self, needs):
        """Return an environment with this checkout on top of the environment `needs`.

        Each state of the code has its own, so that a run is not disturbed by the next one's. It is
        installed from a copy, so that nothing is built inside the checkout.
        """
        self._remove_old(needs)
        home = needs.with_name(f"{needs.name}-{source_digest()[:10]}")
        if (home / "complete").exists():
            return home
        self.echo("Installing this checkout into an environment of its own")
        shutil.rmtree(home, ignore_errors=True)
        python = needs / "bin" / "python"
        subprocess.run([str(python), "-m", "venv", "--without-pip", str(home)], check=True)
        (packages,) = home.glob("lib/python*/site-packages")
        (needed,) = needs.glob("lib/python*/site-packages")
        (packages / "needs.pth").write_text(f"{needed}\n")
        with tempfile.TemporaryDirectory() as copy:
            copy_project(Path(copy))
            self._pip(python, "--no-deps", "--no-build-isolation", "--target", str(packages), copy)
        (home / "complete").touch()
        return home

    @staticmethod
    def _remove_old(needs):
        """Remove what was made for states of the code of more than a day ago."""
        for home in needs.parent.glob(f"{needs.name}-*"):
            if time.time() - home.stat().st_mtime > 86_400:
                shutil.rmtree(home, ignore_errors=True)

    @staticmethod
    def _pip(python, *args):
        command = [str(python), "-m", "pip", "install", "--quiet", *args]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise subprocess.CalledProcessError(
                done.returncode, command, done.stdout, done.stderr[-2000:]
            )


class ThisInterpreter:
    """Stands in for an EnvironmentStore: contenders run on the interpreter that runs this."""

    def python(self, environment):
        """Return this interpreter; only for environments on today's Python."""
        if environment.python:
            raise MissingInterpreterError(f"this interpreter is not Python {environment.python}")
        return sys.executable


def _project_sources():
    """Every file that packaging looks at, in a fixed order."""
    roots = ("channels", "interface_server", "routing", "worker")
    files = [REPOSITORY / name for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")]
    for root in roots:
        files += (REPOSITORY / root).rglob("*")
    return [path for path in sorted(files) if path.is_file() and "__pycache__" not in path.parts]


def copy_project(directory):
    """Copy what packaging looks at into `directory`."""
    for source in _project_sources():
        target = directory / source.relative_to(REPOSITORY)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def source_digest():
    """Return a digest of this project's code: two runs with the same one measured the same code."""
    digest = hashlib.sha256()
    for path in _project_sources():
        digest.update(str(path.relative_to(REPOSITORY)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


_LIST_VERSIONS = """
import json, sys
try:
    from importlib.metadata import distributions
    found = {d.metadata["Name"].lower(): d.version for d in distributions()}
except ImportError:  # Python 3.6
    import pkg_resources
    found = {d.project_name.lower(): d.version for d in pkg_resources.working_set}
found["python"] = sys.version.split()[0]
print(json.dumps(found))
"""


def installed_versions(python):
    """Return {package: version} of what is installed for an interpreter, and of itself."""
    command = [python, "-c", _LIST_VERSIONS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
