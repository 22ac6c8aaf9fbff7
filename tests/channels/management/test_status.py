"""`manage.py channels_status`, and `status()` of the Redis layer."""

import asyncio
import json
import os
import time

import pytest
from django.core.management import CommandError

from channels.layers.operations import DeadLetter, Drop
from channels.layers.redis import RedisChannelLayer
from channels.layers.redis.inspection.statistics import COUNTS
from channels.management.status_text import LOSSES
from channels.management.tables import format_age, format_table

COMMAND = "channels_status"


def live(layer, worker_id="worker-1", **facts):
    layer._housekeeping._next_round_s = 0.0
    layer.keep_house(
        worker_id,
        {
            "host": "box",
            "pid": 17,
            "version": "v3",
            "threads": 2,
            "started": time.time(),
            "channels": ["mail"],
            **facts,
        },
        {"mail"},
    )


def find(items, **wanted):
    """The one item with these values."""
    (found,) = [each for each in items if wanted.items() <= each.items()]
    return found


def test_workers_are_shown_with_what_they_run(redis_layer, run):
    running = {"channel": "mail", "consumer": "shop.consumers.mail", "since": time.time() - 300}
    live(redis_layer, running=[running])
    worker = find(json.loads(run(COMMAND, "--json"))["workers"], id="worker-1")
    assert (worker["host"], worker["pid"], worker["version"]) == ("box", 17, "v3")
    assert worker["running"] == [running]
    assert 0 <= worker["seen_s"] < 5
    table = run(COMMAND)
    assert "1 worker\n" in table
    assert "shop.consumers.mail (5 min)" in table


def test_workers_that_left_are_not_shown(redis_layer, run):
    live(redis_layer)
    redis_layer.leave_house("worker-1")
    assert json.loads(run(COMMAND, "--json"))["workers"] == []
    assert "no workers" in run(COMMAND)


def test_a_worker_that_died_is_not_shown_any_more(redis_layer, redis_server):
    live(redis_layer)
    with redis_server.client() as client:
        client.zadd(redis_layer.keyspace.registry("workers"), {"worker-1": 1})
    assert redis_layer.status()["workers"] == []


def test_interface_servers_are_shown_with_their_sockets(redis_layer, monkeypatch):
    monkeypatch.setenv("CHANNELS_CODE_VERSION", "v7")

    async def serve():
        link = redis_layer.open_link("server-1", lambda *reply: None, lambda: None)
        await link.start()
        try:
            while not redis_layer.is_read("websocket.send.server-1!a"):
                await asyncio.sleep(0.01)
            for client in "ab":
                reply_channel = link.reply_channel("websocket.send", client)
                await link.open_socket(client, {"reply_channel": reply_channel})
            return await asyncio.to_thread(redis_layer.status)
        finally:
            await link.stop()

    server = find(asyncio.run(serve())["servers"], id="server-1")
    assert (server["pid"], server["version"], server["sockets"]) == (os.getpid(), "v7", 2)


def test_channels_are_shown_with_what_waits_and_what_was_lost(redis_layer, run):
    redis_layer.send("mail", {"n": 1})
    reader = redis_layer.open_reader(["mail"])
    redis_layer.apply([DeadLetter(reader.take()[1], "a reason")])
    reader.close()
    redis_layer.send("mail", {"n": 2})
    redis_layer.send("mail", {"n": 3}, 1_000.0)
    redis_layer.send("proc!a", {"n": 4})
    redis_layer.send("body?x", {"n": 5})
    channels = json.loads(run(COMMAND, "--json"))["channels"]
    assert [channel["name"] for channel in channels] == ["mail", "proc!"]
    expected = {
        "messages_pending": 1,
        "delayed": 1,
        "dead_letters": 1,
        "dead_letter_count": 1,
        "owned": 0,
        "messages_count": 2,
    }
    assert expected.items() <= channels[0].items()
    row = next(line for line in run(COMMAND).splitlines() if line.startswith("mail"))
    assert row.split()[1:] == ["1", "0.0", "s", "1", "0", "1", "2"]
    assert "No worker takes: mail\n" in run(COMMAND)
    assert "proc!" in run(COMMAND)


