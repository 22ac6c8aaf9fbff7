"""The nginx configuration, in a real nginx before a real split."""

import contextlib
import http.client
import socket

import pytest
from websockets.sync.client import connect

from tests.conftest import give_up
from tests.processes import Nginx, find_nginx

#: A project that answers with what it has seen of the client.
PROJECT = {
    "manage.py": "import sys; from django.core.management import execute_from_command_line\n"
    "execute_from_command_line(sys.argv)",
    "seen_settings.py": """
import os
SECRET_KEY = "test"
DEBUG = True
ALLOWED_HOSTS = ["www.example.org"]
INSTALLED_APPS = ["channels"]
ROOT_URLCONF = "seen"
SECURE_PROXY_SSL_HEADER = None
CHANNEL_LAYERS = {"default": {
    "BACKEND": "channels.layers.redis.RedisChannelLayer",
    "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
    "ROUTING": "seen.channel_routing",
}}
""",
    "seen.py": """
from channels.routing import route
from django.http import HttpResponse
from django.urls import path

def seen(request):
    return HttpResponse(f"{request.META['REMOTE_ADDR']} {request.scheme} {request.get_host()}")

def ws_connect(message):
    message.reply_channel.send({"text": f"{message['client'][0]} {message['scheme']}"})

urlpatterns = [path("", seen)]
channel_routing = [route("websocket.connect", ws_connect)]
""",
    "asgi.py": "from channels.asgi import get_channel_layer\nchannel_layer = get_channel_layer()",
}


@pytest.fixture
def split(make_split, redis_server, tmp_path):
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text)
    split = make_split(
        tmp_path, settings="seen_settings", asgi="asgi:channel_layer", redis_url=redis_server.url
    )
    split.start_worker()
    return split


@pytest.fixture
def start_nginx(tmp_path):
    """Start nginx with our configuration before `upstream`; return its port."""
    if find_nginx() is None:
        give_up("no nginx: install it")
    started = []

    def start_nginx(upstream):
        started.append(Nginx(tmp_path, upstream))
        return started[-1].port

    yield start_nginx
    for process in started:
        process.stop()


@pytest.mark.parametrize("server", ["daphne", "uvicorn"])
@pytest.mark.parametrize("way", ["unix socket", "tcp"])
def test_nginx_hands_on_pages_and_sockets_with_the_clients_address(
    split, start_nginx, redis_server, server, way
):
    if way == "tcp":
        upstream = f"127.0.0.1:{split.start_server('--proxy-headers', server=server).port}"
    else:
        path = redis_server.socket_path.with_name("interface.sock")
        split.start_server("--proxy-headers", server=server, unix_socket=path)
        upstream = f"unix:{path}"
    port = start_nginx(upstream)

    assert get_page(port) == "127.0.0.2 http www.example.org"
    with connect(f"ws://127.0.0.1:{port}/", sock=connect_from_elsewhere(port)) as websocket:
        assert websocket.recv(timeout=20) == "127.0.0.2 ws"
    line = split.servers[-1].wait_for_log(r'(?m)^(\S+) - - \[.*\] "GET /" 200')
    assert line[1].split(":")[0] == "127.0.0.2"


def connect_from_elsewhere(port):
    """Connect from an address that is not the one nginx itself connects from."""
    return socket.create_connection(("127.0.0.1", port), 20, source_address=("127.0.0.2", 0))


def get_page(port):
    """Get the page, with a header that claims another address."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.sock = connect_from_elsewhere(port)
    with contextlib.closing(connection):
        headers = {"Host": "www.example.org", "X-Forwarded-For": "203.0.113.9"}
        connection.request("GET", "/", headers=headers)
        return connection.getresponse().read().decode()
