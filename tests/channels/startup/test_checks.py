import functools
import sys
import types

import pytest
from django.conf import settings
from django.core import checks as django_checks
from django.test import override_settings

from channels.layers.base import BaseChannelLayer
from channels.layers.redis import RedisChannelLayer
from channels.routing import route
from channels.startup import checks


class AnyLayer(BaseChannelLayer):
    """A layer that a CHANNEL_LAYERS can name, and that must never be made by a check."""

    def __init__(self, hosts=(), capacity=100):
        raise AssertionError("a check has made a layer")


class AnythingLayer(AnyLayer):
    """A layer that takes whatever its CONFIG says."""

    def __init__(self, **kwargs):
        raise AssertionError("a check has made a layer")


class RedisLayerWithExtras(RedisChannelLayer):
    """A layer that takes more than it names."""

    def __init__(self, **config):
        raise AssertionError("a check has made a layer")


def consumer(message, **kwargs):
    """Take anything."""


def ordered(message, **kwargs):
    """Take anything."""


ordered.consumer_marks = frozenset({"enforce_ordering"})

routing = [route("background", consumer)]
half_ordered = [route("websocket.connect", ordered), route("websocket.receive", consumer)]
not_a_routing = 7

GOOD = {"BACKEND": f"{__name__}.AnyLayer", "ROUTING": f"{__name__}.routing"}


def run_checks(layers=None, **others):
    """Return {id: message} of all checks, run with these settings."""
    with override_settings(CHANNEL_LAYERS={} if layers is None else layers, **others):
        found = django_checks.run_checks(tags=["channels"])
    return {one.id.removeprefix("channels."): one for one in found}


def run_with(**entry):
    return run_checks({"default": {**GOOD, **entry}})


def test_good_settings_pass():
    config = {"hosts": ["redis://localhost"]}
    assert run_with(CONFIG=config, TEST_CONFIG={"capacity": 1}) == {}


def test_a_project_without_channel_layers_passes():
    with override_settings():
        del settings.CHANNEL_LAYERS
        assert django_checks.run_checks(tags=["channels"]) == []


def test_messages_are_errors_or_warnings_as_their_ids_say():
    found = run_checks({"a": 1, "b": {**GOOD, "ROUTIN": 1, "ROUTING": f"{__name__}.half_ordered"}})
    assert isinstance(found["E011"], django_checks.Error)
    assert isinstance(found["W001"], django_checks.Warning)
    assert isinstance(found["W020"], django_checks.Warning)


def test_channel_layers_that_is_no_dict_is_an_error():
    assert "CHANNEL_LAYERS must be a dict, got list" in run_checks(layers=[1])["E010"].msg


def test_a_layer_that_is_no_dict_is_an_error():
    assert "CHANNEL_LAYERS['default'] must be a dict" in run_checks({"default": "x"})["E011"].msg


def test_a_layer_without_a_backend_is_an_error():
    found = run_checks({"main": {"ROUTING": []}})
    assert found["E012"].msg == "CHANNEL_LAYERS['main'] has no BACKEND: add it"


def test_a_layer_without_a_routing_passes():
    assert run_checks({"default": {"BACKEND": GOOD["BACKEND"]}}) == {}


def test_an_unknown_key_is_a_warning_with_the_nearest_name():
    assert "unknown key 'ROUTNG'; did you mean 'ROUTING'?" in run_with(ROUTNG=1)["W001"].msg


@pytest.mark.parametrize("key", ["CONFIG", "TEST_CONFIG"])
@pytest.mark.parametrize("value", [None, [], "redis://"])
def test_a_config_that_is_no_dict_is_an_error(key, value):
    assert f"['{key}'] must be a dict" in run_with(**{key: value})["E013"].msg


@pytest.mark.parametrize(
    "backend",
    ["nowhere.Layer", f"{__name__}.Nothing", "", 3, None],
)
def test_a_backend_that_can_not_be_imported_is_an_error(backend):
    assert set(run_with(BACKEND=backend)) == {"E014"}


def test_a_backend_whose_module_fails_is_an_error_that_says_why(tmp_path, monkeypatch):
    (tmp_path / "failing_layers.py").write_text("raise TypeError('not on this Python')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "not on this Python" in run_with(BACKEND="failing_layers.Layer")["E014"].msg


@pytest.mark.parametrize("key", ["CONFIG", "TEST_CONFIG"])
def test_a_config_that_the_backend_does_not_take_is_an_error(key):
    found = run_with(**{key: {"hots": []}})
    assert "AnyLayer takes no 'hots'; did you mean 'hosts'?" in found["E015"].msg


@pytest.mark.parametrize(
    "name", ["RedisChannelLayer", "RedisLocalChannelLayer", "RedisSentinelChannelLayer"]
)
@pytest.mark.parametrize(
    ("wrong", "right"),
    [("host", "hosts"), ("capasity", "capacity"), ("channel_capacities", "channel_capacity")],
)
def test_a_misspelled_key_is_told_for_each_redis_layer(name, wrong, right):
    backend = f"channels.layers.redis.{name}"
    found = run_with(BACKEND=backend, CONFIG={wrong: 1, right: 1, "prefix": "a:"})
    assert set(found) == {"E015"}
    assert f"{name} takes no {wrong!r}; did you mean {right!r}?" in found["E015"].msg


def test_keys_of_one_redis_layer_are_not_those_of_another():
    keys = {"RedisLocalChannelLayer": "local_hosts", "RedisSentinelChannelLayer": "services"}
    for name, key in keys.items():
        backend = f"channels.layers.redis.{name}"
        assert run_with(BACKEND=backend, CONFIG={key: []}) == {}
        assert set(run_with(CONFIG={key: []})) == {"E015"}


def test_what_a_layer_of_ones_own_does_with_more_keys_is_not_known():
    assert run_with(BACKEND=f"{__name__}.RedisLayerWithExtras", CONFIG={"colour": 1}) == {}


def test_a_backend_may_take_anything():
    assert run_with(BACKEND=f"{__name__}.AnythingLayer", CONFIG={"hots": []}) == {}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nowhere.channel_routing", "no module 'nowhere'"),
        (f"{__name__}.routng", "did you mean 'routing'?"),
        (f"{__name__}.not_a_routing", "must be a list of route()"),
        ("channel_routing", "is not a dotted path"),
    ],
)
def test_a_routing_that_can_not_work_is_an_error_that_names_it(path, said):
    error = run_with(ROUTING=path)["E030"]
    assert error.msg.startswith(f"CHANNEL_LAYERS['default']: ROUTING {path!r}: ")
    assert said in error.msg


