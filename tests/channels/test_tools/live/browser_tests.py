"""What a user writes who has a browser."""

from django.contrib.auth import get_user_model

from channels import Group
from channels.test import ChannelLiveServerTestCase
from tests.browser.chromium import Browser, find_chromium
from tests.processes import wait_until

CONNECT = """
window.heard = [];
window.socket = new WebSocket(location.origin.replace("http", "ws") + "/echo/");
socket.onmessage = (event) => heard.push(event.data);
socket.onopen = () => socket.send("hi");
"""


class BrowserTests(ChannelLiveServerTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser(find_chromium())
        cls.addClassCleanup(cls.browser.quit)

    def test_a_page_and_its_socket(self):
        get_user_model().objects.create_user("ann")
        self.browser.open(f"{self.live_server_url}/users/")
        self.browser.wait_for_text("hello ann")
        self.browser.run(CONNECT)
        wait_until(lambda: self.browser.run("return heard") == ["HI"], what="the echo")
        Group("everyone").send({"text": "from the test"})
        wait_until(lambda: "from the test" in self.browser.run("return heard"), what="the group")
