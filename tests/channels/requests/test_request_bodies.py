"""Request bodies: in the message, or part by part over a channel of their own."""

import json
import tracemalloc

import pytest

from channels.exceptions import RequestAborted, RequestBodyExpired, RequestTimeout
from channels.handler import AsgiHandler, AsgiRequest
from channels.layers.memory import MemoryChannelLayer
from channels.layers.operations import Delivery
from channels.requests.request import SPOOL_BYTES
from tests.channels.http_messages import (
    BODY,
    MULTIPART,
    join,
    make_request,
    make_upload,
    send_body,
)


@pytest.fixture(autouse=True)
def site(settings):
    settings.ROOT_URLCONF = "tests.channels.views"


class ImpatientRequest(AsgiRequest):
    body_receive_timeout = 0.02


class ImpatientHandler(AsgiHandler):
    request_class = ImpatientRequest


@pytest.fixture
def handler():
    return ImpatientHandler()


def post(handler, layer, path, parts=None, length=None, kind=b"text/plain", **content):
    """Return (status, headers, content) of the answer to a body that comes in `parts`."""
    headers = [(b"content-type", kind)]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    if parts is not None:
        send_body(layer, parts)
        content["body_channel"] = BODY
    return join(handler(make_request(layer, path, "POST", headers, **content)))


def test_a_body_in_the_message_is_read(handler, layer):
    assert post(handler, layer, "/body/", body=b"abc", length=3)[2] == b"abc"


def test_a_form_is_read(handler, layer):
    upload = b"".join(make_upload([b"12345"]))
    for length in (len(upload), None):  # None: the client sent it in chunks
        answer = post(handler, layer, "/upload/", body=upload, length=length, kind=MULTIPART)
        assert json.loads(answer[2]) == {"post": {"title": "A picture"}, "files": {"picture": 5}}


def test_a_body_that_comes_in_parts_is_read(handler, layer):
    assert post(handler, layer, "/body/", [b"b", b"", b"c"], 3, body=b"a")[2] == b"abc"


def test_a_body_can_be_read_by_lines(handler, layer):
    parts = [b"one\ntw", b"o\nthr", b"ee"]
    assert post(handler, layer, "/lines/", parts, 13)[2] == b"one\n|two\n|three"


@pytest.mark.parametrize("is_length_known", [True, False])
def test_an_upload_that_comes_in_parts_is_read(handler, layer, is_length_known):
    parts = list(make_upload([b"x" * 100_000] * 5))
    length = sum(map(len, parts)) if is_length_known else None
    answer = post(handler, layer, "/upload/", parts, length, MULTIPART)
    assert json.loads(answer[2]) == {"post": {"title": "A picture"}, "files": {"picture": 500_000}}


class MadeToMeasure:
    """A layer, as far as an upload needs one, that makes each part when it is asked for."""

    def __init__(self, parts):
        self.parts = parts

    def open_reader(self, channels):
        return self

    def take(self, operations=(), block_s=0.0):
        part = next(self.parts, None)
        message = {"content": part or b"", "more_content": part is not None}
        return [], Delivery(BODY, message)

    def close(self):
        pass


def test_an_upload_is_never_in_memory_as_a_whole(handler):
    parts = make_upload(bytes(2**18) for _ in range(64))
    headers = [(b"content-type", MULTIPART)]
    message = make_request(MadeToMeasure(parts), "/upload/", "POST", headers, body_channel=BODY)
    tracemalloc.start()
    try:
        answer = join(handler(message))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert json.loads(answer[2])["files"] == {"picture": 2**24}
    assert peak_bytes < 2**22


def test_a_client_that_is_too_slow_gets_408(handler, layer):
    status, _, content = post(handler, layer, "/body/", length=9, body=b"a", body_channel=BODY)
    assert status == 408 and b"too slow" in content


#: Those of a form that Django's CSRF check reads a token from.
CSRF_HEADERS = [
    (b"content-type", b"application/x-www-form-urlencoded"),
    (b"content-length", b"9"),
    (b"cookie", b"csrftoken=" + b"x" * 32),
]


def test_a_client_that_is_too_slow_for_the_csrf_check_gets_408(handler, layer):
    message = make_request(layer, "/upload-csrf/", "POST", CSRF_HEADERS, body_channel=BODY)
    assert join(handler(message))[0] == 408


@pytest.mark.parametrize("path", ["/body/", "/tolerant/"])
def test_nothing_is_sent_to_a_client_that_has_gone(handler, layer, path):
    layer.send(BODY, {"content": b"b", "more_content": True})
    layer.send(BODY, {"closed": True})
    message = make_request(layer, path, "POST", body=b"a", body_channel=BODY)
    assert list(handler(message)) == []


