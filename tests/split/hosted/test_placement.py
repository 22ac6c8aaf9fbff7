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
    # A worker looks every 2 s whether it is full, and may take one or two more until then.
    wait_until(lambda: open_json(server).ask("b")["pid"] == other.pid, what="another host")
    assert {open_json(server).ask("c")["pid"] for _ in range(4)} == {other.pid}


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
