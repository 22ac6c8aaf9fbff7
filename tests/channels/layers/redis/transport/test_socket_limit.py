"""A read or a write of a socket ends in time, whoever counts it."""

import socket
import time

import pytest

from channels.layers.redis.transport import socket_limit
from channels.layers.redis.transport.socket_limit import limit

TOO_LATE = (TimeoutError, BlockingIOError)


class OtherSocket(socket.socket):
    """Stands for what is not Python's own kind: with TLS, or gevent's."""


@pytest.fixture(params=[socket.socket, OtherSocket])
def pair(request):
    """Two ends: the one that is tried, and the other one."""
    ends = socket.socketpair()
    mine = request.param(fileno=ends[0].detach())
    with mine, ends[1]:
        yield mine, ends[1]


@pytest.mark.parametrize("seconds", [0.05, 0.0])
def test_a_read_ends_in_time(pair, seconds):
    limit(pair[0], seconds)
    started = time.monotonic()
    with pytest.raises(TOO_LATE):
        pair[0].recv(1)
    assert seconds * 0.9 <= time.monotonic() - started < seconds + 2  # it counts in ticks


def test_a_write_ends_in_time(pair):
    limit(pair[0], 0.05)
    with pytest.raises(TOO_LATE):
        pair[0].sendall(bytes(50_000_000))


def test_what_comes_in_time_is_read(pair):
    limit(pair[0], 30)
    pair[1].sendall(b"x")
    assert pair[0].recv(9) == b"x"


def test_a_later_limit_holds(pair):
    limit(pair[0], 30)
    limit(pair[0], 0.05)
    with pytest.raises(TOO_LATE):
        pair[0].recv(1)


def test_only_pythons_own_sockets_are_left_to_the_kernel(pair):
    limit(pair[0], 1.5)
    assert pair[0].gettimeout() == (None if type(pair[0]) is socket.socket else 1.5)


def test_a_kernel_that_does_not_take_the_limit_leaves_it_to_python(pair, monkeypatch):
    monkeypatch.setattr(socket_limit, "_OPTIONS", (-1,))
    limit(pair[0], 1.5)
    assert pair[0].gettimeout() == 1.5
