"""Each tutorial of the demo does what it shows, on every engine: sockets and requests, no page."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests
from websockets.sync.client import ClientConnection

from tests.processes import Split, wait_until
from tests.project.engines.conftest import LIMIT_S

LogIn = Callable[[str], requests.Session]
OpenSocket = Callable[..., ClientConnection]


def hear(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(LIMIT_S))


def hear_of(socket: ClientConnection, **facts: Any) -> Any:
    """The next message with these facts."""
    while True:
        message = hear(socket)
        if facts.items() <= message.items():
            return message


def say(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def post(session: requests.Session, url: str, form: dict[str, str], **more: Any) -> int:
    """Send a form as its page would; return the status."""
    form = {**form, "csrfmiddlewaretoken": str(session.cookies["csrftoken"])}
    return session.post(url, form, timeout=LIMIT_S, **more).status_code


def test_getting_started(site: Split, open_socket: OpenSocket) -> None:
    steps = "/getting-started"
    page = requests.get(f"{site.url}{steps}/hello/you/", timeout=LIMIT_S)
    assert page.text == "Hello world! You asked for /getting-started/hello/you/"
    ann, ben = (open_socket(f"{steps}/sessions/attic/?username={name}") for name in ("ann", "ben"))
    ann.send("hello")
    assert hear(ann) == hear(ben) == {"text": "hello", "username": "ann"}


def test_live_blog(site: Split, open_socket: OpenSocket, log_in: LogIn) -> None:
    reader, amy = open_socket("/liveblog/stream/"), log_in("amy")
    post(amy, f"{site.url}/liveblog/", {"headline": "First", "body": "It begins."})
    assert hear(reader)["post"]["headline"] == "First"


def test_many_rooms_over_one_socket(open_socket: OpenSocket, log_in: LogIn) -> None:
    amy, ben = (open_socket("/multichat/stream/", log_in(name)) for name in ("amy", "ben"))
    kitchen = 1
    for socket in (amy, ben):
        say(socket, command="join", room=kitchen)
        hear_of(socket, join=kitchen, title="Kitchen")
    hear_of(amy, kind="enter", username="ben")
    say(ben, command="send", room=kitchen, message="soup is ready")
    for socket in (amy, ben):
        hear_of(socket, kind="message", username="ben", message="soup is ready")


def test_data_binding(open_socket: OpenSocket, log_in: LogIn) -> None:
    stream = "/databinding/stream/"
    reader, amy = open_socket(stream), open_socket(stream, log_in("amy"))
    payload = {"action": "create", "pk": None, "data": {"name": "apples", "value": 12}}
    say(amy, stream="intval", payload=payload)
    told = hear(reader)
    assert told == hear(amy)
    assert told["payload"]["data"] == {"name": "apples", "value": 12}


def test_thumbnails_in_the_background(site: Split, open_socket: OpenSocket, log_in: LogIn) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow makes the pictures and the thumbnails")
    picture = io.BytesIO()
    image.new("RGB", (90, 60), "green").save(picture, "PNG")
    amy = log_in("amy")
    socket = open_socket("/thumbnails/stream/", amy)
    files = {"original": ("green.png", picture.getvalue())}
    assert post(amy, f"{site.url}/thumbnails/", {}, files=files) == 200
    assert [hear(socket)["percent"] for _ in range(5)] == [0, 0, 33, 66, 100]


def test_long_polling(site: Split, log_in: LogIn) -> None:
    amy, answers = log_in("amy"), []
    poll = threading.Thread(
        target=lambda: answers.append(requests.get(f"{site.url}/poll/", timeout=LIMIT_S).json())
    )
    poll.start()
    waiting = f"{site.url}/polling/waiting/"
    wait_until(lambda: requests.get(waiting, timeout=LIMIT_S).json()["waiting"] == 1)
    assert post(amy, f"{site.url}/polling/ring/", {"text": "Dinner"}) == 204
    poll.join()
    assert answers[0]["rings"][-1]["text"] == "Dinner"


def test_chat_of_class_consumers(open_socket: OpenSocket) -> None:
    ann, ben = (open_socket("/ws/chat/lobby/") for _ in range(2))
    say(ann, message="hello")
    assert hear(ann) == hear(ben) == {"message": "hello"}


def test_counter_goes_on_in_another_worker(site: Split, open_socket: OpenSocket) -> None:
    socket = open_socket("/ws/counter/")
    first = hear(socket)
    say(socket)
    assert hear(socket)["clicks"] == 1
    second = site.start_worker("--only-channels=http.*", "--only-channels=websocket.*")
    old = next(worker for worker in site.workers if worker.pid == first["worker"])
    assert old.stop() == 0
    site.workers.remove(old)
    assert hear(socket) == {"clicks": 1, "moves": 1, "worker": second.pid}
    say(socket)
    assert hear(socket)["clicks"] == 2
