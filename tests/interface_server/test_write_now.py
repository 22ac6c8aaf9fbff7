"""Daphne's and uvicorn's `send`, where a frame is to be written at once."""

import asyncio
import logging
import types

import daphne.server  # noqa: F401  (first: it chooses Twisted's reactor)
import pytest

from interface_server.hosts import uvicorn_inside
from interface_server.hosts.daphne_io import SocketSend
from interface_server.hosts.uvicorn_inside import GatedSend

FRAME = {"type": "websocket.send", "text": "a"}


@pytest.fixture
def uvicorn_socket(monkeypatch):
    """A socket of uvicorn's that only notes what is sent, and whether it is cut off."""
    socket = types.SimpleNamespace(sent=[], aborts=0, writable=asyncio.Event())
    socket.writable.set()
    socket.logger = logging.getLogger("uvicorn.error")
    socket.transport = types.SimpleNamespace(abort=lambda: setattr(socket, "aborts", 1))

    async def send(socket, event):
        socket.sent.append(event)

    monkeypatch.setattr(uvicorn_inside.WebSocketsSansIOProtocol, "send", send)
    return socket


def test_uvicorn_writes_a_frame_as_long_as_the_client_reads(uvicorn_socket):
    send = GatedSend(uvicorn_socket)
    assert send.write_now(FRAME)
    uvicorn_socket.writable.clear()
    assert not send.write_now(FRAME)
    assert uvicorn_socket.sent == [FRAME]
    assert not uvicorn_socket.aborts


def test_a_uvicorn_that_waits_for_something_else_is_told_of_and_loses_no_frame_in_silence(
    uvicorn_socket, monkeypatch, caplog
):
    async def send(socket, event):
        await asyncio.sleep(0)

    monkeypatch.setattr(uvicorn_inside.WebSocketsSansIOProtocol, "send", send)
    assert GatedSend(uvicorn_socket).write_now(FRAME)
    assert uvicorn_socket.aborts
    assert f"use uvicorn {uvicorn_inside.TRIED['uvicorn']}" in caplog.text


def test_daphne_writes_a_frame_as_long_as_the_client_reads():
    sent = []
    protocol = types.SimpleNamespace(sendMessage=lambda data, is_binary: sent.append(data))

    async def write():
        send = SocketSend(None, protocol)
        assert send.write_now(FRAME)
        send.pauseProducing()
        assert not send.write_now(FRAME)
        send.resumeProducing()
        assert send.write_now({"type": "websocket.send", "bytes": b"b"})

    asyncio.run(write())
    assert sent == [b"a", b"b"]
