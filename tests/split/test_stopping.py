"""SIGTERM and SIGINT: what runs is finished, nothing more is taken, and nothing is lost."""

import signal
import time

import pytest

from tests.processes import wait_until
from tests.split.conftest import IDLE_EXIT_S, LIMIT_S, Getting, get


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_worker_ends_within_a_second(site, number):
    worker = site.start_worker("--threads", "4")
    began = time.monotonic()
    worker.send_signal(number)
    assert worker.wait(LIMIT_S) == 0
    assert time.monotonic() - began < IDLE_EXIT_S


def test_sigterm_lets_running_consumers_finish_and_takes_nothing_more(site, layer, notes):
    worker = site.start_worker("--threads", "4")
    for name in range(4):
        layer.send("work", {"name": name, "hold": True})
    notes.expect("began", 4)
    worker.send_signal(signal.SIGTERM)
    worker.wait_for_log(r"told to stop; 4 consumer\(s\) running")
    layer.send("work", {"name": "later"})
    notes.go_on()
    assert worker.wait(LIMIT_S) == 0
    assert len(notes.find("ended")) == 4
    assert not notes.find("began", name="later")
    site.start_worker()
    notes.expect("ended", name="later")


def test_a_page_that_is_being_made_is_delivered_before_the_worker_ends(site, notes):
    server, worker = site.start_server(), site.start_worker()
    page = Getting(server, "/hold/")
    notes.expect("http.request", path="/hold/")
    worker.send_signal(signal.SIGTERM)
    notes.go_on()
    assert page.result().text == str(worker.pid)
    assert worker.wait(LIMIT_S) == 0


def test_workers_replaced_one_by_one_leave_no_request_without_an_answer(site):
    server = site.start_server()
    workers = [site.start_worker() for _ in range(2)]
    pages = []
    for old in workers:
        pages += [Getting(server) for _ in range(20)]
        site.start_worker()
        pages += [Getting(server) for _ in range(20)]
        old.send_signal(signal.SIGTERM)
        assert old.wait(LIMIT_S) == 0
    assert {page.result().status_code for page in pages} == {200}
    assert get(server).text not in {str(worker.pid) for worker in workers}


def test_a_server_that_stops_without_workers_answers_503_after_its_grace(site, layer):
    server = site.start_server("--grace", "0.5")
    pages = [Getting(server) for _ in range(3)]
    wait_until(lambda: layer.channel_statistics("http.request")["messages_pending"] == 3)
    server.send_signal(signal.SIGTERM)
    assert [page.result().status_code for page in pages] == [503] * 3
    assert server.wait(LIMIT_S) == 0
    assert "Traceback" not in server.log
