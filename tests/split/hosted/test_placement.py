"""Which worker hosts how many sockets."""

import collections
import contextlib

from tests.processes import wait_until
from tests.split.hosted.conftest import JsonSocket, open_socket


def hosts_of(sockets):
    """Ask each socket where it is hosted; return how many each worker has, by its pid."""
    return collections.Counter(socket.ask("where")["pid"] for socket in sockets)


def test_a_full_worker_leaves_new_sockets_to_others(site, open_json):
    server, full = site.start_server(), site.start_worker("--max-sockets", "1")
    assert open_json(server).ask("a")["pid"] == full.pid
    other = site.start_worker()
    assert {open_json(server).ask("b")["pid"] for _ in range(5)} == {other.pid}


def test_a_worker_with_many_threads_hosts_no_more_sockets_than_it_was_told_to(site, open_json):
    server, full = site.start_server(), site.start_worker("--threads", "8", "--max-sockets", "3")
    other = site.start_worker("--threads", "8")
    with contextlib.ExitStack() as stack:
        sockets = [
            JsonSocket(stack.enter_context(open_socket(server, "/count/blue/"))) for _ in range(20)
        ]
        hosts = hosts_of(sockets)
    assert hosts[full.pid] <= 3
    assert hosts[other.pid] == 20 - hosts[full.pid]


def test_after_a_restart_the_sockets_spread_again_and_none_is_closed(site):
    server, first = site.start_server(), site.start_worker()
    with contextlib.ExitStack() as stack:
        sockets = [
            JsonSocket(stack.enter_context(open_socket(server, "/count/blue/"))) for _ in range(24)
        ]
        assert hosts_of(sockets) == {first.pid: 24}
        second = site.start_worker()

        wait_until(lambda: hosts_of(sockets)[second.pid] >= 8, limit_s=30, what="they spread")

        counts = [socket.ask("count")["count"] for socket in sockets]
        assert min(counts) == max(counts)
    assert "sockets" in site.manage("channels_status")
