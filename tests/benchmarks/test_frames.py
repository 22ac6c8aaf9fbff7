"""The load generator's own reading and writing of bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.load.crowd import FRAME_BYTES, make_text
from tests.benchmarks.load.frames import PING, TEXT, make_frame, read_frames
from tests.benchmarks.load.http import BadResponseError, read_head


@given(st.lists(st.binary(max_size=70_000), max_size=4), st.data())
def test_frames_are_read_back_however_they_are_cut(payloads, data):
    stream = b"".join(make_frame(payload, mask=None) for payload in payloads)
    cut = data.draw(st.integers(0, len(stream)))
    first, rest = read_frames(stream[:cut])
    second, rest = read_frames(rest + stream[cut:])
    assert [payload for _, payload in first + second] == payloads
    assert rest == b""


def test_a_masked_frame_is_that_of_the_rfc():
    # RFC 6455, section 5.7: a single-frame masked text message, "Hello".
    frame = make_frame(b"Hello", mask=bytes.fromhex("37fa213d"))
    assert frame == bytes.fromhex("818537fa213d7f9f4d5158")


def test_control_frames_keep_their_opcode():
    frames, rest = read_frames(make_frame(b"a", PING, mask=None) + make_frame(b"b", mask=None))
    assert frames == [(PING, b"a"), (TEXT, b"b")]
    assert rest == b""


@pytest.mark.parametrize("number", [0, 7, 99_999_999])
def test_all_broadcasts_have_one_size(number):
    assert len(make_frame(make_text(number), mask=None)) == FRAME_BYTES
    assert int(make_text(number)[:8]) == number


def test_a_head_tells_status_length_and_close():
    head = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 12\r\nConnection: close\r\n\r\n"
    assert read_head(head + b"body") == (len(head), 200, 12, True)


def test_half_a_head_is_waited_for():
    assert read_head(b"HTTP/1.1 200 OK\r\nContent-Le") is None


def test_a_response_without_a_length_is_refused():
    with pytest.raises(BadResponseError, match="no Content-Length"):
        read_head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
