"""Workers and servers that die, or are frozen for a while."""

import json
import time

import pytest
from websockets.exceptions import ConnectionClosed

from channels.layers import hosting
from tests.processes import wait_until
from tests.split.conftest import open_socket

#: Within so many seconds a server must have noticed that a worker is dead.
NOTICED_S = 15.0


def test_the_sockets_of_a_killed_worker_are_closed_with_1012_even_if_they_only_listen(site):
    server, worker = site.start_server(), site.start_worker()
    with open_socket(server, "/count/blue/") as socket:
        worker.kill()
        killed = time.monotonic()
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(NOTICED_S + 5)
        assert time.monotonic() - killed < NOTICED_S
    assert closed.value.rcvd.code == 1012


def test_a_socket_with_checkpoints_goes_on_after_its_worker_was_killed(site, open_json, layer):
    server, worker = site.start_server(), site.start_worker()
    socket = open_json(server, "/kept/")
    assert [socket.ask(n)["count"] for n in range(3)] == [1, 2, 3]
    layer.send_group("kept", {"type": "group.message", "value": "handled"})
    assert socket.next()["count"] == 4
    successor = site.start_worker()
    worker.pause()  # what comes now is in its queue when it dies
    socket.raw.send(json.dumps("unread"))
    layer.send_group("kept", {"type": "group.message", "value": "for the group"})
    worker.kill()
    socket.raw.send(json.dumps("while nobody is there"))

    answers = [json.loads(socket.raw.recv(NOTICED_S + 5)) for _ in range(3)]
    assert sorted(answer["value"] for answer in answers) == [
        *("for the group", "unread", "while nobody is there"),
    ]
    assert [(answer["count"], answer["pid"]) for answer in answers] == [
        (count, successor.pid) for count in (5, 6, 7)
    ]


def test_a_worker_that_was_frozen_loses_its_sockets_and_lets_go_of_them(site, open_json, notes):
    server, worker = site.start_server(), site.start_worker()
    socket = open_json(server, "/kept/")
    socket.ask("a")
    successor = site.start_worker()
    worker.pause()
    socket.raw.send(json.dumps("b"))
    answer = json.loads(socket.raw.recv(NOTICED_S + 5))
    assert (answer["count"], answer["pid"]) == (2, successor.pid)

    worker.resume()

    assert [socket.ask(n)["count"] for n in range(5)] == [3, 4, 5, 6, 7]
    socket.close()
    assert notes.expect("disconnect")[0]["count"] == 7
    assert notes.count("disconnect") == 1


def test_a_worker_that_was_frozen_for_a_moment_keeps_its_sockets(site, open_json):
    server, worker = site.start_server(), site.start_worker()
    socket = open_json(server)
    pid = socket.ask("a")["pid"]
    worker.pause()
    time.sleep(5)
    worker.resume()
    answer = socket.ask("b")
    assert (answer["pid"], answer["count"]) == (pid, 2)


def test_an_instance_goes_on_although_the_worker_that_took_it_died_at_once(site, open_json, layer):
    server, worker = site.start_server(), site.start_worker()
    socket = open_json(server)
    socket.ask("a")
    worker.stop()
    taken = wait_until(lambda: layer.receive([hosting.RESUME])[1], limit_s=5, what="an instance")
    assert taken["number"] == 2  # whoever has it now is never heard of again
    socket.raw.send(json.dumps("b"))

    successor = site.start_worker()

    answer = socket.next()
    assert (answer["value"], answer["count"], answer["pid"]) == ("b", 2, successor.pid)


@pytest.mark.timeout(180)
def test_the_instances_of_a_killed_server_are_told_with_their_state(site, open_json, notes):
    server, worker = site.start_server(), site.start_worker()
    socket = open_json(server)
    socket.ask("a")
    server.kill()
    wait_until(lambda: notes.find("disconnect"), limit_s=80, what="a disconnect")
    assert notes.find("disconnect")[0]["count"] == 1
    assert worker.is_running
