"""Who the client is behind a proxy."""

import pytest

from interface_server.proxy import ProxyHeaders
from tests.interface_server.fakes import Site, http_scope, in_loop, socket_scope

LOOPBACK = ("127.0.0.1", 5000)


def resolve(headers, client=LOOPBACK, trusted=("127.0.0.0/8", "::1"), make=http_scope):
    headers = [(b"x-forwarded-" + name, value) for name, value in headers]
    return ProxyHeaders(trusted).resolve(make(headers=headers, client=client))


@pytest.mark.parametrize(
    "value, address",
    [
        (b"203.0.113.9", "203.0.113.9"),
        (b" 203.0.113.9 ", "203.0.113.9"),
        (b"203.0.113.9:4711", "203.0.113.9"),
        (b"2001:db8::1", "2001:db8::1"),
        (b"[2001:db8::1]:4711", "2001:db8::1"),
        (b"::ffff:203.0.113.9", "203.0.113.9"),
        (b"1.2.3.4, 203.0.113.9", "203.0.113.9"),  # the first could be the client's own invention
        (b"203.0.113.9, 127.0.0.1", "203.0.113.9"),
        (b"127.0.0.2, 127.0.0.1", "127.0.0.2"),
        (b"203.0.113.9, nonsense, 127.0.0.3", "127.0.0.3"),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_explains(value, address):
    assert resolve([(b"for", value)])[0] == [address, 0]


@pytest.mark.parametrize("value", [b"", b"unknown", b"nonsense", b"\xff", b"999.1.1.1", b"_hidden"])
def test_what_is_no_address_is_ignored(value):
    assert resolve([(b"for", value)])[0] == LOOPBACK


def test_several_headers_count_as_one_in_their_order():
    headers = [(b"for", b"203.0.113.1"), (b"for", b"203.0.113.2")]
    assert resolve(headers)[0] == ["203.0.113.2", 0]


def test_the_port_comes_from_its_own_header_as_in_daphne_1():
    assert resolve([(b"for", b"203.0.113.9"), (b"port", b"4711")])[0] == ["203.0.113.9", 4711]


@pytest.mark.parametrize("port", [b"x", b"", b"-1", b"65536", b"99999999999999999999"])
def test_a_port_that_is_none_is_0(port):
    assert resolve([(b"for", b"203.0.113.9"), (b"port", port)])[0] == ["203.0.113.9", 0]


@pytest.mark.parametrize(
    "proto, http, socket", [(b"https", "https", "wss"), (b"http", "http", "ws")]
)
def test_the_scheme_comes_from_the_proxy(proto, http, socket):
    assert resolve([(b"proto", proto)])[1] == http
    assert resolve([(b"proto", proto)], make=socket_scope)[1] == socket


@pytest.mark.parametrize("proto", [b"", b"ftp", b"javascript", b"https\0"])
def test_a_scheme_that_is_unknown_is_ignored(proto):
    assert resolve([(b"proto", proto)])[1] == "http"


def test_an_untrusted_peer_is_not_believed_and_named_in_the_log_once(caplog):
    proxy = ProxyHeaders(("127.0.0.1",))
    headers = [(b"x-forwarded-for", b"1.2.3.4"), (b"x-forwarded-proto", b"https")]
    for _ in range(3):
        scope = http_scope(headers=headers, client=("203.0.113.5", 1))
        assert proxy.resolve(scope) == (("203.0.113.5", 1), "http")
    assert caplog.text.count("--trusted-proxy 203.0.113.5") == 1


@pytest.mark.parametrize("client", [None, ("", 0), ("", None)])
def test_a_peer_on_a_unix_socket_is_trusted(client):
    headers = [(b"for", b"203.0.113.9"), (b"proto", b"https")]
    assert resolve(headers, client=client) == (["203.0.113.9", 0], "https")


def test_a_star_trusts_every_peer():
    client = resolve([(b"for", b"203.0.113.9")], client=("198.51.100.1", 1), trusted=("*",))[0]
    assert client == ["203.0.113.9", 0]


def test_without_headers_nothing_changes():
    assert resolve([]) == (LOOPBACK, "http")


def test_a_trusted_proxy_that_is_no_address_is_an_error():
    with pytest.raises(ValueError, match="nginx"):
        ProxyHeaders(("nginx",))


@pytest.mark.parametrize("is_on, address", [(True, "203.0.113.9"), (False, "127.0.0.1")])
@in_loop
async def test_the_message_holds_what_the_proxy_says_only_if_that_is_switched_on(is_on, address):
    site = await Site(proxy_headers=is_on).start()
    headers = [(b"x-forwarded-for", b"203.0.113.9")]
    site.socket(headers=headers, client=LOOPBACK)
    site.request(headers=headers, client=LOOPBACK)
    assert (await site.link.expect("http.request"))["client"][0] == address
    assert (await site.link.expect("websocket.connect"))["client"][0] == address
