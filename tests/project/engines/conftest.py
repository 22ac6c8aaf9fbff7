"""The demo on each engine: one server and two workers, for all tests of this folder."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import ClientConnection, connect

from tests.conftest import start_workers
from tests.processes import Split

#: Seconds that an answer may take.
LIMIT_S = 20


def local_layer(request: pytest.FixtureRequest, directory: Path) -> dict[str, Any]:
    return {
        "BACKEND": "channels.layers.local.LocalChannelLayer",
        "CONFIG": {"folder": str(directory / "layer")},
    }


def rabbitmq_layer(request: pytest.FixtureRequest, directory: Path) -> dict[str, Any]:
    broker = request.getfixturevalue("rabbitmq")
    return {
        "BACKEND": "channels.layers.rabbitmq.RabbitmqChannelLayer",
        "CONFIG": {"url": broker.url, "prefix": f"{directory.name}."},
    }


def cluster_layer(request: pytest.FixtureRequest, directory: Path) -> dict[str, Any]:
    cluster = request.getfixturevalue("redis_cluster")
    return {
        "BACKEND": "channels.layers.redis.RedisClusterChannelLayer",
        "CONFIG": {"hosts": cluster.hosts, "prefix": f"{directory.name}:"},
    }


#: Engine -> what returns the settings of its layer.
ENGINES = {"local": local_layer, "rabbitmq": rabbitmq_layer, "cluster": cluster_layer}


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's data to begin with, made only once."""
    directory = tmp_path_factory.mktemp("data")
    with Split(env={"RUN_DIR": str(directory)}) as split:
        split.manage("migrate", "--verbosity=0")
        split.manage("demo")
    return directory


@pytest.fixture(scope="package", params=ENGINES)
def site(
    request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Split]:
    """The demo on one engine."""
    directory = tmp_path_factory.mktemp("site")
    shutil.copytree(data, directory / "run")
    layer = ENGINES[request.param](request, directory)
    env = {"RUN_DIR": str(directory / "run"), "LAYER": json.dumps(layer)}
    with Split(settings="tests.project.engines.settings", env=env) as split:
        split.start_server()
        start_workers(split)
        yield split
        print(split.logs)


@pytest.fixture
def log_in(site: Split) -> Iterator[Callable[[str], requests.Session]]:
    """Log somebody in; return the session."""
    with contextlib.ExitStack() as stack:

        def log_in(name: str) -> requests.Session:
            session = stack.enter_context(requests.Session())
            url = f"{site.url}/accounts/login/"
            page = session.get(url, timeout=LIMIT_S).text
            token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)
            assert token is not None, page
            form = {
                "username": name,
                "password": f"demo-{name}",
                "csrfmiddlewaretoken": token[1],
            }
            assert session.post(url, form, timeout=LIMIT_S).url.endswith("/chat/")
            return session

        yield log_in


@pytest.fixture
def open_socket(site: Split) -> Iterator[Callable[..., ClientConnection]]:
    """Open a socket, with the cookies of a session."""
    with contextlib.ExitStack() as stack:

        def open_socket(path: str, session: requests.Session | None = None) -> ClientConnection:
            headers = {}
            if session is not None:
                pairs = session.cookies.get_dict().items()
                headers["Cookie"] = "; ".join(f"{key}={value}" for key, value in pairs)
            return stack.enter_context(
                connect(
                    site.ws_url + path,
                    origin=site.url,
                    additional_headers=headers,
                    proxy=None,
                    open_timeout=LIMIT_S,
                )
            )

        yield open_socket
