"""`manage.py rundelay`, as processes, over a real Redis."""

import collections
import json
import sqlite3
import sys
import time

import pytest

from channels.layers.redis import RedisChannelLayer
from tests.processes import wait_until

#: The table as Channels 1.1.8 made it, by `sqlmigrate` on Django 1.11.
OLD_TABLE = """
CREATE TABLE "channels.delay_delayedmessage" (
    "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "due_date" datetime NOT NULL,
    "channel_name" varchar(512) NOT NULL,
    "content" text NOT NULL
);
CREATE INDEX "channels.delay_delayedmessage_due_date_b1c4a8d5"
    ON "channels.delay_delayedmessage" ("due_date");
CREATE TABLE "django_migrations" (
    "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "app" varchar(255) NOT NULL,
    "name" varchar(255) NOT NULL,
    "applied" datetime NOT NULL
);
INSERT INTO "django_migrations" (app, name, applied)
    VALUES ('channels.delay', '0001_initial', '2017-01-01 00:00:00');
INSERT INTO "channels.delay_delayedmessage" (due_date, channel_name, content)
    VALUES ('2017-01-01 00:00:00.000000', 'later', '{"n": 17}');
"""


@pytest.fixture
def site(make_split, redis_server, tmp_path):
    """A project with a delay server, its tables not made yet."""
    split = make_split(
        settings="tests.channels.delay.site",
        redis_url=redis_server.url,
        env={"DATABASE": str(tmp_path / "db.sqlite3")},
    )
    split.database = tmp_path / "db.sqlite3"
    return split


@pytest.fixture
def layer(redis_server):
    layer = RedisChannelLayer(hosts=[redis_server.url], channel_capacity={"asgi.delay": 2_000})
    yield layer
    layer.close()


@pytest.fixture
def start(site):
    """Start a delay server that listens."""

    def start():
        server = site.start_command(sys.executable, "manage.py", "rundelay", name="rundelay")
        server.wait_for_log("Listening on asgi.delay")
        return server

    return start


def drain(layer, channel, count, limit_s=60.0):
    """Receive `count` messages; return their `n`."""
    got = []
    deadline = time.monotonic() + limit_s
    while len(got) < count and time.monotonic() < deadline:
        content = layer.receive([channel])[1]
        if content is None:
            time.sleep(0.005)
        else:
            got.append(content["n"])
    return got


def fill(database, rows):
    """Put (due_date, channel, n) into the table, in one transaction."""
    with sqlite3.connect(database) as connection:
        connection.executemany(
            'INSERT INTO "channels.delay_delayedmessage" (due_date, channel_name, content) '
            "VALUES (?, ?, ?)",
            [(due, channel, json.dumps({"n": n})) for due, channel, n in rows],
        )
    connection.close()


def waiting(database):
    connection = sqlite3.connect(database)
    (count,) = connection.execute('SELECT count(*) FROM "channels.delay_delayedmessage"').fetchone()
    connection.close()
    return count


def test_a_thousand_due_at_once_all_come_in_order_though_the_channel_holds_a_hundred(
    site, layer, start
):
    """PAINS 40."""
    site.manage("migrate")
    rows = [(f"2020-01-01 00:{n // 60:02}:{n % 60:02}", "later", n) for n in range(1_000)]
    fill(site.database, reversed(rows))
    server = start()
    assert drain(layer, "later", 1_000) == list(range(1_000))
    wait_until(lambda: waiting(site.database) == 0)
    assert server.is_running
    assert layer.receive(["later"]) == (None, None)


def test_servers_side_by_side_send_each_message_once(site, layer, start):
    site.manage("migrate")
    start(), start(), start()
    for n in range(300):
        layer.send("asgi.delay", {"channel": "later", "content": {"n": n}, "delay": n % 7})
    got = drain(layer, "later", 300)
    wait_until(lambda: waiting(site.database) == 0)
    got += drain(layer, "later", 1, limit_s=0.3)
    assert collections.Counter(got) == collections.Counter(range(300))


def test_a_malformed_message_is_logged_and_the_server_lives_on(site, layer, start):
    site.manage("migrate")
    server = start()
    layer.send("asgi.delay", {"channel": "later", "delay": 1})
    layer.send("asgi.delay", {"channel": "later", "content": {"n": 5}, "delay": 1})
    assert drain(layer, "later", 1) == [5]
    server.wait_for_log("Invalid message received on asgi.delay: .*lacks content")
    assert server.is_running


def test_sigterm_ends_it_at_once_with_all_that_waits_in_the_database(site, layer, start):
    site.manage("migrate")
    server = start()
    for n in range(50):
        layer.send("asgi.delay", {"channel": "later", "content": {"n": n}, "delay": 60_000})
    wait_until(lambda: layer.channel_statistics("asgi.delay")["messages_pending"] == 0)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 2
    assert waiting(site.database) == 50


def test_it_waits_for_redis_and_goes_on(site, layer, start, redis_server):
    site.manage("migrate")
    server = start()
    redis_server.stop()
    server.wait_for_log("work just now .*tries again")
    redis_server.start()
    wait_until(lambda: send_again(layer))
    assert drain(layer, "later", 1) == [1]
    assert server.is_running


def send_again(layer):
    try:
        layer.send("asgi.delay", {"channel": "later", "content": {"n": 1}, "delay": 1})
    except ConnectionError:
        return False
    return True


def test_the_table_that_1_x_left_is_used_as_it_is(site, layer, start):
    connection = sqlite3.connect(site.database)
    connection.executescript(OLD_TABLE)
    connection.close()
    site.manage("migrate")
    start()
    assert drain(layer, "later", 1) == [17]
    layer.send("asgi.delay", {"channel": "later", "content": {"n": 18}, "delay": 1})
    assert drain(layer, "later", 1) == [18]


def test_a_new_table_has_the_columns_of_1_x(site):
    site.manage("migrate")
    new = describe(sqlite3.connect(site.database))
    old = sqlite3.connect(":memory:")
    old.executescript(OLD_TABLE)
    assert new == describe(old)


def describe(connection):
    """Return the columns (name, type, not null, primary key) and the indexed columns."""
    table = "'channels.delay_delayedmessage'"
    columns = [
        (name, kind, bool(required), bool(key))
        for _, name, kind, required, _, key in connection.execute(f"PRAGMA table_info({table})")
    ]
    indexes = [row[1] for row in connection.execute(f"PRAGMA index_list({table})")]
    indexed = [
        row[2] for name in indexes for row in connection.execute(f"PRAGMA index_info('{name}')")
    ]
    connection.close()
    return columns, indexed


def test_without_its_table_it_ends_and_names_migrate(site):
    server = site.start_command(sys.executable, "manage.py", "rundelay", name="rundelay")
    assert server.wait() == 1
    server.wait_for_log("no table 'channels.delay_delayedmessage': run manage.py migrate first")
