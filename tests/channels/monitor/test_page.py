"""The live page over HTTP and WebSocket: who may see it, what it says, what it does."""

import json

import pytest

from channels.layers.operations import DeadLetter

BASE = "/admin/channels_monitor/livepage/"


@pytest.fixture(autouse=True)
def urls(settings):
    settings.ROOT_URLCONF = "tests.channels.monitor.urls"


@pytest.fixture
def redis_layer(redis_server, database):
    """A Redis layer, the default one while the test runs."""
    from channels.asgi import ChannelLayerWrapper, channel_layers
    from channels.layers.redis import RedisChannelLayer
    from channels.monitor.reading import status_reader

    layer = RedisChannelLayer(hosts=[redis_server.url])
    old = channel_layers.set("default", ChannelLayerWrapper(layer, "default", []))
    status_reader.forget()
    yield layer
    channel_layers.set("default", old)
    status_reader.forget()
    layer.close()


@pytest.fixture
def make_user(database):
    """Make a user with some of the permissions "view" and "change"."""
    from django.contrib.auth.models import Permission, User

    def make_user(name, *permissions, is_staff=True):
        user = User.objects.create_user(name, password="secret", is_staff=is_staff)
        for verb in permissions:
            codename = f"{verb}_livepage"
            user.user_permissions.add(Permission.objects.get(codename=codename))
        return user

    return make_user


@pytest.fixture
def visit(make_user):
    """A Django test client that is logged in as a new user with these permissions."""
    from django.test import Client

    def visit(*permissions, is_staff=True):
        client = Client(headers={"host": "testserver"})
        client.force_login(make_user("u" + "".join(permissions), *permissions, is_staff=is_staff))
        return client

    return visit


@pytest.fixture
def letter(redis_layer):
    """The id of a dead letter of the channel "mail"."""
    redis_layer.send("mail", {"to": "ü", "n": 7})
    reader = redis_layer.open_reader(["mail"])
    redis_layer.apply([DeadLetter(reader.take()[1], "it asked too often")])
    reader.close()
    return redis_layer.dead_letters("mail")[0]["id"]


def act(client, **asked):
    return client.post(f"{BASE}act/", json.dumps(asked), content_type="application/json")


@pytest.mark.parametrize("part", ["", "status/", "dead-letters/?channel=a", "members/?group=a"])
def test_staff_without_permission_sees_nothing(redis_layer, visit, part):
    assert visit().get(BASE + part).status_code == 403


@pytest.mark.parametrize("part", ["", "status/", "dead-letters/?channel=a", "members/?group=a"])
def test_who_is_not_staff_is_asked_to_log_in(redis_layer, visit, part):
    response = visit("view", "change", is_staff=False).get(BASE + part)
    assert response.status_code == 302
    assert "/login/" in response["Location"]


def test_page_is_shown_to_who_may_view_it(redis_layer, visit):
    response = visit("view").get(BASE)
    assert response.status_code == 200
    assert b'data-may-act="no"' in response.content


def test_admin_index_names_the_page(redis_layer, visit):
    assert BASE.encode() in visit("view").get("/admin/").content


def test_status_counts_groups_and_channels(redis_layer, visit):
    redis_layer.send("mail", {"n": 1})
    for client in "abc":
        redis_layer.group_add("news", f"process.S!{client}")
    status = visit("view").get(f"{BASE}status/").json()
    assert [(row["name"], row["waiting"]) for row in status["channels"]] == [("mail", 1)]
    assert status["groups"] == [{"name": "news", "size": 3}]


def test_dead_letter_is_shown_with_its_content(letter, visit):
    (shown,) = visit("view").get(f"{BASE}dead-letters/?channel=mail").json()["letters"]
    assert shown["id"] == letter
    assert shown["reason"] == "it asked too often"
    assert shown["content"] == "to: 'ü'\nn: 7"


def test_dead_letter_is_sent_again(redis_layer, letter, visit):
    answer = act(visit("change"), action="replay", channel="mail", ids=[letter])
    assert answer.json() == {"done": "1 dead letter was sent again to mail."}
    assert redis_layer.receive(["mail"]) == ("mail", {"to": "ü", "n": 7})


def test_dead_letters_are_removed(redis_layer, letter, visit):
    assert act(visit("change"), action="purge", channel="mail").status_code == 200
    assert redis_layer.dead_letters("mail") == []


