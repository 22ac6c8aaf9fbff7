"""What `hosts` may say, and that no secret of it is ever shown."""

import logging

import pytest

from channels.exceptions import LayerRefused, LayerUnavailable
from channels.layers.redis import RedisChannelLayer
from channels.layers.redis.transport.addresses import name_of, read_hosts
from channels.layers.redis.transport.complaints import Complaints

SECRET = "top-secret"


@pytest.mark.parametrize(
    ("host", "url", "options"),
    [
        (("h", 6380), "redis://h:6380/0", {}),
        (["::1", "6380"], "redis://[::1]:6380/0", {}),
        ("rediss://:p@h/7", "rediss://:p@h/7", {}),
        ({"address": ("h", 1), "db": 7, "password": "p"}, "redis://h:1/7", {"password": "p"}),
        ({"address": "redis://h:1/3"}, "redis://h:1/3", {}),
        ({"address": "redis://h:1/3", "db": 5}, "redis://h:1/5", {}),
        ({"host": "h"}, "redis://h:6379/0", {}),
        (
            {"host": "h", "port": 1, "ssl": True, "username": "u"},
            "rediss://h:1/0",
            {"username": "u"},
        ),
        ({"path": "/run/r.sock", "db": 2}, "unix:///run/r.sock?db=2", {}),
    ],
)
def test_each_form_of_a_host_is_understood(host, url, options):
    assert read_hosts([host]) == [(url, options)]


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ({"host": "h", "passwort": SECRET}, "hosts[0] has a key that is not known, 'passwort'"),
        (f"http://:{SECRET}@h/0", "hosts[0] must be a redis://"),
        (f"redis://:ab@cd#{SECRET}@h/0", "%23 for #"),
        (f"redis://:ab#{SECRET}@h/0", "%23 for #"),
        (f"redis://:a@b{SECRET}@h/0", "%40 for @"),
        (f"redis://u:a/{SECRET}@h:x/0", "%2F for /"),
        (f"redis://:{SECRET}@h/0?decode_responses=1", "takes no 'decode_responses'"),
        ({"host": "h", "password": SECRET, "decode_responses": True}, "takes no"),
        ((SECRET, 1, 2), "must be a URL, a (host, port) pair or a dict, got tuple"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_is_shown(host, why):
    with pytest.raises(ValueError) as refusal:
        RedisChannelLayer(hosts=[host])
    assert why in str(refusal.value)
    assert SECRET not in repr(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        f"redis://user:{SECRET}@localhost:1/0",
        f"redis://:{SECRET}@localhost:1/0?password={SECRET}",
        f"redis://:{SECRET}%40x%23y@localhost:1",
    ],
)
def test_a_host_that_is_away_is_named_without_its_password(url, caplog):
    layer = RedisChannelLayer(hosts=[url])
    with pytest.raises(LayerUnavailable) as error:
        layer.send("job", {})
    assert "redis://localhost:1" in str(error.value)
    assert SECRET not in str(error.value) + caplog.text


def test_a_unix_socket_is_named_by_its_path():
    assert name_of("unix://user:secret@/run/r.sock?db=1&password=x") == "unix:/run/r.sock"


@pytest.mark.parametrize("protocol", ["protocol=3", "protocol=2"])
def test_each_protocol_can_be_asked_for_in_a_url(redis_server, protocol):
    mark = "&" if "?" in redis_server.url else "?"
    layer = RedisChannelLayer(hosts=[f"{redis_server.url}{mark}{protocol}"], prefix=protocol)
    layer.send("job", {"n": 1})
    assert layer.receive(["job"], block=True) == ("job", {"n": 1})
    layer.close()


@pytest.mark.parametrize(
    "options", [{"password": SECRET}, {"db": 10_000}], ids=["wrong password", "wrong database"]
)
def test_a_refusal_that_waiting_does_not_mend_is_an_error_of_the_settings(
    redis_server, caplog, options
):
    layer = RedisChannelLayer(hosts=[{"address": redis_server.url, **options}])
    for _ in range(3):
        with pytest.raises(LayerRefused, match="check user, password and database"):
            layer.check_neighbours()
    assert caplog.text.count("that is an error of the settings") == 1
    assert "trying again" not in caplog.text
    assert SECRET not in caplog.text


def test_what_redis_refuses_is_told_once_and_that_it_is_over(redis_server, caplog, monkeypatch):
    layer = RedisChannelLayer(hosts=[redis_server.url], prefix="full:")
    layer.receive(["job"])
    with redis_server.client() as client:
        client.config_set("maxmemory", 1)
        try:
            for _ in range(3):
                with pytest.raises(LayerUnavailable, match="OOM"):
                    layer.send("job", {"n": 1})
        finally:
            client.config_set("maxmemory", 0)
    assert caplog.text.count("raise it, or find out what fills it") == 1
    complaints = layer._hosts[0].health.complaints
    now = complaints._clock()
    monkeypatch.setattr(complaints, "_clock", lambda: now + 11)
    layer.send("job", {"n": 1})
    layer.send("job", {"n": 1})
    told = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert [record.getMessage() for record in told if "refused nothing" in record.getMessage()]
    assert caplog.text.count("has refused nothing with OOM") == 1
    layer.close()


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (": @user_script: 90: -OOM command not allowed when used memory", "its maxmemory"),
        (": WRONGTYPE Operation against a key holding the wrong kind", "below this layer's prefix"),
        (": user_script:90: attempt to index a nil value", "was not done"),
    ],
)
def test_what_a_script_met_on_redis_6_is_told_with_the_same_advice(caplog, error, advice):
    complaints = Complaints(lambda: "localhost")
    complaints.note(Exception(f"ERR Error running script (call to f_0a1b): @user_script:90{error}"))
    assert advice in caplog.text
