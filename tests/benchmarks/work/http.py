"""Requests: small, with a query and a template, large, and large the other way."""

import http.client
from functools import partial

from tests.benchmarks.stack import BenchmarkError
from tests.benchmarks.work.definition import FEW_ROUNDS, Work, load_values

MIB = 1024 * 1024


def check(stack, path, body, is_right):
    """Ask once and look at the answer: all contenders must do the same work."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=20)
    try:
        connection.request("POST" if body else "GET", path, body)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise BenchmarkError(f"{stack.contender.name}: {path}: {error!r}\n{stack.logs}") from error
    finally:
        connection.close()
    if answer.status != 200 or not is_right(content):
        raise BenchmarkError(
            f"{stack.contender.name}: {path}: {answer.status} {content[:200]!r}\n{stack.logs}"
        )


def run(stack, pace, path, connections, is_right, body_bytes=0):
    """Load `path` from some connections."""
    check(stack, path, b"x" * body_bytes, is_right)
    job = {
        "kind": "http",
        "path": path,
        "connections": connections,
        "body_bytes": body_bytes,
        "warmup_s": pace.warmup_s,
        "seconds": pace.seconds,
    }
    return load_values(stack.load(job, limit_s=30 + 5 * pace.seconds))


def _is_hello(content):
    return content == b"Hello, world!"


def _is_page(content):
    return content.count(b"<li") == 20 and b"ENTRY 0" in content


def _is_large(content):
    return len(content) == MIB


def _is_length(content):
    return content == b"%d" % MIB


WORK = [
    Work(
        "http-1",
        "Small view, 1 connection",
        "p50_ms",
        "ms (median)",
        partial(run, path="/small/", connections=1, is_right=_is_hello),
        lower_is_better=True,
    ),
    Work(
        "http-32",
        "Small view, 32 connections",
        "rate",
        "requests/s",
        partial(run, path="/small/", connections=32, is_right=_is_hello),
    ),
    Work(
        "template-32",
        "View with one query and a template, 32 connections",
        "rate",
        "requests/s",
        partial(run, path="/entries/", connections=32, is_right=_is_page),
        in_quick=False,
        rounds=FEW_ROUNDS,
    ),
    Work(
        "response-1mib",
        "1 MiB response, 4 connections",
        "rate",
        "responses/s",
        partial(run, path="/large/", connections=4, is_right=_is_large),
        in_quick=False,
    ),
    Work(
        "upload-1mib",
        "1 MiB upload, 4 connections",
        "rate",
        "uploads/s",
        partial(run, path="/upload/", connections=4, is_right=_is_length, body_bytes=MIB),
        in_quick=False,
    ),
]
