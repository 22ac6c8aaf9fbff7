"""Channel sessions, HTTP sessions, and the decorators that give them to consumers."""

import asyncio
import json
import logging
import subprocess
import sys

import pytest
from asgiref.sync import iscoroutinefunction
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieStore
from django.contrib.sessions.models import Session

from channels.exceptions import ConsumeLater, InvalidMessage
from channels.layers.memory import MemoryChannelLayer
from channels.message import Message, pending_message_store
from channels.sessions import (
    channel_and_http_session,
    channel_session,
    enforce_ordering,
    http_session,
    session_for_reply_channel,
)
from tests.conftest import give_up
from tests.processes import REPOSITORY, PostgresServer, find_postgres

REPLY = "websocket.send.Server!a"


class CountingLayer(MemoryChannelLayer):
    """Counts what would be round trips."""

    def __init__(self):
        super().__init__()
        self.round_trips = []

    def load_session(self, reply_channel):
        self.round_trips.append("load")
        return super().load_session(reply_channel)

    def apply(self, operations):
        self.round_trips.append("apply")
        return super().apply(operations)


class PlainLayer(MemoryChannelLayer):
    extensions = ("groups",)


@pytest.fixture
def counting():
    return CountingLayer()


def make_message(layer, channel="websocket.receive", **content):
    return Message({"reply_channel": REPLY, "path": "/", **content}, channel, layer)


def read(layer):
    return dict(session_for_reply_channel(REPLY, layer).items())


def run_as_worker(consumer, message, left=None):
    """Run a consumer as the worker does; return the list of what it `left` to be done."""
    left = [] if left is None else left
    pending_message_store.prepare()
    try:
        consumer(message)
    finally:
        left += [operation for _, operation in pending_message_store.take()]
    return left


# -- channel_session ----------------------------------------------------------------------------


def test_what_one_consumer_stores_the_next_one_of_the_socket_finds(layer):
    @channel_session
    def store(message):
        message.channel_session["room"] = "lobby"

    found = []

    @channel_session
    def load(message):
        found.append(message.channel_session["room"])

    store(make_message(layer))
    load(make_message(layer))
    assert found == ["lobby"]


def test_two_sockets_have_nothing_in_common(layer):
    @channel_session
    def store(message):
        message.channel_session["room"] = "lobby"

    store(make_message(layer))
    assert session_for_reply_channel("websocket.send.Server!b", layer).is_empty()


def test_a_session_that_is_not_touched_costs_no_round_trip(counting):
    @channel_session
    def consumer(message):
        pass

    consumer(make_message(counting))
    assert counting.round_trips == []


def test_a_session_that_is_only_read_is_not_saved(counting):
    session = session_for_reply_channel(REPLY, counting)
    session["rooms"] = ["lobby"]
    session.save()
    counting.round_trips.clear()

    @channel_session
    def consumer(message):
        assert message.channel_session["rooms"] == ["lobby"]

    consumer(make_message(counting))
    assert counting.round_trips == ["load"]


def test_a_change_goes_out_with_the_sends_and_before_them(counting):
    @channel_session
    def consumer(message):
        message.reply_channel.send({"accept": True})
        message.channel_session["room"] = "lobby"

    operations = run_as_worker(consumer, make_message(counting))
    assert [type(operation).__name__ for operation in operations] == ["SaveSession", "Send"]
    assert counting.round_trips == ["load"]


def test_consumers_that_change_different_keys_at_once_both_keep_their_change(layer):
    @channel_session
    def inner_consumer(message):
        message.channel_session["inner"] = 1

    @channel_session
    def outer_consumer(message):
        message.channel_session["outer"] = 1
        inner_consumer(make_message(layer))

    outer_consumer(make_message(layer))
    assert read(layer) == {"inner": 1, "outer": 1}


def test_a_nested_value_changed_in_place_is_saved(layer):
    @channel_session
    def store(message):
        message.channel_session["rooms"] = {"joined": ["lobby"]}

    @channel_session
    def change(message):
        message.channel_session["rooms"]["joined"].append("kitchen")

    store(make_message(layer))
    change(make_message(layer))
    assert read(layer) == {"rooms": {"joined": ["lobby", "kitchen"]}}


def test_a_change_of_type_alone_is_saved(layer):
    session = session_for_reply_channel(REPLY, layer)
    session["flag"] = 1
    session.save()
    session["flag"] = True
    session.save()
    assert read(layer)["flag"] is True


def test_removed_keys_go(layer):
    @channel_session
    def store(message):
        message.channel_session.update({"a": 1, "b": 2, "c": 3})

    @channel_session
    def remove(message):
        del message.channel_session["a"]
        assert message.channel_session.pop("b") == 2

    store(make_message(layer))
    remove(make_message(layer))
    assert read(layer) == {"c": 3}


