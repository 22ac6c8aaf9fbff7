import pytest

from channels.routing import Router, find_doubts, include, route, route_class
from tests.routing.consumers import Chat


def consumer(message):
    """Take a message and no named groups."""
    message.reply_channel.send({"accept": True})


def flexible(message, **kwargs):
    """Take whatever comes."""
    message.reply_channel.send({"accept": True})


def marked(*marks):
    def decorated(message, **kwargs):
        """Take whatever comes."""
        message.reply_channel.send({"accept": True})

    decorated.consumer_marks = frozenset(marks)
    return decorated


ordered = marked("enforce_ordering", "channel_session")


def codes(*routing):
    return [code for code, _, _ in find_doubts(Router(list(routing)))]


def socket_routes(connect, receive, disconnect, **filters):
    return [
        route("websocket.connect", connect, **filters),
        route("websocket.receive", receive, **filters),
        route("websocket.disconnect", disconnect, **filters),
    ]


def test_the_routes_of_the_tutorials_raise_no_doubt():
    chat = socket_routes(flexible, flexible, flexible, path=r"^/(?P<room>[a-z]+)/$")
    polling = [route("http.request", consumer, path="^/poll/$", method="^POST$")]
    jobs = [route("chat-messages", consumer), route_class(Chat, path="^/stream/")]
    assert codes(*jobs, include(chat, path="^/chat"), include(polling)) == []


@pytest.mark.parametrize("name", ["websocket.keepalive", "http.response", "websockets.receive"])
def test_a_channel_that_nothing_sends_on_is_doubted(name):
    assert codes(route(name, consumer)) == ["W010"]


@pytest.mark.parametrize("name", ["background", "chat-messages", "binding.hero", "mail.receive"])
def test_a_channel_of_the_projects_own_is_not_doubted(name):
    assert codes(route(name, consumer)) == []


def test_a_filter_on_a_key_that_the_channel_never_has_is_doubted():
    ((code, text, hint),) = find_doubts(Router([route("websocket.receive", flexible, method="P")]))
    assert (code, "have no 'method' to match" in text) == ("W011", True)
    assert hint == "They have: bytes, order, path, reply_channel, text."
    assert codes(route("http.request", flexible, method="P")) == []
    assert codes(route("background", flexible, method="P")) == []


def test_a_key_of_an_include_is_doubted_too():
    assert codes(include([route("websocket.receive", flexible)], method="P")) == ["W011"]


def test_a_route_that_is_never_reached_is_doubted():
    assert codes(route("x", consumer), route("x", flexible)) == ["W012"]
    assert codes(route("x", consumer), include([route("x", flexible, a="b")])) == ["W012"]
    assert codes(route("x", flexible, a="b"), route("x", consumer)) == []


def test_positional_groups_in_a_prefix_are_doubted():
    assert codes(include([route("x", consumer)], path="^/(en|de)")) == ["W013"]
    assert codes(include([route("x", consumer)], path="^/(?:en|de)")) == []


def test_a_consumer_that_does_not_take_the_named_groups_is_doubted():
    assert codes(route("x", consumer, path="^/(?P<room>a)")) == ["W014"]
    assert codes(include([route("x", consumer)], path="^/(?P<room>a)")) == ["W014"]
    assert codes(route("x", flexible, path="^/(?P<room>a)")) == []


def test_a_consumer_that_misses_a_group_is_doubted():
    def wants_room(message, room):
        """Take a message and a room."""

    assert codes(route("websocket.disconnect", wants_room)) == ["W014"]
    assert codes(route("websocket.disconnect", wants_room, path="^/(?P<room>a)")) == []


def test_ordering_on_some_of_a_sockets_consumers_is_doubted():
    assert codes(*socket_routes(ordered, ordered, ordered)) == []
    assert codes(*socket_routes(flexible, flexible, flexible)) == []
    assert codes(*socket_routes(ordered, ordered, flexible)) == ["W020"]
    assert codes(*socket_routes(flexible, ordered, flexible)) == ["W020"]


@pytest.mark.parametrize(
    ("trio", "said"),
    [
        ((flexible, ordered, ordered), ["before the consumer of websocket.connect has ended"]),
        ((ordered, flexible, ordered), ["frames run in any order", "waits half a minute"]),
        ((ordered, flexible, flexible), ["frames run in any order"]),
        ((ordered, ordered, flexible), ["runs before frames that still wait"]),
    ],
)
def test_it_is_said_what_happens_to_sockets_that_are_ordered_in_part(trio, said):
    ((_, text, _),) = find_doubts(Router(socket_routes(*trio)))
    told = text.partition("of the same sockets: ")[2].split("; ")
    assert len(told) == len(said)
    assert all(part in one for part, one in zip(said, told, strict=True))


def test_ordering_behind_the_default_consumer_of_connect_is_fine():
    assert codes(route("websocket.receive", ordered)) == []


def test_an_ordered_disconnect_behind_the_default_consumer_of_frames_is_doubted():
    ((code, text, _),) = find_doubts(Router([route("websocket.disconnect", ordered)]))
    assert code == "W020"
    assert "the default consumer of 'websocket.receive' has not" in text
    assert "waits half a minute" in text


def test_ordering_is_compared_within_one_path_only():
    plain = socket_routes(flexible, flexible, flexible, path="^/plain")
    strict = socket_routes(ordered, ordered, ordered, path="^/strict")
    assert codes(*plain, *strict) == []


def test_ordering_is_compared_with_the_route_that_takes_every_path():
    strict = [route(f"websocket.{kind}", ordered, path="^/a") for kind in ("connect", "receive")]
    assert codes(*strict, route("websocket.disconnect", flexible)) == ["W020"]


def test_ordering_is_compared_behind_one_prefix():
    behind = [route("websocket.connect", ordered), route("websocket.receive", ordered)]
    aside = route("websocket.connect", flexible, path="^/b")
    assert codes(include(behind, path="^/a"), aside) == []


def test_a_socket_user_without_one_from_http_is_doubted():
    user = marked("channel_session_user", "channel_session")
    bringer = marked("channel_session_user_from_http", "channel_session_user")
    assert codes(*socket_routes(bringer, user, user)) == []
    assert codes(*socket_routes(marked("http_session_user"), user, user)) == []
    assert codes(*socket_routes(user, user, user)) == ["W021"]
    assert codes(*socket_routes(flexible, user, flexible)) == ["W021"]


def test_class_based_consumers_are_left_to_themselves():
    assert codes(route_class(Chat), route("websocket.disconnect", ordered)) == []


@pytest.mark.parametrize("marks", [["http_session"], ["http_session", "http_session_user"]])
def test_an_http_session_without_headers_is_doubted(marks):
    assert codes(route("websocket.receive", marked(*marks))) == ["W022"]
    assert codes(route("websocket.connect", marked(*marks))) == []
    assert codes(route("background", marked(*marks))) == []


@pytest.mark.parametrize("mark", ["channel_and_http_session", "channel_session_user_from_http"])
def test_an_http_session_that_comes_with_the_channel_session_is_not_doubted(mark):
    assert codes(route("websocket.receive", marked("http_session", mark))) == []
