"""The address where a process shows its figures and its health."""

import socket
import subprocess
import sys

import pytest
import requests
from prometheus_client import CollectorRegistry

from channels.metrics.health import Verdict
from channels.metrics.serving import CannotShow, MetricsServer, parse_address


class Probes:
    is_ready = True

    def live(self):
        return Verdict()

    def ready(self):
        return Verdict() if self.is_ready else Verdict(("it is stopping", "Redis is away"))


@pytest.fixture
def probes():
    return Probes()


@pytest.fixture
def url(probes):
    server = MetricsServer("0", CollectorRegistry(), probes)
    yield f"http://127.0.0.1:{server.port}"
    server.close()


def test_health_is_200_or_503_with_the_reasons(url, probes):
    assert requests.get(f"{url}/-/live", timeout=5).text == "ok\n"
    assert requests.get(f"{url}/-/ready", timeout=5).status_code == 200
    probes.is_ready = False
    answer = requests.get(f"{url}/-/ready", timeout=5)
    assert (answer.status_code, answer.text) == (503, "it is stopping\nRedis is away\n")
    assert requests.get(f"{url}/-/live", timeout=5).status_code == 200


def test_probe_ends_with_the_exit_code_of_the_answer(url, probes):
    def ask(path):
        command = [sys.executable, "-m", "channels.metrics.probe", f"{url}{path}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=30)

    assert ask("/-/ready").returncode == 0
    probes.is_ready = False
    run = ask("/-/ready")
    assert (run.returncode, run.stdout) == (1, "it is stopping\nRedis is away\n")


def test_metrics_are_text_of_prometheus_and_nothing_else_is_there(url):
    answer = requests.get(f"{url}/metrics", timeout=5)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert requests.get(f"{url}/", timeout=5).status_code == 404


def test_port_that_is_taken_is_named(probes):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotShow, match=f"can't listen on {port} for --metrics"):
            MetricsServer(str(port), CollectorRegistry(), probes)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9400", ("127.0.0.1", 9400)),
        ("0.0.0.0:9400", ("0.0.0.0", 9400)),
        ("[::1]:9400", ("::1", 9400)),
    ],
)
def test_address_is_a_port_or_a_host_and_a_port(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "here", "1.2.3.4:", "9400:x", "70000"])
def test_address_that_cannot_be_meant_is_refused(text):
    with pytest.raises(CannotShow, match="HOST"):
        parse_address(text)
