"""What real processes log, as text and as JSON, and what error trackers find in it."""

import json

from tests.processes import wait_until
from tests.split.conftest import ask, get, open_socket


def objects(process):
    """The log of a process, each line of which must be an object."""
    return [json.loads(line) for line in process.log.splitlines() if line]


def find(process, **wanted):
    return [one for one in objects(process) if wanted.items() <= one.items()]


def test_json_is_every_line_of_a_server_and_of_a_worker(site):
    server = site.start_server("--log-format=json")
    worker = site.start_worker("--log-format=json", "-v2")
    assert get(server).status_code == 200
    with open_socket(server) as socket:
        ask(socket)
    page = {"request": "GET", "path": "/", "status": 200, "logger": "interface_server.access"}
    wait_until(lambda: find(server, **page), what=lambda: server)
    assert find(server, request="WSCONNECT", level="info")
    wait_until(lambda: find(worker, channel="websocket.receive"), what=lambda: worker)
    (ran,) = find(worker, channel="http.request", level="debug")
    assert 0 <= ran["waited_s"] < 30 and 0 <= ran["ran_s"] < 30
    assert "." in ran["consumer"]


def test_verbose_worker_says_of_each_message_who_took_it_how_late_and_for_how_long(site, layer):
    worker = site.start_worker("-v2")
    layer.send("work", {"name": "one"})
    worker.wait_for_log(
        r"site\.consumers\.\w+ took a message on work that had waited 0\.\d{3} s, "
        r"and ran \d+\.\d{3} s"
    )


def test_quiet_worker_says_nothing_of_a_message(site, layer, notes):
    worker = site.start_worker()
    layer.send("work", {"name": "one"})
    notes.expect("ended")
    assert "took a message" not in worker.log
