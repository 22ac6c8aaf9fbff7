"""One broker for all tests of this folder: it takes ten seconds to start."""

from collections.abc import Iterator

import pytest

from tests.conftest import give_up
from tests.processes.rabbitmq_server import RabbitmqServer, find_rabbitmq_server


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitmqServer]:
    if find_rabbitmq_server() is None:
        give_up("no rabbitmq-server: install one (Debian: apt install rabbitmq-server)")
    with RabbitmqServer() as server:
        yield server
