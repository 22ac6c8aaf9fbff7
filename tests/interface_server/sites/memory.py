"""A site in one process: an `asgi.py` over the in-memory layer, and a thread as its worker.

What consumers see of disconnects is written to the file that RECORD names, a line of JSON each.
"""

import hashlib
import json
import os
import threading
import time
import urllib.parse

from django.conf import settings

from channels.asgi import ChannelLayerWrapper
from channels.exceptions import ChannelFull, ClientGone
from channels.layers.memory import MemoryChannelLayer

if "WS_PROTOCOLS" in os.environ:  # only in a host's own process: tests import this, too
    settings.configure(CHANNELS_WS_PROTOCOLS=json.loads(os.environ["WS_PROTOCOLS"]))

CHANNELS = [
    "http.request",
    "http.disconnect",
    "websocket.connect",
    "websocket.receive",
    "websocket.disconnect",
]


class SiteLayer(MemoryChannelLayer):
    """Starts the worker with the first link: in the process that serves, after any fork."""

    _worker = None

    def open_link(self, *args):
        if self._worker is None:
            self._worker = threading.Thread(target=work, daemon=True)
            self._worker.start()
        return super().open_link(*args)


#: Tests set CAPACITY to 0 to find every channel of the workers full.
capacity = int(os.environ.get("CAPACITY", "100"))
layer = SiteLayer(
    channel_capacity={
        "http.request.body?*": 4,
        "http.request": capacity,
        "websocket.connect": capacity,
    }
)
channel_layer = ChannelLayerWrapper(layer, "default", [])


def work():
    while True:
        channel, message = layer.receive(CHANNELS, block=True)
        if channel is None:
            continue
        if channel == "http.request":
            threading.Thread(target=answer, args=(message,), daemon=True).start()
        else:
            consume(channel, message)


def send(message, reply):
    """Send a reply; wait while the client is slow. Returns False once it is gone."""
    while True:
        try:
            layer.send(message["reply_channel"], reply)
            return True
        except ChannelFull:
            time.sleep(0.005)
        except ClientGone:
            return False


def record(what, message, **more):
    with open(os.environ["RECORD"], "a") as file:
        print(json.dumps({"what": what, "path": message.get("path"), **more}), file=file)


# -- HTTP ---------------------------------------------------------------------------------------


def answer(message):
    page = message["path"].replace("/app", "").strip("/").partition("/")[0]
    query = dict(urllib.parse.parse_qsl(message["query_string"].decode()))
    {
        "hello": say_hello,
        "facts": tell_facts,
        "upload": take_upload,
        "stream": send_stream,
        "broken": send_broken_stream,
        "failing": send_failing_stream,
        "quiet": send_quiet_stream,
        "never": lambda message, query: record("asked", message),
        "wrong": lambda message, query: send(message, {"status": 200, "content": "text"}),
    }[page](message, query)


def say_hello(message, query):
    if "after" in query:
        record("asked", message)
        time.sleep(float(query["after"]))
    send(message, page(b"hello"))


def tell_facts(message, query):
    facts = {key: message.get(key) for key in ("client", "server", "scheme", "path", "root_path")}
    facts["method"] = message["method"]
    facts["http_version"] = message["http_version"]
    facts["query_string"] = message["query_string"].decode()
    send(message, page(json.dumps(facts).encode()))


def take_upload(message, query):
    digest, size = hashlib.md5(message["body"], usedforsecurity=False), len(message["body"])
    if message.get("body_channel"):
        while True:
            _, piece = layer.receive([message["body_channel"]], block=True)
            if piece is None:
                continue
            if piece.get("closed"):
                record("closed", message)
                return
            if not size:
                record("reading", message)
            digest.update(piece["content"])
            size += len(piece["content"])
            time.sleep(float(query.get("delay", 0)))
            if not piece.get("more_content"):
                break
    send(message, page(f"{size} {digest.hexdigest()}".encode()))


def send_stream(message, query):
    count, size = int(query["count"]), int(query["size"])
    if not send(message, {"status": 200, "headers": [], "more_content": True}):
        return
    for number in range(count):
        if not send(message, {"content": b"%d" % (number % 10) * size, "more_content": True}):
            record("gone", message, sent=number)
            return
    send(message, {"content": b""})


def send_broken_stream(message, query):
    headers = [[b"content-length", b"10"]]
    send(message, {"status": 200, "headers": headers, "content": b"12345", "more_content": True})
    send(message, {"content": b""})


def send_quiet_stream(message, query):
    send(message, {"status": 200, "headers": [], "content": b"begun", "more_content": True})


def send_failing_stream(message, query):
    if "begun" in query:
        begin = {"status": 200, "headers": [], "content": b"12345", "more_content": True}
        send(message, begin)
    send(message, {"content": b"", "more_content": False, "closed": True})


def page(content):
    headers = [[b"Content-Type", b"text/plain"], [b"Content-Length", b"%d" % len(content)]]
    return {"status": 200, "headers": headers, "content": content}


# -- WebSocket ----------------------------------------------------------------------------------


def consume(channel, message):
    if channel == "websocket.connect":
        if message["path"] == "/refuse":
            send(message, {"close": True})
        elif message["path"] != "/never":
            facts = [message["client"], message["scheme"], message["root_path"], message["path"]]
            send(message, {"accept": True, "text": json.dumps(facts)})
    elif channel == "websocket.receive":
        obey(message)
    elif channel == "websocket.disconnect":
        record("left", message, code=message["code"], order=message["order"])
    else:
        record("gone", message)


def obey(message):
    text = message.get("text")
    if text is None:
        send(message, {"bytes": message["bytes"]})
    elif text.startswith("close "):
        send(message, {"close": int(text.split()[1])})
    elif text.startswith("flood "):
        for _ in range(int(text.split()[1])):
            send(message, {"text": "x" * 100_000})
    else:
        send(message, {"text": text})
