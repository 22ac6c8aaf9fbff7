"""A socket to talk to generic consumers with."""

import pytest

from channels.routing import route_class
from channels.test import WSClient, apply_routes


@pytest.fixture
def open_socket(layer):
    """Open a socket to a consumer class; returns its WSClient, which has seen the accept."""
    applied = []

    def open_it(consumer, *, check_accept=True, **filters):
        routes = apply_routes([route_class(consumer, **filters)])
        routes.enter()
        applied.append(routes)
        client = WSClient(ordered=True)
        client.send_and_consume("websocket.connect", path="/one", check_accept=check_accept)
        return client

    yield open_it
    for routes in applied:
        routes.exit()


@pytest.fixture
def frame():
    """Send a frame from a client and consume it; its text may be empty, as a real one's may."""

    def send(client, text=None, **content):
        if text == "":
            content["text"] = text
        return client.send_and_consume("websocket.receive", content, text=text, path="/one")

    return send