@pytest.mark.parametrize("method", ["flush", "clear", "delete"])
def test_a_flushed_session_is_empty_and_goes_on(layer, method):
    session = session_for_reply_channel(REPLY, layer)
    session["a"] = 1
    session.save()
    key = session.session_key

    @channel_session
    def consumer(message):
        getattr(message.channel_session, method)()
        message.channel_session["b"] = 2
        assert message.channel_session.session_key == key

    consumer(make_message(layer))
    assert read(layer).get("b") == 2
    if method != "delete":
        assert read(layer) == {"b": 2}


def test_a_session_is_saved_even_if_the_consumer_fails(layer):
    @channel_session
    def consumer(message):
        message.channel_session["seen"] = True
        raise RuntimeError("oops")

    with pytest.raises(RuntimeError, match="oops"):
        consumer(make_message(layer))
    assert read(layer) == {"seen": True}


def test_a_session_is_saved_even_if_the_consumer_asks_for_a_retry(layer):
    @channel_session
    def consumer(message):
        message.channel_session["attempts"] = 1
        raise ConsumeLater

    left = []
    with pytest.raises(ConsumeLater):
        run_as_worker(consumer, make_message(layer), left)
    assert [type(operation).__name__ for operation in left] == ["SaveSession"]
    layer.apply(left)
    assert read(layer) == {"attempts": 1}


def test_save_saves_at_once_and_only_once(counting):
    @channel_session
    def consumer(message):
        message.channel_session["a"] = 1
        message.channel_session.save()
        assert counting.round_trips == ["load", "apply"]

    assert run_as_worker(consumer, make_message(counting)) == []
    assert read(counting) == {"a": 1}


def test_nested_decorators_share_one_session(counting):
    @channel_session
    @channel_session
    def consumer(message):
        message.channel_session["n"] = message.channel_session.get("n", 0) + 1

    message = make_message(counting)
    consumer(message)
    consumer(message)  # the same message once more, as tests do
    assert counting.round_trips == ["load", "apply", "apply"]
    assert read(counting) == {"n": 2}


def test_methods_and_returned_values_work(layer):
    class Consumers:
        @channel_session
        def receive(self, message, name):
            message.channel_session["name"] = name
            return name

    assert Consumers().receive(make_message(layer), name="ann") == "ann"
    assert channel_session(Consumers().receive)(make_message(layer), name="bob") == "bob"
    assert read(layer) == {"name": "bob"}


def test_async_consumers_have_their_session_loaded_before_they_run(counting):
    @channel_session
    async def consumer(message):
        loads = list(counting.round_trips)
        message.channel_session["a"] = 1
        await asyncio.sleep(0)
        return loads

    assert iscoroutinefunction(consumer)
    assert asyncio.run(consumer(make_message(counting))) == ["load"]
    assert read(counting) == {"a": 1}


def test_an_async_consumer_that_fails_raises_its_own_error_and_saves(layer):
    @channel_session
    async def consumer(message):
        message.channel_session["a"] = 1
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        asyncio.run(consumer(make_message(layer)))
    assert read(layer) == {"a": 1}


def test_each_decorator_leaves_its_mark():
    @channel_session
    @enforce_ordering
    def consumer(message):
        """What it does."""

    assert consumer.consumer_marks == {"channel_session", "enforce_ordering"}
    assert (consumer.__name__, consumer.__doc__) == ("consumer", "What it does.")


def test_a_call_without_a_message_is_refused():
    @channel_session
    def consumer(request):
        pass

    with pytest.raises(ValueError, match=r"channel_session around .*consumer.* got int, str"):
        consumer(1, "two")


def test_a_message_without_a_reply_channel_is_refused(layer):
    @channel_session
    def consumer(message):
        pass

    with pytest.raises(ValueError, match=r"channel_session around .*consumer, on 'thumbnails',"):
        consumer(Message({}, "thumbnails", layer))


def test_a_value_that_can_not_be_packed_is_named(layer):
    @channel_session
    def consumer(message):
        message.channel_session["who"] = object()

    with pytest.raises(InvalidMessage, match="who"):
        consumer(make_message(layer))


def test_a_session_of_the_default_layer_is_found_by_its_reply_channel_alone(layer):
    session = session_for_reply_channel(REPLY)
    session["a"] = 1
    session.save()
    assert read(layer) == {"a": 1}
    assert session.exists(session.session_key)
    assert session.session_key.startswith("chn") and len(session.session_key) == 32


# -- Django engines -----------------------------------------------------------------------------


def test_a_django_engine_keeps_the_session_under_a_key_made_of_the_reply_channel(
    layer, settings, database
):
    settings.CHANNEL_SESSION_ENGINE = "django.contrib.sessions.backends.db"

    @channel_session
    def consumer(message):
        message.channel_session["n"] = message.channel_session.get("n", 0) + 1

    consumer(make_message(layer))
    consumer(make_message(layer))
    (record,) = Session.objects.all()
    assert record.session_key == session_for_reply_channel(REPLY).session_key
    assert SessionStore(record.session_key).load() == {"n": 2}
    assert layer.load_session(REPLY) == {}