def test_a_view_can_handle_a_body_that_fails_as_with_any_server(handler, layer):
    status, _, content = post(handler, layer, "/tolerant/", body_channel=BODY)
    assert (status, content) == (200, b"unreadable: _BodyTimeout")


def send_parts(layer, *parts, length=None):
    """Put (offset, content) on the body's channel; with `length`, the last of them ends it."""
    for offset, content in parts:
        more = offset + len(content) != length
        layer.send(BODY, {"content": content, "more_content": more, "offset": offset})


def test_parts_that_tell_where_they_belong_are_read(handler, layer):
    send_parts(layer, (0, b"ab"), (2, b""), (2, b"cd"), length=4)
    assert post(handler, layer, "/body/", body_channel=BODY)[2] == b"abcd"


@pytest.mark.parametrize("path", ["/body/", "/upload/", "/tolerant/", "/lines/"])
@pytest.mark.parametrize("length", [8, None])
def test_a_body_with_a_hole_gets_500_which_is_logged(handler, layer, caplog, path, length):
    send_parts(layer, (0, b"ab"), (6, b"gh"), length=8)
    kind = MULTIPART if path.startswith("/upload") else b"text/plain"
    status = post(handler, layer, path, length=length, kind=kind, body_channel=BODY)[0]
    assert status == 500
    assert "4 bytes of the request body are missing after the first 2: they expired" in caplog.text


def test_a_body_with_a_hole_gets_500_though_the_csrf_check_reads_it(handler, layer):
    send_parts(layer, (0, b"ab"), (6, b"gh"), length=8)
    message = make_request(layer, "/upload-csrf/", "POST", CSRF_HEADERS, body_channel=BODY)
    assert join(handler(message))[0] == 500


def test_a_body_that_has_expired_to_its_end_gets_500_at_once(layer):
    layer.send(BODY, {"closed": True, "offset": 300_000})
    assert post(AsgiHandler(), layer, "/body/", body_channel=BODY)[0] == 500


def test_parts_that_a_view_reads_after_their_expiry_are_missed(handler):
    now = [1000.0]
    layer = MemoryChannelLayer(clock=lambda: now[0])
    send_parts(layer, (0, b"ab"))
    now[0] += layer.expiry + 1
    send_parts(layer, (2, b"cd"), length=4)
    assert post(handler, layer, "/body/", body_channel=BODY)[0] == 500


def test_a_body_shorter_than_announced_is_not_taken_for_a_whole_one(handler, layer, caplog):
    # As an older server sends it: no part tells where it belongs.
    assert post(handler, layer, "/body/", [b"ab", b"cd"], 9)[0] == 500
    assert "5 bytes of the request body are missing after the first 4" in caplog.text


def test_a_view_may_answer_itself_for_a_body_that_has_expired(handler, layer):
    send_parts(layer, (2, b"cd"), length=4)
    status, _, content = post(handler, layer, "/careful/", body_channel=BODY)
    assert (status, content) == (503, b"send it again")


def test_outside_of_a_handler_the_errors_are_those_of_1_x(layer):
    def make_message():
        return make_request(layer, method="POST", body_channel=BODY)

    with pytest.raises(RequestTimeout):
        ImpatientRequest(make_message())
    layer.send(BODY, {"content": b"half", "more_content": True})
    layer.send(BODY, {"closed": True})
    with pytest.raises(RequestAborted):
        AsgiRequest(make_message())


@pytest.mark.parametrize("size", [0, 3, 2 * SPOOL_BYTES])
def test_outside_of_a_handler_the_whole_body_is_read_at_once(layer, size):
    for _ in range(0, size, 2**18):
        layer.send(BODY, {"content": b"x" * min(size, 2**18), "more_content": True})
    layer.send(BODY, {"content": b"", "more_content": False})
    request = AsgiRequest(make_request(layer, method="POST", body_channel=BODY))
    assert layer.receive([BODY]) == (None, None)
    assert len(request.read()) == size


def test_in_a_view_the_error_stays(layer):
    layer.send(BODY, {"closed": True})
    request = AsgiRequest.for_view(make_request(layer, method="POST", body_channel=BODY))
    for _ in range(2):
        with pytest.raises(RequestAborted):
            request._stream.read()
    assert isinstance(request.body_failure, RequestAborted)


def test_the_error_for_a_body_that_has_expired_stays(layer):
    send_parts(layer, (2, b"cd"), length=4)
    request = AsgiRequest.for_view(make_request(layer, method="POST", body_channel=BODY))
    for _ in range(2):
        with pytest.raises(RequestBodyExpired):
            request._stream.read()
    assert isinstance(request.body_failure, RequestBodyExpired)


def test_a_body_in_memory_is_limited_as_django_limits_it(handler, layer, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    parts = [b"x" * 600] * 2
    assert post(handler, layer, "/body/", parts, 1200)[0] == 400