def test_what_is_owned_on_an_acknowledged_channel_is_shown(redis_server):
    layer = RedisChannelLayer(hosts=[redis_server.url], acknowledged={"mail": {}})
    for n in range(3):
        layer.send("mail", {"n": n})
    reader = layer.open_reader(["mail"])
    assert reader.take()[1].content == {"n": 0}
    assert {"owned": 1, "messages_pending": 2}.items() <= layer.status()["channels"][0].items()
    reader.close()
    layer.close()


def test_an_empty_layer_has_nothing_to_show(redis_layer, run):
    assert json.loads(run(COMMAND, "--json")) == {
        "servers": [],
        "workers": [],
        "channels": [],
        "groups": [],
    }
    for text in ("no interface servers", "no workers", "no channels"):
        assert text in run(COMMAND)


def test_without_redis_it_says_so(redis_layer, redis_server, run):
    redis_server.stop()
    with pytest.raises(CommandError, match="unreachable"):
        run(COMMAND)


def test_lost_messages_are_shown_by_channel_and_reason_with_what_to_do(redis_layer, run):
    assert "no lost messages" in run(COMMAND)
    redis_layer.apply([Drop("mail", "dropped", 7), Drop("mail", "lost"), Drop("chat", "lost", 2)])
    text = run(COMMAND).partition("lost messages\n")[2]
    rows = [line.split() for line in text.splitlines()[:4]]
    assert rows == [
        ["channel", "count", "reason"],
        ["chat", "2", "lost"],
        ["mail", "7", "dropped"],
        ["mail", "1", "lost"],
    ]
    assert text.count("\nlost: ") == text.count("\ndropped: ") == 1


def test_every_count_of_lost_messages_has_a_reason_in_the_status():
    assert set(LOSSES) == {*COUNTS.values()} - {"messages_count"}


def test_what_wakes_a_reader_is_not_shown_as_waiting(redis_layer):
    redis_layer.send("mail", {"n": 1}, 1_000.0)
    expected = {"messages_pending": 0, "messages_max_age": 0.0, "delayed": 1}
    assert expected.items() <= redis_layer.status()["channels"][0].items()


def test_the_status_covers_all_hosts(redis_server, second_redis_server):
    layer = RedisChannelLayer(hosts=[redis_server.url, second_redis_server.url])
    for n in range(8):
        layer.send(f"mail-{n}", {})
    live(layer)
    status = layer.status()
    assert [channel["messages_pending"] for channel in status["channels"]] == [1] * 8
    assert [worker["id"] for worker in status["workers"]] == ["worker-1"]
    layer.close()


@pytest.mark.parametrize("columns", [80, 120])
def test_the_status_of_a_large_site_fits_a_terminal(columns, monkeypatch, redis_layer, run):
    monkeypatch.setenv("COLUMNS", str(columns))
    consumer = {"channel": "mail", "consumer": "shop.consumers.orders.mail", "since": 0.0}
    names = [f"shop.{word}" for word in ("orders", "invoices", "thumbnails", "newsletter")]
    for n in range(2):
        live(
            redis_layer,
            f"web-5d4f7c9b8-abcde-{n}-x7Qd4f",
            version=f"{n}" * 40,
            channels=["http.request", "websocket.receive", *names],
            running=[consumer] * 3,
        )
    for name in names:
        redis_layer.apply([Drop(name, "dropped", 1000), Drop(name, "lost", 1000)])
    text = run(COMMAND)
    assert max(map(len, text.splitlines())) <= columns
    assert [version * 12 in text for version in "01"] == [True, True]


def test_columns_are_as_wide_as_what_is_in_them():
    table = format_table(["name", "n"], [["a long one", 1], [None, 100]])
    assert table == ["name          n", "a long one    1", "-           100"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59, "59 s"),
        (119, "119 s"),
        (600, "10 min"),
        (7_200, "2 h"),
        (864_000, "10 d"),
    ],
)
def test_ages_are_in_the_unit_that_fits(seconds, text):
    assert format_age(seconds) == text
