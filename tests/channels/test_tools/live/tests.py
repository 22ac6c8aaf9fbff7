"""What a user writes, with a browser's work done by plain clients."""

import os

import requests
from django.contrib.auth import get_user_model
from django.test import override_settings
from websockets.sync.client import connect

from channels import Group
from channels.asgi import channel_layers
from channels.test import ChannelLiveServerTestCase


class LiveTests(ChannelLiveServerTestCase):
    def test_a_page_sees_the_database_of_the_test(self):
        get_user_model().objects.create_user("ann")
        self.assertEqual(requests.get(f"{self.live_server_url}/users/").text, "hello ann")

    def test_each_test_has_an_empty_database(self):
        get_user_model().objects.create_user("bob")
        self.assertEqual(requests.get(f"{self.live_server_url}/users/").text, "hello bob")

    def test_static_files_are_served(self):
        url = f"{self.live_server_url}/static/live/green.js"
        self.assertIn("GREEN", requests.get(url).text)

    def test_sockets_are_served_and_hear_what_the_test_sends(self):
        with connect(f"{self.live_server_ws_url}/echo/") as socket:
            socket.send("hi")
            self.assertEqual(socket.recv(timeout=10), "HI")
            Group("everyone").send({"text": "from the test"})
            self.assertEqual(socket.recv(timeout=10), "from the test")

    def test_the_layer_is_a_private_one_with_the_same_settings(self):
        layer = channel_layers["default"]
        if "TEST_PREFIX" in os.environ:
            self.assertEqual(layer.prefix, os.environ["TEST_PREFIX"])
        else:
            self.assertTrue(layer.prefix.startswith("test-"))
            self.assertEqual(layer.capacity, 200)


@override_settings(GREETING="good day")
class OverriddenTests(ChannelLiveServerTestCase):
    serve_static = False
    worker_threads = 3
    host = "127.0.0.1"

    def test_the_processes_see_overridden_settings(self):
        self.assertEqual(requests.get(f"{self.live_server_url}/users/").text, "good day ")

    def test_static_files_are_served_only_if_asked_for(self):
        response = requests.get(f"{self.live_server_url}/static/live/green.js")
        self.assertEqual(response.status_code, 404)
