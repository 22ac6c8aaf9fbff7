"""What a Gate lets through: the same however the bytes are cut, and nothing that reads two ways."""

import time

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interface_server.hosts.chunks import BadChunk, ChunkedBody
from interface_server.hosts.gate import Gate, GateLimits
from interface_server.hosts.refusal import unwrap

GET = b"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"
CHUNKS = b"5\r\n12345\r\n0\r\n\r\n"
CHUNKED = b"PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS
BAD = b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"
UPGRADE = (
    b"GET /a HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\n\r\n"
)


def feed(data, cuts=(), limits=None):
    """Return (what a Gate lets through of `data` that comes in pieces, the Gate)."""
    gate = Gate(limits or GateLimits(), 0.0)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    return b"".join(gate.feed(piece, 1.0) for piece in pieces), gate


def find_refusal(passed):
    """Return the Refusal that is the last request of what was let through."""
    path = passed.rpartition(b"\r\n\r\n")[0].rpartition(b"\r\n\r\n")[2].split(b" ")[1]
    return unwrap({"path": path.decode(), "raw_path": path})


@pytest.mark.parametrize("data", [GET, POST, CHUNKED, UPGRADE, GET + POST + CHUNKED + GET])
def test_what_is_plain_goes_on_as_it_came(data):
    assert feed(data)[0] == data


def test_after_a_handshake_everything_goes_on():
    frames = bytes(range(256)) * 20
    assert feed(UPGRADE + frames)[0] == UPGRADE + frames


def test_a_body_is_no_head():
    body = b"GET /b HTTP/1.1\r\nHost: y\r\n\r\n"
    data = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    assert feed(data + GET)[0] == data + GET


def test_after_a_refusal_nothing_goes_on_but_what_came_before_it_has():
    passed, _ = feed(POST + BAD + GET)
    assert passed.startswith(POST)
    assert passed.count(b"HTTP/1.1") == 2
    refusal = find_refusal(passed)
    assert refusal[:2] == (400, "a header is folded over lines")
    assert refusal[2:] == ("GET", "/a")


def test_a_client_can_not_ask_for_a_refusal():
    assert unwrap({"path": "/.refused-0/400/x/GET/y", "raw_path": b""}) is None


def test_chunks_lose_their_extensions_and_trailers():
    data = CHUNKED.replace(CHUNKS, b"5;a=b\r\n12345\r\n000\r\nA: b\r\n\r\n")
    assert feed(data + GET)[0] == CHUNKED + GET


def test_what_follows_a_broken_body_does_not_go_on():
    passed, gate = feed(CHUNKED.replace(b"0\r\n\r\n", b"x\r\n") + GET)
    assert gate.broken == "a chunk does not begin with its size"
    assert GET not in passed


@pytest.mark.parametrize(
    ("data", "begun_s"),
    [
        (b"", 0.0),
        (b"GET", 0.0),
        (GET, None),
        (GET + b"G", 1.0),
        (GET + b"\r\n", None),
        (POST, None),
    ],
)
def test_a_head_is_waited_for_from_its_first_byte_or_from_the_connection(data, begun_s):
    assert feed(data)[1].begun_s == begun_s


def test_a_head_that_has_begun_is_answered_when_its_time_is_over():
    assert find_refusal(feed(b"GET /a HT")[1].expire()).status == 408
    assert feed(b"")[1].expire() == b""
    assert feed(POST[:-2])[1].expire() == b""


CUTS = st.lists(st.integers(0, 10_000), max_size=20)
REQUESTS = st.lists(st.sampled_from([GET, POST, CHUNKED, BAD, UPGRADE, b"\r\n"]), max_size=6)


@given(REQUESTS, CUTS)
def test_it_does_not_matter_how_the_bytes_are_cut(requests, cuts):
    data = b"".join(requests)
    assert feed(data, cuts)[0] == feed(data)[0]


#: Bytes that are nearly requests.
PARTS = st.sampled_from(
    [
        *(b"GET /a HTTP/1.1\r\n", b"Host: x\r\n", b"Content-Length: 5\r\n", b"12345", b"\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", CHUNKS, b" ", b"\n", b"\r", b"\0", b"5\r\n", b"0\r\n"),
        *(
            b"Upgrade: x\r\n",
            b"GET http://y/ HTTP/1.1\r\n",
            b"Expect: 100-continue\r\n",
            b"\xff",
            b":",
        ),
    ]
)


@given(st.lists(PARTS, max_size=20), CUTS)
def test_whatever_comes_h11_can_read_what_goes_on(parts, cuts):
    passed, _ = feed(b"".join(parts), cuts)
    for _ in range(len(parts)):
        if not passed:  # which h11 would take for the end of the connection
            return
        server = h11.Connection(h11.SERVER, max_incomplete_event_size=10**6)
        server.receive_data(passed)
        while server.next_event() not in (h11.NEED_DATA, h11.PAUSED):
            pass
        passed, _ = server.trailing_data
        if server.their_state is not h11.DONE:
            return
    assert not passed, "there are more requests than parts"


@given(st.binary(max_size=300), CUTS)
def test_no_bytes_are_too_much_for_it(data, cuts):
    assert feed(data, cuts)[0] == feed(data)[0]


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), CUTS)
def test_the_content_of_chunks_is_passed_on_however_they_are_cut(contents, cuts):
    data = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in contents) + b"0\r\n\r\n"
    body, passed = ChunkedBody(), b""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for a, b in zip(edges, edges[1:], strict=False):
        piece, rest = body.feed(data[a:b])
        assert not rest
        passed += piece
    assert passed == data
    assert body.is_complete


def test_a_line_between_chunks_does_not_grow_for_ever():
    body = ChunkedBody()
    with pytest.raises(BadChunk, match="too long"):
        for _ in range(5000):
            body.feed(b"1")


@pytest.mark.parametrize("beginning", [b"GET /", b"GET / HTTP/1.1\r\nHost: x\r\nA: "])
def test_a_head_that_comes_byte_by_byte_is_looked_at_once(beginning):
    """60,000 packets of one byte: looking at all of them each time took 83 s."""
    gate, begun_s = Gate(GateLimits(), 0.0), time.process_time()
    for number in beginning + b"x" * 60_000:
        gate.feed(bytes([number]), 1.0)
    assert time.process_time() - begun_s < 8


def test_lines_may_be_cut_anywhere():
    data = b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"
    for cut in range(len(data)):
        assert find_refusal(feed(data, [cut])[0]).status == 400


@pytest.mark.parametrize("filler", [b" ", b"\t", b"a", b"a:", b"\xff"])
@pytest.mark.parametrize("end", [b"\1", b"", b"\r\n ", b":"])
def test_no_header_takes_long_to_judge(filler, end):
    """A pattern that can match a space in two ways takes minutes for 60,000 of them."""
    data = b"GET / HTTP/1.1\r\nHost: x\r\nA:" + filler * 30_000 + end + b"\r\n\r\n"
    begun_s = time.process_time()
    feed(data, limits=GateLimits(2**20))
    assert time.process_time() - begun_s < 2
