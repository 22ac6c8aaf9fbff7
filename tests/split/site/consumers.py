import array
import os
import time

from django.http import HttpResponse

from channels import Group
from channels.handler import AsgiHandler
from channels.sessions import enforce_ordering
from tests.split.site.notes import note, wait_for_sign

_handler = AsgiHandler()


def http_request(message):
    note("http.request", path=message["path"])
    for reply in _handler(message):
        message.reply_channel.send(reply, immediately=True)


def http_parts(message, mib):
    """The consumer of the first page of the 1.x tutorial, with a body of some size."""
    content = array.array("Q", range(int(mib) * 2**17)).tobytes()
    for chunk in AsgiHandler.encode_response(HttpResponse(content)):
        message.reply_channel.send(chunk)


@enforce_ordering
def ws_repeat(message):
    for letter in "abcdefgh":
        message.reply_channel.send({"text": message["text"] + letter})


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


ws_begin_in_order, ws_end_in_order = map(enforce_ordering, (ws_connect, ws_disconnect))


def work(message):
    note("began", name=message["name"])
    time.sleep(message.get("sleep_s", 0))
    if message.get("hold"):
        wait_for_sign()
    note("ended", name=message["name"])
