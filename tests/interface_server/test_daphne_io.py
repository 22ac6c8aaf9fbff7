"""What stands between Daphne and an application, without a server around it."""

import types

import daphne.server  # noqa: F401  (first: it chooses Twisted's reactor)
import pytest
from twisted.internet.testing import StringTransport
from twisted.web import http

from interface_server.hosts.daphne_io import HttpSend

pytest.importorskip("h2")

HEADERS = [(":method", "GET"), (":path", "/"), (":scheme", "https"), (":authority", "x")]


def test_a_response_over_http_2_is_broken_off_by_a_reset_of_its_stream():
    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.events import StreamEnded, StreamReset
    from twisted.web import _http2

    server, wire, requests = _http2.H2Connection(), StringTransport(), []

    class Request(http.Request):
        def process(self):
            requests.append(self)

    server.requestFactory, server.site = Request, None
    server.factory = types.SimpleNamespace(log=lambda request: None)
    server.makeConnection(wire)
    client = H2Connection(H2Configuration(client_side=True))
    client.initiate_connection()
    client.send_headers(1, HEADERS, end_stream=True)
    server.dataReceived(client.data_to_send())
    (request,) = requests
    request.write(b"some")
    HttpSend(request).abort()
    events = client.receive_data(wire.value())
    assert [event.stream_id for event in events if isinstance(event, StreamReset)] == [1]
    assert not any(isinstance(event, StreamEnded) for event in events)