def test_a_broken_route_is_told_with_its_text_and_its_line(tmp_path, monkeypatch):
    source = "from channels.routing import route\n\nx = [route('websocket.recieve', 'app.f')]\n"
    path = tmp_path / "broken_site_routing.py"
    path.write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    error = run_with(ROUTING="broken_site_routing.x")["E030"]
    assert "['default']: route('websocket.recieve', 'app.f'): " in error.msg
    assert "did you mean 'websocket.receive'?" in error.msg
    assert error.hint == f"See {path}, line 3."
    assert run_with(ROUTING="nowhere.routing")["E030"].hint is None


def test_a_mistake_in_a_consumers_module_is_told_with_its_line(tmp_path, monkeypatch):
    (tmp_path / "wrong_routing.py").write_text("x = {'a': 'wrong_consumers.ws_connect'}\n")
    (tmp_path / "wrong_consumers.py").write_text("import json\n\n1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    error = run_with(ROUTING="wrong_routing.x")["E030"]
    assert "importing it raises ZeroDivisionError" in error.msg
    assert error.hint == f"See {tmp_path / 'wrong_consumers.py'}, line 3."


def test_every_layer_is_checked():
    found = run_checks({"default": GOOD, "other": {**GOOD, "ROUTING": "nowhere.routing"}})
    assert found["E030"].msg.startswith("CHANNEL_LAYERS['other']: ")


def test_doubts_about_routes_are_warnings():
    warning = run_with(ROUTING=f"{__name__}.half_ordered")["W020"]
    assert "CHANNEL_LAYERS['default']: route('websocket.connect', " in warning.msg
    assert "@enforce_ordering" in warning.hint


@pytest.mark.parametrize("path", ["nowhere.sessions", "json", "", 3])
def test_a_session_engine_that_is_none_is_an_error(path):
    assert "CHANNEL_SESSION_ENGINE" in run_checks(CHANNEL_SESSION_ENGINE=path)["E020"].msg


def test_a_session_engine_of_django_passes():
    engine = "django.contrib.sessions.backends.cache"
    assert run_checks(CHANNEL_SESSION_ENGINE=engine) == {}


def test_a_hidden_room_is_an_error_and_its_routes_are_not_looked_at(monkeypatch):
    intruder = types.ModuleType("routing")
    intruder.__file__ = "/home/somebody/site/routing.py"
    monkeypatch.setitem(sys.modules, "routing", intruder)
    found = run_with(ROUTING="nowhere.routing")
    assert set(found) == {"E001"}
    assert found["E001"].msg.startswith("/home/somebody/site/routing.py is in the way")


def test_another_channels_in_the_environment_is_an_error(tmp_path, monkeypatch):
    info = tmp_path / "channels-4.3.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: channels\nVersion: 4.3.2\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "'channels' 4.3.2 is installed" in run_checks()["E002"].msg


def test_a_dependency_that_is_too_old_is_an_error(monkeypatch):
    monkeypatch.setattr(checks, "find_old_versions", functools.partial(list, ["daphne 3 is old"]))
    assert run_checks()["E003"].msg == "daphne 3 is old"


# -- ASGI_APPLICATION -------------------------------------------------------------------------


async def application(scope, receive, send):
    """Serve nothing."""


def test_an_application_that_is_there_passes():
    assert run_checks(ASGI_APPLICATION=f"{__name__}.application") == {}


def test_an_application_that_can_not_be_imported_is_an_error():
    found = run_checks(ASGI_APPLICATION="no.such.application")
    assert "Cannot import ASGI_APPLICATION module 'no.such'" in found["E040"].msg


def test_an_application_that_is_no_application_is_an_error():
    assert "which is int 7" in run_checks(ASGI_APPLICATION=f"{__name__}.not_a_routing")["E041"].msg


def test_url_of_older_releases_of_django_comes_with_a_hint(tmp_path, monkeypatch):
    (tmp_path / "old_routing.py").write_text("from django.conf.urls import url\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = run_checks(ASGI_APPLICATION="old_routing.application")
    assert "write re_path() in its place" in found["E040"].msg


def test_a_mistake_in_the_application_is_told_with_its_line(tmp_path, monkeypatch):
    (tmp_path / "broken_routing.py").write_text("import sys\n1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = run_checks(ASGI_APPLICATION="broken_routing.application")
    assert "ZeroDivisionError" in found["E040"].msg
    assert found["E040"].hint == f"See {tmp_path / 'broken_routing.py'}, line 2."
