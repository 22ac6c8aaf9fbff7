"""What is illegal on the wire never reaches a worker."""

import base64
import os
import socket as sockets

import pytest

from tests.processes import Split, wait_until
from tests.split.conftest import LIMIT_S, Notes, ask, get, open_socket

REQUESTS = {
    "no request line": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "only a method": b"GET\r\n\r\n",
    "a space in the path": b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes in the path": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header without a colon": b"GET /bad HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
    "a space before the colon": b"GET /bad HTTP/1.1\r\nHost: x\r\nname : x\r\n\r\n",
    "a NUL in a header": b"GET /bad HTTP/1.1\r\nHost: x\r\nname: a\x00b\r\n\r\n",
    "a length that is no number": b"POST /bad HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
    "two lengths": b"POST /bad HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
    b"Content-Length: 2\r\n\r\nab",
    "a chunk that is none": b"POST /bad HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"xyz\r\n",
}

#: Frames from a client, and the code that closes the socket.
FRAMES = {
    "not masked": (b"\x81\x02hi", 1002),
    "a reserved bit": (b"\xc1\x82\x00\x00\x00\x00hi", 1002),
    "an unknown opcode": (b"\x83\x82\x00\x00\x00\x00hi", 1002),
    "text that is not UTF-8": (b"\x81\x82\x00\x00\x00\x00\xc3\x28", 1007),
    "a ping in pieces": (b"\x09\x82\x00\x00\x00\x00hi", 1002),
    "too long": (b"\x82\xff" + (2**30).to_bytes(8, "big") + b"\x00\x00\x00\x00", 1009),
}


class Served:
    """A server with a worker, for all tests of this file."""

    def __init__(self, server, notes):
        self.server, self.notes = server, notes

    def connect(self):
        return sockets.create_connection(("127.0.0.1", self.server.port), LIMIT_S)


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def served(request, tmp_path_factory, _session_redis):
    directory = tmp_path_factory.mktemp("site")
    _session_redis.heal()
    with Split(
        settings="tests.split.site.settings",
        asgi="tests.split.site.asgi:channel_layer",
        redis_url=_session_redis.url,
        env={"DIRECTORY": str(directory)},
    ) as split:
        server = split.start_server(server=request.param, wait=False)
        split.start_worker()
        server.wait_until_connectable(("127.0.0.1", server.port))
        yield Served(server, Notes(directory))


@pytest.mark.parametrize("name", REQUESTS)
def test_an_illegal_request_is_refused_by_the_server(served, name):
    before = served.notes.count("http.request")
    with served.connect() as connection:
        connection.sendall(REQUESTS[name])
        answer = _read_to_end(connection)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer
    assert get(served.server).status_code == 200
    assert [note["path"] for note in served.notes.find("http.request")[before:]] == ["/"]


@pytest.mark.parametrize("name", FRAMES)
def test_an_illegal_frame_closes_its_socket_and_no_other(served, name):
    frame, code = FRAMES[name]
    before = served.notes.count("websocket.receive")
    with open_socket(served.server) as other, served.connect() as connection:
        _shake_hands(connection)
        connection.sendall(frame)
        assert _read_close_code(connection) == code
        assert ask(other).endswith("hello")
    assert [note["text"] for note in served.notes.find("websocket.receive")[before:]] == ["hello"]
    wait_until(
        lambda: (
            served.notes.count("websocket.disconnect") == served.notes.count("websocket.connect")
        )
    )


def _read_to_end(connection):
    answer = b""
    try:
        while part := connection.recv(65536):
            answer += part
    except ConnectionResetError:
        pass
    return answer


def _shake_hands(connection):
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall(
        f"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 101"), head


def _read_close_code(connection):
    frame = b""
    while len(frame) < 4:
        part = connection.recv(65536)
        assert part, f"closed without a code, after {frame}"
        frame += part
    assert frame[:1] == b"\x88", frame
    return int.from_bytes(frame[2:4], "big")
