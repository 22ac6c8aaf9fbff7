import functools
import re
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from channels.routing import InvalidRoute, Router, include, route, route_class
from tests.routing.consumers import Chat, ws_connect


def refusal(function, *args, **kwargs):
    """Return the InvalidRoute that is raised for the route that the call makes."""
    with pytest.raises(InvalidRoute) as caught:
        made = function(*args, **kwargs)
        Router([made])
    return caught.value


def test_a_mistake_is_an_improperly_configured_and_a_value_error_as_in_1_x():
    assert issubclass(InvalidRoute, ImproperlyConfigured)
    assert issubclass(InvalidRoute, ValueError)


def test_the_text_begins_with_the_route_as_it_stands_in_the_file():
    filters = {"path": "^/(a)", "method": re.compile("G")}
    error = refusal(route, "websocket.connect", ws_connect, **filters)
    assert str(error).startswith(
        "route('websocket.connect', tests.routing.consumers.ws_connect, path='^/(a)', method='G'): "
    )


def test_positional_groups_are_refused_next_to_named_ones_too():
    error = refusal(route, "x", ws_connect, path="^/(a)/(?P<b>b)")
    assert "contains positional groups; only named groups are allowed" in str(error)
    route("x", ws_connect, path="^/(?:a)/(?P<b>b)")


def test_positional_groups_in_an_include_are_let_be_since_they_worked_in_1_x():
    assert include([route("x", ws_connect)], path="^/(en|de)")


@pytest.mark.parametrize("make", [route, include])
def test_an_invalid_regular_expression_is_refused_by_its_key(make):
    args = ("x", ws_connect) if make is route else ([],)
    error = refusal(make, *args, path="^/(?P<a")
    assert "filter for 'path' is no regular expression: " in str(error)
    assert isinstance(error.__cause__, re.error)


@pytest.mark.parametrize("pattern", [None, 3, ["^/"], re.compile(b"^/")])
def test_a_filter_that_is_not_text_is_refused(pattern):
    assert "must be a regular expression, as str" in str(refusal(route, "x", ws_connect, a=pattern))


def test_a_consumer_in_a_module_that_is_not_there_is_refused():
    error = refusal(route, "x", "tests.nowhere.consumers.ws_connect")
    assert "there is no module 'tests.nowhere' to import" in str(error)
    assert isinstance(error.__cause__, ModuleNotFoundError)


def test_a_consumer_that_its_module_does_not_have_is_refused_with_the_nearest_name():
    error = refusal(route, "x", "tests.routing.consumers.ws_conect")
    assert "module 'tests.routing.consumers' has no attribute 'ws_conect'" in str(error)
    assert "did you mean 'ws_connect'?" in str(error)


