"""A worker is told to stop: its sockets go on with another one."""

import json
import re
import threading

import pytest
from websockets.exceptions import ConnectionClosed

from tests.processes import wait_until
from tests.split.conftest import LIMIT_S, ask, open_socket


def test_a_socket_survives_the_restart_of_its_worker(site, open_json, notes):
    server, worker = site.start_server(), site.start_worker()
    socket = open_json(server)
    first = socket.ask("a")
    assert (first["count"], first["value"], first["room"]) == (1, "a", "blue")

    site.start_worker()
    worker.stop()

    second = socket.ask("b")
    assert (second["count"], second["value"], second["room"]) == (2, "b", "blue")
    assert second["pid"] != first["pid"]
    assert second["channel"] == first["channel"]
    assert notes.count("connect") == 1
    socket.close()
    assert notes.expect("disconnect")[0]["count"] == 2


def test_the_status_shows_the_sockets_of_a_worker_and_those_that_it_took_over(
    site, open_json, layer
):
    server, worker = site.start_server(), site.start_worker()
    open_json(server).ask("a")
    site.start_worker()
    worker.stop()

    def hosts_one():
        shown = [(one["sockets"], one["hand_overs"]) for one in layer.status()["workers"]]
        return shown == [(1, {"taken": 1})]

    wait_until(hosts_one, limit_s=15, what="a worker with one socket, taken over")


@pytest.mark.parametrize("path", ["/count/blue/", "/sync/"])
def test_frames_sent_during_hand_overs_come_once_each_and_in_order(site, open_json, path):
    server, worker = site.start_server(), site.start_worker("--threads", "4")
    socket = open_json(server, path)
    answers, frames = [], 300

    def read():
        answers.extend(socket.next() for _ in range(frames))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(frames):
        socket.raw.send(json.dumps(number))
        if number in (100, 200):
            successor = site.start_worker("--threads", "4")
            worker.stop()
            worker = successor

    reader.join(LIMIT_S)
    assert [answer["value"] for answer in answers] == list(range(frames))
    assert [answer["count"] for answer in answers] == list(range(1, frames + 1))
    assert len({answer["pid"] for answer in answers}) == 3


def test_group_messages_sent_during_a_hand_over_all_come(site, open_json, layer):
    server, worker = site.start_server(), site.start_worker()
    socket = open_json(server)
    socket.ask("joined")
    successor = site.start_worker()
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    for number in range(50):
        layer.send_group("all", {"type": "group.message", "value": number})
    stopping.join()
    for number in range(50, 60):
        layer.send_group("all", {"type": "group.message", "value": number})

    answers = [socket.next() for _ in range(60)]
    assert [answer["value"] for answer in answers] == list(range(60))
    assert answers[-1]["pid"] == successor.pid


def test_the_only_worker_restarts_and_its_sockets_wait_for_the_next_one(site, open_json):
    server, worker = site.start_server(), site.start_worker()
    socket = open_json(server)
    socket.ask("a")
    worker.stop()
    socket.raw.send(json.dumps("b"))

    site.start_worker()

    answer = socket.next()
    assert (answer["value"], answer["count"]) == ("b", 2)


def test_who_leaves_while_nobody_hosts_the_socket_is_said_goodbye_to_with_its_state(
    site, open_json, notes
):
    server, worker = site.start_server(), site.start_worker()
    socket = open_json(server)
    socket.ask("a")
    worker.stop()
    socket.close()

    site.start_worker()

    assert notes.expect("disconnect")[0]["count"] == 1


def test_what_cannot_travel_closes_with_1012_and_the_log_says_what_to_write(site):
    server, worker = site.start_server(), site.start_worker("--grace", "1.5")
    with open_socket(server, "/task/") as socket:
        socket.send("a")
        assert socket.recv(LIMIT_S) == "a"
        site.start_worker()
        worker.stop(8)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(LIMIT_S)
    assert closed.value.rcvd.code == 1012
    log = worker.log
    assert "consumers.WithTask: self.task is a _asyncio.Task" in log
    assert "Give the class a method hand_over(self)" in log


def test_a_state_too_large_to_travel_closes_with_1012_and_the_log_names_what_is_large(site):
    server, worker = site.start_server(), site.start_worker("--grace", "1.5")
    with open_socket(server, "/repeating/") as socket:
        assert ask(socket, "1000000 keep") == "kept"
        site.start_worker()
        worker.stop(8)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(LIMIT_S)
    assert closed.value.rcvd.code == 1012
    assert "self.letters is a builtins.str: all of the state takes 10000" in worker.log


def test_a_consumer_with_a_task_goes_on_if_it_says_how(site, notes):
    server, worker = site.start_server(), site.start_worker()
    with open_socket(server, "/ticking/") as socket:
        first = json.loads(socket.recv(LIMIT_S))
        successor = site.start_worker()
        worker.stop()
        ticks = [first]
        while ticks[-1]["pid"] != successor.pid:
            ticks.append(json.loads(socket.recv(LIMIT_S)))
    assert [tick["tick"] for tick in ticks] == list(range(1, len(ticks) + 1))
    assert notes.find("take_over")[0]["said"] == "by hand_over"


def test_a_handler_that_runs_ends_before_its_socket_moves(site, notes):
    server, worker = site.start_server(), site.start_worker()
    with open_socket(server, "/slow/") as socket:
        socket.send("1.5")
        notes.expect("begins")
        successor = site.start_worker()
        worker.stop()
        assert socket.recv(LIMIT_S) == "1.5"
        socket.send("0")
        assert socket.recv(LIMIT_S) == "0"
    assert successor.is_running


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/untakeable/", "a mistake in take_over"),
        ("/vanishing/", "there is no class 'Local' in 'tests.split.hosted.site.consumers'"),
    ],
)
def test_an_instance_that_cannot_be_put_back_closes_with_1011(site, path, told):
    server, worker = site.start_server(), site.start_worker()
    with open_socket(server, path) as socket:
        successor = site.start_worker()
        worker.stop()
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(LIMIT_S)
    assert closed.value.rcvd.code == 1011
    successor.wait_for_log(re.escape(told))


def test_who_has_logged_in_over_the_socket_stays_logged_in(site, open_json):
    site.manage("migrate", "--verbosity=0")
    site.manage("createsuperuser", "--noinput", "--username=ann", "--email=a@example.com")
    server, worker = site.start_server(), site.start_worker()
    socket = open_json(server, "/login/")
    assert socket.ask("")["user"] == ""
    before = socket.ask("ann")
    assert before["user"] == "ann"

    site.start_worker()
    worker.stop()

    assert socket.ask("") == before
