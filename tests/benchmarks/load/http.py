"""HTTP load: each connection sends its next request when the last one has been answered."""

import time

from tests.benchmarks.load.connection import Connection, Engine
from tests.benchmarks.load.latency import Record

HEAD_END = b"\r\n\r\n"


class BadResponseError(Exception):
    """A response this generator can't read, or not the one it expects."""


def make_request(path, body=None):
    """Return the bytes of a GET, or of a POST of `body`."""
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: localhost\r\n"
    if body is not None:
        head += f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + (body or b"")


def read_head(data):
    """Return (length of the head, status, length of the body, whether the server will close).

    Returns None if the head is not complete. Raises BadResponseError without a Content-Length.
    """
    end = data.find(HEAD_END)
    if end < 0:
        return None
    head = data[:end].lower() + b"\r\n"
    start = head.find(b"\r\ncontent-length:")
    if start < 0:
        raise BadResponseError(f"no Content-Length in {data[:end]!r}")
    body_length = int(head[start + 17 : head.find(b"\r\n", start + 17)])
    return end + 4, int(head[9:12]), body_length, b"connection: close" in head


class HttpClient(Connection):
    """Asks again and again; connects anew when the server closes after an answer."""

    def __init__(self, engine, address, request, record):
        super().__init__(engine, address)
        self.request = request
        self.record = record
        self._begin()

    def _begin(self):
        self.begun = time.perf_counter()
        self.head = b""
        self.missing = None

    def on_open(self):
        self.send(self.request)

    def on_data(self, data):
        if self.missing is None:
            self._on_head(self.head + data if self.head else data)
        else:
            self._on_body(len(data))

    def _on_head(self, data):
        head = read_head(data)
        if head is None:
            self.head = data
            return
        head_length, self.status, self.missing, self.closes = head
        self._on_body(len(data) - head_length)

    def _on_body(self, length):
        self.missing -= length
        if self.missing > 0:
            return
        if self.missing < 0 or self.status != 200:
            self.record.errors[f"status {self.status}, {self.missing} bytes missing"] += 1
        else:
            self.record.add(time.perf_counter() - self.begun)
        if self.closes:
            self.close()
        else:
            self._begin()
            self.send(self.request)

    def on_close(self, why):
        if why is not None:
            self.record.errors[why] += 1
            if sum(self.record.errors.values()) > 1000:
                raise BadResponseError(f"too many errors: {dict(self.record.errors)}")
        self._begin()
        self.connect()


def run(job, address):
    """Run `job` and return its result. Keys: path, connections, body_bytes, warmup_s, seconds."""
    engine, record = Engine(), Record()
    body = b"x" * job["body_bytes"] if job.get("body_bytes") else None
    request = make_request(job["path"], body)
    for _ in range(job["connections"]):
        HttpClient(engine, address, request, record).connect()
    engine.run_until(time.perf_counter() + job["warmup_s"])
    record.restart()
    start = time.perf_counter()
    engine.run_until(start + job["seconds"])
    return record.summary(time.perf_counter() - start)
