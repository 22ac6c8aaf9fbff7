"""Bytes as clients may send them: each gets the same answer on each host that we run.

The site's /facts answers with what the worker saw, so 200 means that a request has reached one.
"""

import contextlib
import json
import socket
from typing import NamedTuple

import pytest

KIB = 1024

#: What a browser sends with a handshake.
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = f"Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Version: 13|{KEY}"


class Raw(NamedTuple):
    """A request and its answer: `|` in `head` is a line break; `facts` is what the worker saw."""

    name: str
    head: str
    status: int
    body: bytes = b""
    facts: dict | None = None


def get(name, headers, status=200, **facts):
    return Raw(name, f"GET /facts HTTP/1.1|{headers}", status, facts=facts or None)


def target(name, text, status=200, **facts):
    return Raw(name, f"GET {text} HTTP/1.1|Host: x", status, facts=facts or None)


def method(name, text, status):
    return Raw(name, f"{text} /facts HTTP/1.1|Host: x", status)


def post(name, headers, body=b"", status=200, path="/facts"):
    return Raw(name, f"POST {path} HTTP/1.1|Host: x|{headers}", status, body)


def upgrade(name, old, new, status):
    assert old in UPGRADE
    return Raw(name, f"GET /facts HTTP/1.1|Host: x|{UPGRADE}".replace(old, new), status)


def chunked(name, body, status=200):
    return post(name, "Transfer-Encoding: chunked", body, status)


