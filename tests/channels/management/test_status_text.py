"""The status as text: the example of docs/operations.md."""

from channels.layers.redis.inspection.statistics import COUNTS
from channels.management.status_text import format_status
from tests.docs.blocks import DOCS, read_blocks

NOW = 1_800_000_000.0


def process(name, pid, version, up_s, seen_s, **more):
    return {
        "id": name,
        "host": "web-1",
        "pid": pid,
        "version": version,
        "started": NOW - up_s,
        "seen_s": seen_s,
        **more,
    }


def channel(name, age_s=0.0, **counts):
    return {
        "name": name,
        "messages_max_age": age_s,
        "messages_pending": 0,
        "delayed": 0,
        "owned": 0,
        "dead_letters": 0,
        **dict.fromkeys(COUNTS.values(), 0),
        **counts,
    }


def worker(name, *args, channels, running=()):
    return process(name, *args, channels=channels, threads=4 - 3 * len(running), running=running)


STATUS = {
    "servers": [process("RKyJhzmfpF56", 20098, "3f2c9ab", 1500, 0.7, sockets=214)],
    "workers": [
        worker(
            "web-1-20100-CzEcVk",
            20100,
            "19fab57",
            108_000,
            4,
            channels=[
                "http.disconnect",
                "http.request",
                *(f"websocket.{event}" for event in ("connect", "disconnect", "receive")),
            ],
        ),
        worker(
            "web-1-20099-Cx1uxb",
            20099,
            "3f2c9ab",
            1500,
            4,
            channels=["thumbnails"],
            running=[
                {
                    "channel": "thumbnails",
                    "consumer": "shop.consumers.make_thumbnail",
                    "since": NOW - 180,
                },
            ],
        ),
    ],
    "channels": [
        channel("http.request", messages_count=51_220),
        channel(
            "mail",
            42.0,
            messages_pending=99,
            dead_letters=1,
            messages_count=100,
            channel_full_count=1,
            dead_letter_count=1,
        ),
        channel("thumbnails", 180.0, messages_pending=3, messages_count=12),
        channel("websocket.send.gone!", messages_count=3),
    ],
}


def test_the_status_is_shown_as_the_documentation_has_it():
    parts = format_status(STATUS, NOW, 70)
    text = "\n\n".join("\n".join([title, *lines]) for title, lines in parts)
    (example,) = [
        block.code for block in read_blocks(DOCS / "operations.md") if block.language == "text"
    ]
    assert text == example.strip("\n")


def test_losses_of_an_interface_server_have_an_advice_of_their_own():
    lost = channel("websocket.send.abc!", channel_full_count=3)
    title, lines = format_status({"servers": [], "workers": [], "channels": [lost]}, NOW)[-1]
    assert (title, lines[1].split()) == ("lost messages", ["websocket.send.abc!", "3", "refused"])
    assert lines[2] == "refused: the server is too slow for what its sockets are sent: add servers"


def test_a_worker_is_shown_with_the_instances_that_it_has_moved():
    worker = process("w1", 7, "v1", 60, 1.0, sockets=3, hand_overs={"given": 12, "taken": 4})
    status = {"servers": [], "workers": [worker], "channels": []}
    (_, lines) = format_status(status, NOW)[1]
    assert "    moved 12 given, 4 taken" in lines