def test_an_import_error_inside_the_consumers_module_is_shown_for_what_it_is():
    error = refusal(route, "x", "tests.routing.broken_consumers.ws_connect")
    assert "'tests.routing.broken_consumers' is there, but importing it raises" in str(error)
    assert "nothing_of_that_name" in str(error)
    assert isinstance(error.__cause__, ImportError)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("import a_module_that_nobody_has", ModuleNotFoundError),
        ("def broken(:", SyntaxError),
        ("1 / 0", ZeroDivisionError),
    ],
)
def test_whatever_the_consumers_module_raises_is_chained(tmp_path, monkeypatch, source, kind):
    (tmp_path / "raising_consumers.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    error = refusal(route, "x", "raising_consumers.ws_connect")
    assert f"is there, but importing it raises {kind.__name__}" in str(error)
    assert isinstance(error.__cause__, kind)
    assert "raising_consumers" not in sys.modules


@pytest.mark.parametrize("path", ["ws_connect", "", ".ws_connect"])
def test_a_consumer_path_without_a_module_is_refused(path):
    assert "is not a dotted path" in str(refusal(route, "x", path))


def test_a_consumer_that_can_not_be_called_is_refused():
    assert "must be callable" in str(refusal(route, "x", 42))
    assert "got int 42" in str(refusal(route, "x", "tests.routing.consumers.NOT_CALLABLE"))
    assert "is a module" in str(refusal(route, "x", "tests.routing.consumers"))


def no_parameters():
    """Take nothing at all."""


def only_keywords(*, message):
    """Take the message by name only."""


class NoInit:
    """A class that can't be called with a message."""


@pytest.mark.parametrize(
    "consumer", [no_parameters, only_keywords, lambda: None, [].clear, NoInit().__str__]
)
def test_a_consumer_that_takes_no_message_is_refused(consumer):
    assert "takes no message" in str(refusal(route, "x", consumer))


class Callable:
    """A consumer that is an object, a method or a static method."""

    def __call__(self, message, **kwargs):
        """Take the message."""

    def method(self, message):
        """Take the message."""

    @classmethod
    def class_method(cls, message):
        """Take the message."""


async def async_consumer(message):
    """Take the message."""


@pytest.mark.parametrize(
    "consumer",
    [
        Callable(),
        Callable().method,
        Callable.class_method,
        Chat,
        async_consumer,
        functools.partial(lambda extra, message: None, 1),
        lambda *args: None,
        lambda message, room: None,
        dict.update,
        max,
    ],
)
def test_whatever_can_be_called_with_a_message_is_a_consumer(consumer):
    assert route("x", consumer).consumer is consumer


def mark(name):
    """Return a decorator like those of this package: it leaves a mark, and hands everything on."""

    def decorate(consumer):
        @functools.wraps(consumer)
        def inner(*args, **kwargs):
            return consumer(*args, **kwargs)

        inner.consumer_marks = getattr(consumer, "consumer_marks", frozenset()) | {name}
        return inner

    return decorate


def test_the_signature_is_looked_up_behind_decorators_of_this_package():
    decorated = mark("channel_session_user")(mark("channel_session")(no_parameters))
    assert "takes no message" in str(refusal(route, "x", decorated))


def test_the_signature_is_not_looked_up_behind_decorators_of_anybody_else():
    @functools.wraps(no_parameters)
    def theirs(message):
        return no_parameters()

    assert route("x", theirs)
    assert route("x", mark("channel_session")(theirs))


@pytest.mark.parametrize("name", ["websocket.recieve", "websocket.dsiconnect", "websocket.conect"])
def test_a_misspelt_channel_of_a_known_protocol_is_refused(name):
    assert "did you mean 'websocket." in str(refusal(route, name, ws_connect))


def test_the_right_name_of_a_misspelt_channel_is_told():
    error = refusal(route, "websocket.recieve", ws_connect)
    assert str(error).startswith("route('websocket.recieve', ")
    assert "did you mean 'websocket.receive'?" in str(error)
    assert "did you mean 'http.request'?" in str(refusal(route, "http.requests", ws_connect))


@pytest.mark.parametrize("name", ["websocket.keepalive", "websocket.events", "binding.hero"])
def test_channels_of_the_projects_own_are_free(name):
    assert route(name, ws_connect).channels == [name]


@pytest.mark.parametrize("name", ["a b", "", "x" * 200, "a!b!c", "über", 3, None, "reply!", "r!x"])
def test_a_name_that_no_message_can_be_routed_from_is_refused(name):
    assert refusal(route, name, ws_connect)


def test_a_route_without_any_channel_is_refused():
    assert "names no channel" in str(refusal(route, [], ws_connect))


def test_a_misspelt_channel_in_a_class_or_a_dict_is_refused():
    class Misspelt(Chat):
        @classmethod
        def channel_names(cls):
            return {"websocket.recieve"}

    assert str(refusal(route_class, Misspelt, path="^/a")).startswith("route_class(tests.routing.")
    assert "websocket.recieve" in str(refusal(Router, {"websocket.recieve": ws_connect}))


def test_route_class_refuses_what_does_not_name_its_channels():
    assert "has no channel_names()" in str(refusal(route_class, ws_connect))

    class NotAClassMethod:
        def __init__(self, message):
            """Take the message."""

        def channel_names(self):
            return ["x"]

    assert "is it a class method?" in str(refusal(route_class, NotAClassMethod))


@pytest.mark.parametrize("routing", [7, None, ws_connect, "tests.routing.lists.not_a_routing"])
def test_a_routing_that_is_no_list_is_refused(routing):
    assert "a routing must be a list" in str(refusal(Router, routing))
    assert "a routing must be a list" in str(refusal(include, routing))


def test_a_routing_that_can_not_be_imported_is_refused_by_its_path():
    error = refusal(Router, "tests.routing.lists.chat_routin")
    assert str(error).startswith("ROUTING 'tests.routing.lists.chat_routin': ")
    assert "did you mean 'chat_routing'?" in str(error)
    error = refusal(Router.resolve_routing, "tests.nowhere.routing")
    assert str(error).startswith("ROUTING 'tests.nowhere.routing': there is no module")


@pytest.mark.parametrize("entry", [7, ws_connect, Chat, [], "tests.routing.lists.chat_routing"])
def test_an_entry_that_is_no_route_is_refused_by_its_number(entry):
    error = refusal(Router, [route("x", ws_connect), entry])
    assert ", entry 2: " in str(error)
    assert "is not a route" in str(error)
