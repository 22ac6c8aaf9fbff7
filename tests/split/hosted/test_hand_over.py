"""A worker is told to stop: its sockets go on with another one."""


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
