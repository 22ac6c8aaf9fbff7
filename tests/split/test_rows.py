"""What one consumer sends to one client arrives in order, however slowly that reads."""

import array
import concurrent.futures
import time

import pytest
import requests

from tests.split.conftest import LIMIT_S, open_socket

MIB = 24
#: What the consumer sends: every eight bytes say where they are.
CONTENT = array.array("Q", range(MIB * 2**17)).tobytes()


def download(server, pause_s=0.0):
    """A response of MIB in pieces; a pause of the client before each."""
    url = f"{server.url}/parts/{MIB}/"
    with requests.get(url, stream=True, timeout=LIMIT_S) as response:
        content = b""
        for piece in response.iter_content(128 * 1024):
            content += piece
            time.sleep(pause_s)
        return content


@pytest.mark.parametrize("host", ["daphne", "uvicorn"])
def test_a_long_response_of_the_tutorials_consumer_is_whole(site, host):
    server = site.start_server(server=host)
    for _ in range(2):
        site.start_worker()
    with concurrent.futures.ThreadPoolExecutor() as clients:
        slow = clients.submit(download, server, 0.02)
        fast = [clients.submit(download, server) for _ in range(3)]
        whole = [result.result() == CONTENT for result in [*fast, slow]]
    assert whole == [True] * 4


def test_replies_of_ordered_frames_keep_their_order_when_their_queue_is_full(make_site):
    site = make_site(layer={"channel_capacity": {"websocket.send.*!*": 2}})
    server = site.start_server()
    for _ in range(3):
        site.start_worker()
    frames = [f"{number:02}" for number in range(20)]
    with open_socket(server, "/in-order/") as socket:
        for frame in frames:
            socket.send(frame)
        answers = [socket.recv(LIMIT_S) for _ in range(8 * len(frames))]
    assert answers == [frame + letter for frame in frames for letter in "abcdefgh"]