TABLE = [
    # -- request lines: RFC 9112, section 3
    get("plain", "Host: x", method="GET", path="/facts", http_version="1.1"),
    Raw("HTTP/1.0 with Host", "GET /facts HTTP/1.0|Host: x", 200, facts={"http_version": "1.0"}),
    Raw("HTTP/1.0 without Host", "GET /facts HTTP/1.0", 200),
    Raw("empty lines before it", "||GET /facts HTTP/1.1|Host: x", 200),
    Raw("HTTP/0.9", "GET /facts", 400),
    Raw("HTTP/1.2", "GET /facts HTTP/1.2|Host: x", 505),
    Raw("HTTP/2.0", "GET /facts HTTP/2.0|Host: x", 505),
    Raw("HTTP/2 without TLS", "PRI * HTTP/2.0", 505),
    Raw("a version without digits", "GET /facts HTTP/x.y|Host: x", 400),
    Raw("a version of three digits", "GET /facts HTTP/1.10|Host: x", 400),
    Raw("a version in lower case", "GET /facts http/1.1|Host: x", 400),
    Raw("another protocol", "GET /facts RTSP/1.0|Host: x", 400),
    Raw("two spaces", "GET  /facts HTTP/1.1|Host: x", 400),
    Raw("a space in the target", "GET /fa cts HTTP/1.1|Host: x", 400),
    Raw("a tab for a space", "GET\t/facts HTTP/1.1|Host: x", 400),
    Raw("a space at the end", "GET /facts HTTP/1.1 |Host: x", 400),
    Raw("a space before it", " GET /facts HTTP/1.1|Host: x", 400),
    Raw("no method", "/facts HTTP/1.1|Host: x", 400),
    Raw("no target", "GET HTTP/1.1|Host: x", 400),
    Raw("no request line", "Host: x", 400),
    Raw("TLS to a port without it", "\x16\x03\x01\x02|x", 400),
    # -- methods: RFC 9110, section 9
    method("HEAD", "HEAD", 200),
    method("POST without a length", "POST", 200),
    method("PUT", "PUT", 200),
    method("PATCH", "PATCH", 200),
    method("DELETE", "DELETE", 200),
    method("OPTIONS", "OPTIONS", 200),
    method("PROPFIND", "PROPFIND", 200),
    method("get", "get", 501),
    method("head", "head", 501),
    method("Get", "Get", 501),
    method("an unknown one", "FOO", 501),
    method("an unknown one of 300 letters", "A" * 300, 501),
    method("an illegal one", "G(T", 400),
    method("TRACE", "TRACE", 405),
    method("CONNECT to a path", "CONNECT", 405),
    Raw("CONNECT to a host", "CONNECT x:443 HTTP/1.1|Host: x", 405),
    # -- targets: RFC 9112, section 3.2
    target("a query", "/facts?a=b&c", path="/facts", query_string="a=b&c"),
    target("an escaped path", "/facts/%C3%A4", path="/facts/ä"),
    target("an escaped slash", "/facts/a%2Fb", path="/facts/a/b"),
    target("a bad escape", "/facts/%zz", path="/facts/%zz"),
    target("dots", "/facts/../facts", path="/facts/../facts"),
    target("two slashes", "//facts/x", path="//facts/x"),
    target(
        "characters to be escaped", '/facts/<>"{}|^`\\'.replace("|", ""), path='/facts/<>"{}^`\\'
    ),
    target("brackets in a query", "/facts?a[]=1", query_string="a[]=1"),
    target("an absolute one", "http://x/facts?a", path="/facts", query_string="a"),
    target("an absolute one of https", "https://x:443/facts", path="/facts"),
    target("an absolute one in capitals", "HTTP://X/facts", path="/facts"),
    target("an absolute one with a user", "http://user@x/facts", 400),
    target("an absolute one without a host", "http:///facts", 400),
    target("an absolute one of ftp", "ftp://x/facts", 400),
    target("a fragment", "/facts#a", 400),
    target("bytes beyond ASCII", "/facts/ä", 400),
    target("a control character", "/facts/\x01", 400),
    target("no slash", "facts", 400),
    target("an asterisk", "*", 400),
    Raw("OPTIONS for all", "OPTIONS * HTTP/1.1|Host: x", 501),
    target("of 60 KiB", "/facts?" + "a" * 60 * KIB),
    target("of 70 KiB", "/facts?" + "a" * 70 * KIB, 414),
    # -- headers: RFC 9112, section 5
    get("no space after the colon", "Host:x"),
    get("spaces around a value", "Host: \t x \t "),
    get("an empty value", "Host: x|A:"),
    get("a value beyond ASCII", "Host: x|A: ä"),
    get("a name of signs", "Host: x|!#$%&'*+-.^_`~9a: 1"),
    get("a folded one", "Host: x|A: b| c", 400),
    get("a folded one with a tab", "Host: x|A: b|\tc", 400),
    get("a folded first one", " Host: x", 400),
    get("a space before the colon", "Host: x|A : b", 400),
    get("a space in a name", "Host: x|A b: c", 400),
    get("no colon", "Host: x|A", 400),
    get("no name", "Host: x|: b", 400),
    get("a name beyond ASCII", "Host: x|Ä: b", 400),
    get("a NUL", "Host: x|A: b\x00c", 400),
    get("a control character", "Host: x|A: b\x01c", 400),
    get("a DEL", "Host: x|A: b\x7fc", 400),
    get("a bare CR", "Host: x|A: b\rc", 400),
    get("a bare LF", "Host: x\nA: b", 400),
    Raw("LF only", "GET /facts HTTP/1.1\nHost: x\n\n", 400),
    get("one of 16 KiB", "Host: x|A: " + "b" * 16 * KIB),
    get("one of 65,000 bytes", "Host: x|A: " + "b" * 65_000),
    get("one of 66,000 bytes", "Host: x|A: " + "b" * 66_000, 431),
    get("five of 10,000 bytes", "Host: x" + "|A: " + "|A: ".join(["b" * 10_000] * 5)),
    get("seven of 10,000 bytes", "Host: x" + "|A: " + "|A: ".join(["b" * 10_000] * 7), 431),
    get("500", "Host: x|" + "|".join(f"A{n}: b" for n in range(500))),
    get("5,000", "Host: x|" + "|".join(f"A{n}: b" for n in range(5_000))),
    get("10,000", "Host: x|" + "|".join(f"A{n}: b" for n in range(10_000)), 431),
    # -- Host: RFC 9112, section 3.2
    get("no Host", "A: b", 400),
    get("two Hosts", "Host: x|Host: x", 400),
    get("an empty Host", "Host:"),
    get("a Host with a port", "Host: x:80"),
    get("an IPv6 Host", "Host: [::1]:80"),
    get("a Host with a path", "Host: x/y", 400),
    get("a Host with a user", "Host: u@x", 400),
    get("two in one Host", "Host: x, y z", 400),
    Raw("two Hosts in HTTP/1.0", "GET /facts HTTP/1.0|Host: x|Host: y", 400),
    # -- bodies: RFC 9112, section 6
    post("a length", "Content-Length: 5", b"12345"),
    post("a length with zeros", "Content-Length: 0005", b"12345"),
    post("two lengths", "Content-Length: 5|Content-Length: 5", b"12345", 400),
    post("two different lengths", "Content-Length: 5|Content-Length: 6", b"123456", 400),
    post("a list of lengths", "Content-Length: 5, 5", b"12345", 400),
    post("a negative length", "Content-Length: -5", b"12345", 400),
    post("a length with a plus", "Content-Length: +5", b"12345", 400),
    post("a hexadecimal length", "Content-Length: 0x5", b"12345", 400),
    post("an empty length", "Content-Length:", b"12345", 400),
    post("a length that is no number", "Content-Length: five", b"12345", 400),
    post("a length of 23 digits", "Content-Length: " + "9" * 23, b"12345", 413),
    post("a length of 18 digits", "Content-Length: " + "9" * 18, b"12345", 413),
    post("identity", "Transfer-Encoding: identity|Content-Length: 5", b"12345", 400),
    post("identity without a length", "Transfer-Encoding: identity", b"", 400),
    post("gzip", "Transfer-Encoding: gzip", b"", 400),
    post("gzip, chunked", "Transfer-Encoding: gzip, chunked", b"0\r\n\r\n", 501),
    post("chunked, identity", "Transfer-Encoding: chunked, identity", b"0\r\n\r\n", 400),
    post("chunked twice", "Transfer-Encoding: chunked, chunked", b"0\r\n\r\n", 400),
    post("xchunked", "Transfer-Encoding: xchunked", b"0\r\n\r\n", 400),
    post("chunked with a tab", "Transfer-Encoding:\tchunked", b"0\r\n\r\n"),
    post("Chunked", "Transfer-Encoding: Chunked", b"0\r\n\r\n"),
    post("chunked and a length", "Transfer-Encoding: chunked|Content-Length: 5", b"0\r\n\r\n", 400),
    post("a space before it", "Transfer-Encoding : chunked", b"0\r\n\r\n", 400),
    Raw(
        "chunked in HTTP/1.0",
        "POST /facts HTTP/1.0|Host: x|Transfer-Encoding: chunked",
        400,
        b"0\r\n\r\n",
    ),
    get("a GET with a body", "Host: x|Content-Length: 0"),
    chunked("chunks", b"5\r\n12345\r\n1\r\n6\r\n0\r\n\r\n"),
    chunked("chunks with extensions", b"5;a=b;c\r\n12345\r\n0;d\r\n\r\n"),
    chunked("chunks with trailers", b"5\r\n12345\r\n0\r\nA: b\r\nC: d\r\n\r\n"),
    chunked("sizes with zeros and capitals", b"000A\r\n1234567890\r\n00\r\n\r\n"),
    chunked("a size that is no number", b"zz\r\n12345\r\n0\r\n\r\n", 400),
    chunked("a negative size", b"-5\r\n12345\r\n0\r\n\r\n", 400),
    chunked("a size of 0x5", b"0x5\r\n12345\r\n0\r\n\r\n", 400),
    chunked("a size of 20 digits", b"f" * 20 + b"\r\n12345\r\n0\r\n\r\n", 400),
    chunked("an empty size", b"\r\n12345\r\n0\r\n\r\n", 400),
    chunked("a chunk that is too long", b"5\r\n123456\r\n0\r\n\r\n", 400),
    chunked("a chunk that is too short", b"5\r\n1234\r\n0\r\n\r\n", 400),
    chunked("chunks that end with LF", b"5\n12345\n0\n\n", 400),
    chunked("an extension of 2 KiB", b"5;" + b"a" * 2 * KIB + b"\r\n12345\r\n0\r\n\r\n"),
    chunked("a trailer that is none", b"5\r\n12345\r\n0\r\nA\r\n\r\n", 400),
    # -- upgrades: RFC 6455, section 4.2; RFC 9110, section 7.8
    upgrade("a handshake", "Upgrade", "Upgrade", 101),
    upgrade("in lower case", "Connection: Upgrade", "connection: upgrade", 101),
    upgrade("among other connection options", "n: Upgrade", "n: keep-alive, Upgrade", 101),
    upgrade("in a second Connection", "n: Upgrade", "n: close|Connection: Upgrade", 101),
    upgrade("WebSocket in capitals", "Upgrade: websocket", "Upgrade: WebSocket", 101),
    upgrade("among other protocols", "Upgrade: websocket", "Upgrade: x, websocket", 101),
    upgrade("no Connection", "Connection: Upgrade|", "", 200),
    upgrade("version 8", "Version: 13", "Version: 8", 426),
    upgrade("no version", "Sec-WebSocket-Version: 13|", "", 426),
    upgrade("no key", f"|{KEY}", "", 400),
    upgrade("two keys", KEY, f"{KEY}|{KEY}", 400),
    upgrade("a short key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhl", 400),
    upgrade("a key that is not Base64", "dGhlIHNhbXBsZSBub25jZQ==", "*" * 24, 400),
    upgrade("a handshake with a length", KEY, f"{KEY}|Content-Length: 5", 400),
    upgrade("a handshake in chunks", KEY, f"{KEY}|Transfer-Encoding: chunked", 400),
    upgrade("a handshake of 60 KiB", KEY, f"{KEY}|Cookie: " + "a" * 60 * KIB, 101),
    upgrade("a handshake of 9,000 bytes", KEY, f"{KEY}|Cookie: " + "a" * 9_000, 101),
    upgrade("a handshake of 70 KiB", KEY, f"{KEY}|Cookie: " + "a" * 70 * KIB, 431),
    upgrade("a handshake of 500 headers", KEY, KEY + "".join(f"|A{n}: b" for n in range(500)), 101),
    Raw("a POST handshake", f"POST /facts HTTP/1.1|Host: x|{UPGRADE}", 200),
    Raw("a handshake in HTTP/1.0", f"GET /facts HTTP/1.0|Host: x|{UPGRADE}", 200),
    Raw("a handshake without Host", f"GET /facts HTTP/1.1|{UPGRADE}", 400),
    Raw("a handshake to a URL", f"GET ws://x/facts HTTP/1.1|Host: x|{UPGRADE}", 101),
    get("an upgrade to HTTP/2", "Host: x|Connection: Upgrade, HTTP2-Settings|Upgrade: h2c"),
    get("an upgrade to TLS", "Host: x|Connection: Upgrade|Upgrade: TLS/1.0"),
]