def test_with_a_django_engine_too_both_of_two_changes_are_kept(layer, settings, database):
    settings.CHANNEL_SESSION_ENGINE = "django.contrib.sessions.backends.db"
    first, second = (session_for_reply_channel(REPLY, layer) for _ in range(2))
    first["a"], second["b"] = 1, 2
    first.save()
    second.save()
    first["c"] = 3
    first.save()
    assert read(layer) == {"a": 1, "b": 2, "c": 3}


@pytest.fixture(params=["sqlite3", "postgresql"])
def own_database(request, tmp_path):
    """What DATABASES says of a database that threads share."""
    if request.param == "sqlite3":
        name = str(tmp_path / "db.sqlite3")
        yield {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": {"timeout": 30}}
        return
    if find_postgres() is None:
        give_up("no postgres and initdb")
    with PostgresServer() as server:
        yield server.settings


@pytest.mark.parametrize("engine", ["db", "cached_db"])
def test_a_session_that_two_save_at_the_same_moment_keeps_both_changes(own_database, engine):
    path = f"django.contrib.sessions.backends.{engine}"
    command = ["-m", "tests.channels.consuming.session_pairs", path, json.dumps(own_database)]
    ended = subprocess.run([sys.executable, *command], cwd=REPOSITORY, capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()
    assert json.loads(ended.stdout) == []


@pytest.mark.parametrize("engine", ["cache", "cached_db", "file"])
def test_the_other_engines_work_too(layer, settings, database, engine, tmp_path):
    settings.SESSION_FILE_PATH = str(tmp_path)
    settings.CHANNEL_SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    session = session_for_reply_channel(REPLY, layer)
    session["a"] = 1
    session.save()
    assert read(layer) == {"a": 1}
    session.delete()
    assert read(layer) == {}


def test_an_engine_session_that_is_only_read_makes_no_record(layer, settings, database):
    settings.CHANNEL_SESSION_ENGINE = "django.contrib.sessions.backends.db"

    @channel_session
    def consumer(message):
        assert message.channel_session.get("a") is None

    consumer(make_message(layer))
    assert Session.objects.count() == 0


def session_around_ordering(consumer):
    return channel_session(enforce_ordering(consumer))


@pytest.mark.parametrize("decorate", [channel_session, enforce_ordering, session_around_ordering])
def test_an_engine_session_is_deleted_when_the_disconnect_has_been_consumed(
    layer, settings, database, decorate
):
    settings.CHANNEL_SESSION_ENGINE = "django.contrib.sessions.backends.db"
    session = session_for_reply_channel(REPLY, layer)
    session["room"] = "lobby"
    session.save()
    seen = []

    @decorate
    def disconnect(message):
        seen.append(message.channel_session["room"])

    connect = decorate(lambda message: None)
    disconnect(make_message(layer, "websocket.disconnect", order=1))
    if not seen:  # it was early
        assert Session.objects.count() == 1
        connect(make_message(layer, "websocket.connect", order=0))
        disconnect(make_message(layer, "websocket.disconnect", order=1))
    assert seen == ["lobby"]
    assert Session.objects.count() == 0


def test_an_engine_session_stays_for_a_disconnect_that_is_retried(layer, settings, database):
    settings.CHANNEL_SESSION_ENGINE = "django.contrib.sessions.backends.db"

    @channel_session
    def disconnect(message):
        message.channel_session["room"] = "lobby"
        raise ConsumeLater

    with pytest.raises(ConsumeLater):
        disconnect(make_message(layer, "websocket.disconnect"))
    assert read(layer) == {"room": "lobby"}


def test_an_engine_that_keeps_sessions_in_cookies_is_refused(layer, settings):
    settings.CHANNEL_SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    with pytest.raises(ValueError, match="CHANNEL_SESSION_ENGINE = .* keeps sessions in cookies"):
        session_for_reply_channel(REPLY, layer)


def test_an_engine_that_is_not_there_is_named(layer, settings):
    settings.CHANNEL_SESSION_ENGINE = "nowhere.at.all"
    with pytest.raises(ValueError, match="CHANNEL_SESSION_ENGINE = 'nowhere.at.all'"):
        session_for_reply_channel(REPLY, layer)


def test_sites_with_signed_cookie_sessions_need_no_setting(layer, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    session = session_for_reply_channel(REPLY, layer)
    session["a"] = 1
    session.save()
    assert read(layer) == {"a": 1}


def test_a_layer_that_keeps_no_sessions_leaves_them_to_the_sites_engine(settings, database):
    session = session_for_reply_channel(REPLY, PlainLayer())
    session["a"] = 1
    session.save()
    assert Session.objects.count() == 1
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    with pytest.raises(ValueError, match="SESSION_ENGINE .this layer keeps no sessions."):
        session_for_reply_channel(REPLY, PlainLayer())


# -- http_session -------------------------------------------------------------------------------


def make_browser_session(**data):
    session = SessionStore()
    session.update(data)
    session.create()
    return session


def make_connect(layer, cookie=None, **content):
    headers = [[b"host", b"example.com"]]
    if cookie:
        headers.append([b"cookie", f"other=1; sessionid={cookie}".encode()])
    return make_message(layer, "websocket.connect", headers=headers, order=0, **content)


@http_session
def name_of(message):
    return None if message.http_session is None else message.http_session.get("name")


def test_the_http_session_is_found_by_its_cookie(layer, database):
    session = make_browser_session(name="ann")
    assert name_of(make_connect(layer, session.session_key)) == "ann"


@pytest.mark.parametrize("kind", [str, str.encode])
def test_the_http_session_is_found_by_the_query_string(layer, database, kind):
    session = make_browser_session(name="ann")
    query_string = kind(f"a=1&session_key={session.session_key}")
    assert name_of(make_connect(layer, query_string=query_string)) == "ann"


def test_headers_as_old_tests_write_them_are_read(layer, database):
    session = make_browser_session(name="ann")
    headers = {"host": b"example.com", "Cookie": f"sessionid={session.session_key}".encode()}
    assert name_of(make_message(layer, "websocket.connect", headers=headers)) == "ann"


def test_without_a_key_there_is_no_http_session(layer):
    assert name_of(make_connect(layer)) is None


def test_http_sessions_in_signed_cookies_work_without_a_setting(layer, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    session = CookieStore()
    session["name"] = "ann"
    session.save()
    assert name_of(make_connect(layer, session.session_key)) == "ann"


def test_the_message_is_left_as_it_came(layer):
    message = make_connect(layer)
    before = dict(message.content)
    name_of(message)
    assert message.content == before


def test_a_change_of_the_http_session_is_saved_if_the_consumer_succeeds(layer, database):
    session = make_browser_session(name="ann")

    @http_session
    def rename(message, fails):
        message.http_session["name"] = "bob"
        if fails:
            raise RuntimeError("oops")

    with pytest.raises(RuntimeError):
        rename(make_connect(layer, session.session_key), fails=True)
    assert SessionStore(session.session_key)["name"] == "ann"
    rename(make_connect(layer, session.session_key), fails=False)
    assert SessionStore(session.session_key)["name"] == "bob"


@pytest.mark.parametrize("engine", ["db", "signed_cookies"])
def test_a_change_that_can_not_be_saved_is_logged(layer, settings, database, caplog, engine):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"

    @http_session
    def rename(message):
        message.http_session["name"] = "bob"

    with caplog.at_level(logging.WARNING, "channels.sessions"):
        rename(make_connect(layer, "0123456789abcdef"))
    assert "change of message.http_session is lost" in caplog.text
    assert Session.objects.count() == 0


def test_async_consumers_have_the_http_session_loaded(layer, database):
    session = make_browser_session(name="ann")

    @http_session
    async def consumer(message):
        return message.http_session["name"]

    assert asyncio.run(consumer(make_connect(layer, session.session_key))) == "ann"


def test_a_message_without_headers_is_refused_with_the_way_out(layer):
    with pytest.raises(ValueError) as caught:
        name_of(make_message(layer, "websocket.receive"))
    assert "http_session around" in str(caught.value) and "name_of" in str(caught.value)
    assert "'websocket.receive'" in str(caught.value)
    assert "channel_session_user" in str(caught.value)


def test_channel_and_http_session_finds_the_http_session_in_later_messages(layer, database):
    session = make_browser_session(name="ann")

    @channel_and_http_session
    def consumer(message):
        return message.http_session["name"]

    assert consumer(make_connect(layer, session.session_key)) == "ann"
    assert consumer(make_message(layer, "websocket.receive")) == "ann"
    assert read(layer) == {"sessionid": session.session_key}


def test_channel_and_http_session_of_a_stranger_is_none_in_later_messages(layer):
    @channel_and_http_session
    def consumer(message):
        return message.http_session

    assert consumer(make_connect(layer)) is None
    assert consumer(make_message(layer, "websocket.receive")) is None


def test_a_session_that_a_test_has_put_there_needs_no_reply_channel(layer):
    from django.contrib.sessions.backends.db import SessionStore

    @channel_session
    def consume(message):
        message.channel_session["num_ponies"] = -1

    message = Message({}, "test", layer)
    message.channel_session = SessionStore("test")
    message.channel_session.save = lambda: None
    consume(message)
    assert message.channel_session["num_ponies"] == -1
