"""Test cases, clients, and routes for a test, at their Channels 1.x import path."""

from channels.test.base import (
    ChannelTestCase,
    Client,
    TransactionChannelTestCase,
    apply_routes,
)
from channels.test.http import HttpClient
from channels.test.liveserver import ChannelLiveServerTestCase
from channels.test.websocket import WSClient

__all__ = [
    "ChannelLiveServerTestCase",
    "ChannelTestCase",
    "Client",
    "HttpClient",
    "TransactionChannelTestCase",
    "WSClient",
    "apply_routes",
]
