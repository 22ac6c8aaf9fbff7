"""HTTP/2, which Daphne speaks over TLS: requests that no worker sees are refused there, too."""

import json
import socket
import ssl

import pytest

from tests.processes import free_port
from tests.processes.nginx import make_certificate

pytest.importorskip("h2")


@pytest.fixture
def port(start, tmp_path):
    """The port of a Daphne with TLS."""
    certificate, key = make_certificate(tmp_path)
    port = free_port()
    endpoint = f"ssl:{port}:privateKey={key}:certKey={certificate}:interface=127.0.0.1"
    start("-e", endpoint, port=port)
    return port


def ask(port, method):
    """Return (status, body) of a request for /facts."""
    from h2.connection import H2Connection
    from h2.events import DataReceived, ResponseReceived, StreamEnded

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    status, body, client = None, b"", H2Connection()
    headers = [(":method", method), (":path", "/facts"), (":scheme", "https"), (":authority", "x")]
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain) as wire,
    ):
        assert wire.selected_alpn_protocol() == "h2"
        client.initiate_connection()
        client.send_headers(1, headers, end_stream=True)
        while True:
            wire.sendall(client.data_to_send())
            for event in client.receive_data(wire.recv(65536)):
                if isinstance(event, ResponseReceived):
                    status = int(dict(event.headers)[b":status"])
                elif isinstance(event, DataReceived):
                    body += event.data
                elif isinstance(event, StreamEnded):
                    return status, body


def test_a_request_is_served(port):
    status, body = ask(port, "GET")
    assert (status, json.loads(body)["http_version"]) == (200, "2")


@pytest.mark.parametrize(("method", "status"), [("TRACE", 405), ("get", 501)])
def test_a_method_that_no_worker_sees_is_refused(port, method, status):
    assert ask(port, method)[0] == status