def send(host, raw):
    """Return a connection on which a request has been sent."""
    connection = socket.create_connection(("127.0.0.1", host.port), timeout=10)
    head = raw.head.replace("|", "\r\n") + ("" if raw.head.endswith("\n\n") else "\r\n\r\n")
    with contextlib.suppress(ConnectionError):  # what counts is what it answers
        connection.sendall(head.encode("latin-1") + raw.body)
    return connection


def read_response(connection, is_head=False):
    """Return (status, headers, body) of the next response."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        assert piece, f"closed after {data!r}"
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    headers = [tuple(part.strip() for part in line.lower().split(":", 1)) for line in lines]
    status = int(line.split()[1])
    length = 0 if is_head or status == 101 else int(dict(headers)["content-length"])
    while len(body) < length:
        piece = connection.recv(65536)
        assert piece, f"closed after {body!r}"
        body += piece
    return status, headers, body[:length]


@pytest.mark.parametrize("raw", TABLE, ids=[raw.name for raw in TABLE])
def test_each_request_has_the_same_answer_on_each_host(our_host, raw):
    is_head = raw.head.startswith("HEAD ")
    with send(our_host, raw) as connection:
        status, headers, body = read_response(connection, is_head)
    names = [name for name, _ in headers]
    assert status == raw.status, body
    assert len(names) == len(set(names)), headers
    if status == 101:
        return
    assert "date" in names
    if status == 200 and not is_head:
        facts = json.loads(body)
        assert {key: facts[key] for key in raw.facts or ()} == (raw.facts or {})
    if status >= 400:
        assert dict(headers)["connection"] == "close"
        assert b": " in body or status == 413
    if status == 405:
        assert "get" in dict(headers)["allow"]


#: What no host may hand to a worker, whatever it answers: some close the connection without a word.
NEVER = [
    method("TRACE", "TRACE", 405),
    method("CONNECT", "CONNECT", 405),
    get("no Host", "A: b", 400),
    get("two Hosts", "Host: x|Host: y", 400),
    post("identity", "Transfer-Encoding: identity|Content-Length: 5", b"12345", 400),
]


@pytest.mark.parametrize("raw", NEVER, ids=[raw.name for raw in NEVER])
def test_no_host_hands_these_to_a_worker(any_host, raw):
    with send(any_host, raw) as connection:
        answer = connection.recv(65536)
    assert answer.split(b" ")[1:2] != [b"200"], answer
