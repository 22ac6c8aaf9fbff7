"""Which events for the client a consumer wants to see first."""

import pytest

from channels.consumer import AsyncConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from worker.applications.events import find_own_events


@pytest.mark.parametrize(
    "kind",
    [
        *(AsyncConsumer, AsyncWebsocketConsumer, AsyncJsonWebsocketConsumer),
        *(WebsocketConsumer, JsonWebsocketConsumer),
    ],
)
def test_frames_go_straight_to_the_clients_of_consumers_that_leave_it_to_channels(kind):
    assert find_own_events(kind) == []


def test_a_method_of_its_own_or_of_a_base_makes_a_consumer_see_them_first():
    class Sends(WebsocketConsumer):
        def websocket_send(self, message):
            pass

    class Closes(Sends):
        def websocket_close(self, message):
            pass

    assert find_own_events(Sends) == ["websocket.send"]
    assert find_own_events(Closes) == ["websocket.send", "websocket.close"]
