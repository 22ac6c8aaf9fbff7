"""Where the site is mounted: the same for HTTP and WebSocket, on each host, whoever says it."""

import json
import socket
import uuid

import pytest
import requests

from interface_server.options import Options
from interface_server.proxy import ProxyHeaders
from interface_server.scopes import mount
from tests.interface_server.conftest import COMMANDS, SITE, start_host
from tests.interface_server.fakes import http_scope
from tests.interface_server.test_raw_requests import UPGRADE

TRUSTED = ProxyHeaders(("127.0.0.1",))


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("", "/a", ("", "/a")),
        ("/", "/a", ("", "/a")),
        ("/app", "/a", ("/app", "/app/a")),
        ("/app/", "/app/a", ("/app", "/app/a")),
        ("app", "/app", ("/app", "/app")),
        ("/app", "/", ("/app", "/app/")),
        ("/app", "/apple", ("/app", "/app/apple")),
        ("/ä/b", "/c", ("/ä/b", "/ä/b/c")),
    ],
)
def test_a_path_begins_with_the_root_path_whether_a_proxy_stripped_it_or_not(root, path, expected):
    scope = mount(http_scope(path=path), Options(root_path=root), None)
    assert (scope["root_path"], scope["path"]) == expected


@pytest.mark.parametrize(
    ("name", "value", "root"),
    [
        (b"daphne-root-path", b"/b", "/b"),
        (b"daphne-root-path", b"/%C3%A4", "/ä"),
        (b"x-forwarded-prefix", b"/b/", "/b"),
        (b"x-forwarded-prefix", b"/inner, /b", "/b"),
        (b"x-forwarded-prefix", b"http://evil/", "/app"),
        (b"x-forwarded-prefix", b"", "/app"),
        (b"x-forwarded-prefix", b"/\xe4", "/app"),
    ],
)
def test_the_word_of_a_trusted_proxy_comes_before_the_options(name, value, root):
    scope = http_scope(headers=[(name, value)], client=("127.0.0.1", 1))
    assert mount(scope, Options(root_path="/app"), TRUSTED)["root_path"] == root
    stranger = http_scope(headers=[(name, value)], client=("203.0.113.1", 1))
    assert mount(stranger, Options(root_path="/app"), TRUSTED)["root_path"] == "/app"


def ask_http(host, path, headers):
    """Return (root_path, path) as the consumer saw them."""
    facts = requests.get(host.url + path, headers=headers, timeout=10).json()
    return facts["root_path"], facts["path"]


def ask_socket(host, path, headers):
    """Return (root_path, path) as the consumers saw them: the disconnect's path is the same."""
    lines = "".join(f"|{name}: {value}" for name, value in headers.items())
    head = f"GET {path} HTTP/1.1|Host: x|{UPGRADE}{lines}||".replace("|", "\r\n")
    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as connection:
        connection.sendall(head.encode())
        seen = b""
        while b"]" not in seen:
            seen += connection.recv(65536)
    _, _, root, path_seen = json.loads(seen[seen.index(b"[") :])
    host.expect_record(path_seen, "left")
    return root, path_seen


@pytest.fixture(params=[ask_http, ask_socket], ids=["http", "websocket"])
def ask(request):
    return request.param


@pytest.fixture
def page():
    return f"/facts/{uuid.uuid4().hex}"


@pytest.mark.parametrize("header", ["Daphne-Root-Path", "X-Forwarded-Prefix"])
def test_a_client_can_not_say_where_the_site_is_mounted(main_host, ask, page, header):
    assert ask(main_host, page, {header: "/evil"}) == ("", page)


@pytest.mark.parametrize("header", ["Daphne-Root-Path", "X-Forwarded-Prefix"])
def test_a_trusted_proxy_can(start, server_kind, ask, page, header):
    host = start("--server", server_kind, "--proxy-headers")
    assert ask(host, page, {header: "/app"}) == ("/app", f"/app{page}")
    assert ask(host, f"/app{page}", {header: "/app"}) == ("/app", f"/app{page}")


@pytest.fixture(params=list(COMMANDS)[:4])
def mounted(request, tmp_path):
    """A host that was told a root path by its own flag."""
    command = [*COMMANDS[request.param][:-1], "--root-path", "/app", SITE]
    host = start_host(tmp_path, command)
    yield host
    host.kill()


@pytest.mark.parametrize("is_stripped", [True, False], ids=["stripped", "kept"])
def test_a_root_path_is_the_same_for_all(mounted, ask, page, is_stripped):
    path = page if is_stripped else f"/app{page}"
    # Plain uvicorn prepends its --root-path to every path: with it, a proxy has to strip.
    is_doubled = "--no-access-log" in mounted.command and not is_stripped
    assert ask(mounted, path, {}) == ("/app", f"/app/app{page}" if is_doubled else f"/app{page}")
