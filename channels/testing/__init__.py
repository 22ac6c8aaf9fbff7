"""What tests of class consumers are written with, at its Channels 2 import path.

For consumers of 1.x there is `channels.test`.
"""

from channels.testing.application import ApplicationCommunicator
from channels.testing.http import HttpCommunicator
from channels.testing.live import ChannelsLiveServerTestCase
from channels.testing.websocket import WebsocketCommunicator

__all__ = [
    "ApplicationCommunicator",
    "ChannelsLiveServerTestCase",
    "HttpCommunicator",
    "WebsocketCommunicator",
]
