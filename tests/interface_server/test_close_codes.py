"""The code of a `websocket.disconnect` is what RFC 6455 asks for, the same on each host."""

import socket
import struct
import time
import uuid

import pytest

from tests.interface_server.test_raw_requests import UPGRADE

ANSWER_S = 10
#: Longer than hosts wait by themselves for a client's answer to their close frame.
DEAF_S = 1.5


def frame(opcode, data=b"", *, is_last=True, is_masked=True, reserved=0):
    """Return a client's frame; its mask is zeros."""
    length = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack(">H", len(data))
    length = bytes([length[0] | (0x80 if is_masked else 0)]) + length[1:]
    first = (0x80 if is_last else 0) | reserved | opcode
    return bytes([first]) + length + (b"\0\0\0\0" if is_masked else b"") + data


def close(code, reason=b""):
    return frame(8, struct.pack(">H", code) + reason)


TOO_LONG = b"\x82\xff" + struct.pack(">Q", 2**21) + b"\0\0\0\0"

#: What the client sends, and the code that the consumer sees. The server's close frame has it, too.
TABLE = [
    ("no code", frame(8), 1005),
    *((f"code {code}", close(code), code) for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009)),
    *((f"code {code}", close(code), code) for code in (1010, 1011, 1012, 1013, 1014, 3000, 4999)),
    ("a code with a reason", close(4000, "wegen ä".encode()), 4000),
    *((f"code {code}", close(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 1016)),
    *((f"code {code}", close(code), 1002) for code in (2999, 5000, 65535)),
    ("half a code", frame(8, b"x"), 1002),
    ("a reason that is not UTF-8", close(1000, b"\xff"), 1007),
    ("text that is not UTF-8", frame(1, b"\xff"), 1007),
    ("a frame without a mask", frame(1, b"x", is_masked=False), 1002),
    ("a reserved bit", frame(1, b"x", reserved=0x40), 1002),
    ("an unknown opcode", frame(3, b"x"), 1002),
    ("an end without a beginning", frame(0, b"x"), 1002),
    ("a beginning in a message", frame(1, b"a", is_last=False) + frame(1, b"b"), 1002),
    ("a ping of 126 bytes", frame(9, b"x" * 126), 1002),
    ("a ping in pieces", frame(9, b"x", is_last=False), 1002),
    ("a frame that is too long", TOO_LONG, 1009),
    ("text after the close frame", close(1000) + frame(1, b"late"), 1000),
]


@pytest.fixture
def client(our_host):
    """A bare connection with an open WebSocket on a path of its own."""
    path = f"/{uuid.uuid4().hex}"
    head = f"GET {path} HTTP/1.1|Host: x|{UPGRADE}||".replace("|", "\r\n")
    with socket.create_connection(("127.0.0.1", our_host.port), timeout=ANSWER_S) as connection:
        connection.sendall(head.encode())
        seen = b""
        while b'"ws"' not in seen:
            seen += connection.recv(65536)
        yield connection, path


@pytest.mark.parametrize(("sent", "code"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_the_consumer_sees_the_code_that_ended_the_socket(our_host, client, sent, code):
    connection, path = client
    connection.sendall(sent)
    answer = b""
    while piece := connection.recv(65536):
        answer += piece
    assert our_host.expect_record(path, "left")["code"] == code
    assert answer[0] == 0x88
    if code != 1005:
        assert struct.unpack(">H", answer[2:4]) == (code,)


@pytest.mark.parametrize("is_reset", [True, False], ids=["reset", "closed"])
def test_a_connection_that_breaks_is_1006(our_host, client, is_reset):
    connection, path = client
    if is_reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    assert our_host.expect_record(path, "left")["code"] == 1006


def test_a_client_that_answers_no_ping_is_1006(start, server_kind):
    host = start("--server", server_kind, "--ping-interval", "0.2", "--ping-timeout", "0.2")
    head = f"GET /silent HTTP/1.1|Host: x|{UPGRADE}||".replace("|", "\r\n")
    with socket.create_connection(("127.0.0.1", host.port), timeout=ANSWER_S) as connection:
        connection.sendall(head.encode())
        assert host.expect_record("/silent", "left")["code"] == 1006


def test_a_client_that_reads_late_still_learns_why_it_was_closed(our_host):
    head = f"GET /{uuid.uuid4().hex} HTTP/1.1|Host: x|{UPGRADE}||".replace("|", "\r\n")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(ANSWER_S)
        connection.connect(("127.0.0.1", our_host.port))
        connection.sendall(head.encode())
        seen = b""
        while b'"ws"' not in seen:
            seen += connection.recv(65536)
        connection.sendall(frame(1, b"flood 2") + frame(1, b"close 4001"))
        time.sleep(DEAF_S)  # it is deaf: what it was sent waits in the buffers
        why = b"\x88\x02" + struct.pack(">H", 4001)
        while not seen.endswith(why):
            piece = connection.recv(65536)
            assert piece, "cut off without a close frame"
            seen = seen[-4:] + piece
        connection.sendall(close(4001))
