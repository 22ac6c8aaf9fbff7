import os
import time

from channels import Group
from channels.handler import AsgiHandler
from tests.split.site.notes import note, wait_for_sign

_handler = AsgiHandler()


def http_request(message):
    note("http.request", path=message["path"])
    for reply in _handler(message):
        message.reply_channel.send(reply, immediately=True)


def ws_connect(message):
    note("websocket.connect", path=message["path"])
    message.reply_channel.send({"accept": True})
    Group("everybody").add(message.reply_channel)


def ws_receive(message):
    text = message.get("text")
    note("websocket.receive", text=text)
    if text == "hold":
        wait_for_sign()
    if text and text.startswith("all: "):
        Group("everybody").send({"text": text})
    else:
        message.reply_channel.send({"text": f"{os.getpid()} {text}"})


def ws_disconnect(message):
    note("websocket.disconnect", code=message["code"])
    Group("everybody").discard(message.reply_channel)


def work(message):
    note("began", name=message["name"])
    time.sleep(message.get("sleep_s", 0))
    if message.get("hold"):
        wait_for_sign()
    note("ended", name=message["name"])