def test_who_may_only_view_can_not_act(redis_layer, letter, visit):
    assert act(visit("view"), action="purge", channel="mail").status_code == 403
    assert len(redis_layer.dead_letters("mail")) == 1


def test_action_from_a_foreign_page_is_refused(redis_layer, letter, make_user):
    from django.test import Client

    client = Client(enforce_csrf_checks=True, headers={"host": "testserver"})
    client.force_login(make_user("victim", "change"))
    assert act(client, action="purge", channel="mail").status_code == 403
    assert len(redis_layer.dead_letters("mail")) == 1


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"action": "explode"}, "unknown action 'explode'"),
        ({"action": "purge", "channel": "a b"}, "invalid channel name"),
        ({"action": "purge", "channel": "mail", "ids": "1-1"}, "ids must be a list of str"),
        ({"action": "close", "channel": "mail"}, "'mail' is no socket"),
    ],
)
def test_bad_action_is_explained(redis_layer, visit, asked, text):
    answer = act(visit("change"), **asked)
    assert answer.status_code == 400
    assert text in answer.json()["error"]


def test_socket_is_told_to_close(redis_layer, visit):
    act(visit("change"), action="close", channel="websocket.send.S!a")
    name, message = redis_layer.receive(["websocket.send.S!"])
    assert (name, message) == ("websocket.send.S!a", {"close": 1001})


def test_all_sockets_of_a_user_are_told_to_close(redis_layer, visit, make_user, settings):
    from channels.consuming.logout import _user_group

    settings.CHANNELS_AFTER_LOGOUT = "close"
    user = make_user("amy")
    redis_layer.group_add(_user_group(user.pk), "process.S!a")
    client = visit("change")
    assert b"cm-user-name" in client.get(BASE).content
    assert act(client, action="close_user", user="amy").status_code == 200
    assert redis_layer.receive(["process.S!"]) == ("process.S!a", {"close": 4401})
    assert "no user 'ben'" in act(client, action="close_user", user="ben").json()["error"]


def test_sockets_of_a_user_are_not_known_without_the_setting(redis_layer, visit):
    client = visit("change")
    assert b"cm-user-name" not in client.get(BASE).content
    assert "CHANNELS_AFTER_LOGOUT" in act(client, action="close_user", user="amy").json()["error"]


def test_worker_is_asked_to_stop(redis_layer, visit):
    from channels.layers.worker_link import orders_queue

    redis_layer.keep_house("w1", {"host": "h", "pid": 1}, {"mail"})
    client = visit("change")
    assert act(client, action="stop", worker="w1").status_code == 200
    assert redis_layer.receive([orders_queue("w1")]) == (orders_queue("w1"), {"order": "stop"})
    assert "there is no worker 'w2'" in act(client, action="stop", worker="w2").json()["error"]


def test_members_of_a_group_are_listed(redis_layer, visit):
    redis_layer.group_add("news", "process.S!a")
    answer = visit("view").get(f"{BASE}members/?group=news").json()
    assert answer == {"members": ["process.S!a"], "more": 0}


def test_layer_that_is_away_is_told_in_place_of_the_figures(redis_server, redis_layer, visit):
    client = visit("view")
    redis_server.stop()
    assert "unreachable" in client.get(f"{BASE}status/").json()["error"]


def test_layer_without_status_says_so(layer, database, visit):
    from channels.monitor.reading import status_reader

    status_reader.forget()
    assert "'status'" in visit("view").get(f"{BASE}status/").json()["error"]


# -- the page's own WebSocket ----------------------------------------------------------------------


@pytest.fixture
def socket(redis_layer, layer):
    """A function that opens the page's socket as a user, or as nobody."""
    from channels.monitor.routing import routes
    from channels.test import WSClient, apply_routes

    def open_socket(user=None):
        client = WSClient()
        if user is not None:
            client.force_login(user)
        with apply_routes(routes):
            client.send_and_consume(
                "websocket.connect", path="/-/channels/live/", check_accept=False
            )
            return client, client.receive(json=False)

    return open_socket


def test_socket_opens_for_who_may_view(socket, make_user):
    _, answer = socket(make_user("u", "view"))
    assert answer == {"accept": True}


@pytest.mark.parametrize("permissions", [None, ()])
def test_socket_is_refused_to_others(socket, make_user, permissions):
    user = None if permissions is None else make_user("u", *permissions)
    _, answer = socket(user)
    assert answer == {"close": True}
