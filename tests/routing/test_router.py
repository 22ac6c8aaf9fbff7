import copy
import re

import pytest

from channels.routing import InvalidRoute, Router, include, route, route_class
from routing.defaults import connect_consumer
from routing.matching import Table
from tests.routing.consumers import Chat, ws_connect, ws_receive
from tests.routing.messages import make_message


def other(message, **kwargs):
    """A consumer that is none of the others."""


def match(routing, channel, **content):
    return Router(routing).match(make_message(channel, **content))


def test_a_route_without_filters_takes_every_message_of_its_channel():
    routing = [route("background", other)]
    assert match(routing, "background", anything=1) == (other, {})
    assert match(routing, "background.other") is None


def test_each_match_has_keyword_arguments_of_its_own():
    router = Router([route("background", other)])
    first = router.match(make_message("background"))[1]
    first["spoiled"] = True
    assert router.match(make_message("background"))[1] == {}


def test_named_groups_become_keyword_arguments():
    routing = [route("websocket.connect", ws_connect, path=r"^/(?P<room>[a-z]+)/$")]
    assert match(routing, "websocket.connect", path="/lobby/") == (ws_connect, {"room": "lobby"})
    assert match(routing, "websocket.connect", path="/LOBBY/") is None


def test_a_named_group_that_took_no_part_is_passed_as_none():
    routing = [route("websocket.connect", ws_connect, path=r"^/(?P<room>[a-z]+)?$")]
    assert match(routing, "websocket.connect", path="/") == (ws_connect, {"room": None})


def test_a_filter_matches_at_the_start_and_need_not_reach_the_end():
    routing = [route("websocket.connect", ws_connect, path="/chat")]
    assert match(routing, "websocket.connect", path="/chat/and/more")
    assert match(routing, "websocket.connect", path="/a/chat") is None


def test_every_filter_of_a_route_must_match():
    routing = [route("http.request", other, path="^/poll/$", method="^POST$")]
    assert match(routing, "http.request", path="/poll/", method="POST") == (other, {})
    assert match(routing, "http.request", path="/poll/", method="GET") is None
    assert match(routing, "http.request", path="/poll/") is None


@pytest.mark.parametrize("value", [None, 3, 1.5, ["^/"], {"a": 1}, True])
def test_a_value_that_is_not_text_matches_no_filter(value):
    assert match([route("x", other, key="")], "x", key=value) is None


def test_bytes_are_matched_as_latin_1_text():
    routing = [route("websocket.receive", other, bytes="^name=(?P<name>.*)$")]
    found = match(routing, "websocket.receive", bytes=b"name=caf\xe9")
    assert found == (other, {"name": "café"})


def test_a_filter_given_as_bytes_or_compiled_works_like_one_given_as_text():
    for pattern in (b"^/a$", re.compile("^/a$"), re.compile("^/A$", re.IGNORECASE)):
        assert match([route("x", other, path=pattern)], "x", path="/a") == (other, {})


def test_the_first_route_that_matches_wins():
    routing = [route("x", other, path="^/a"), route("x", ws_connect), route("x", ws_receive)]
    assert match(routing, "x", path="/a")[0] is other
    assert match(routing, "x", path="/b")[0] is ws_connect


def test_a_route_may_name_several_channels():
    router = Router([route(["one", b"two"], other)])
    assert router.channels == {"one", "two"}
    assert router.match(make_message("two")) == (other, {})


def test_an_include_strips_its_prefix_for_the_routes_inside():
    routing = [include([route("x", other, path="^/room$")], path="^/chat")]
    assert match(routing, "x", path="/chat/room") == (other, {})
    assert match(routing, "x", path="/room") is None
    assert match(routing, "x", path="/talk/room") is None


def test_includes_nest_and_their_groups_add_up_the_inner_one_winning():
    rooms = [route("x", other, path="^/(?P<room>[a-z]+)$")]
    sites = [include(rooms, path="^/(?P<kind>chat|talk)", method="^(?P<room>P)")]
    routing = [include(sites, path="^/(?P<site>[0-9]+)")]
    assert match(routing, "x", path="/7/chat/lobby", method="POST") == (
        other,
        {"site": "7", "kind": "chat", "room": "lobby"},
    )


def test_an_include_strips_each_key_on_its_own():
    inner = [route("x", other, path="^/room$", method="^OST$")]
    routing = [include(inner, path="^/chat", method="^P")]
    assert match(routing, "x", path="/chat/room", method="POST") == (other, {})


def test_an_include_without_prefix_only_joins_lists():
    routing = [include([route("x", other)]), route("y", ws_connect)]
    assert match(routing, "x") == (other, {})
    assert match(routing, "y") == (ws_connect, {})


def test_the_next_include_is_tried_when_nothing_inside_one_matches():
    routing = [
        include([route("x", other, path="^/a$")], path="^/chat"),
        include([route("x", ws_connect, path="^/b$")], path="^/chat"),
    ]
    assert match(routing, "x", path="/chat/b") == (ws_connect, {})


def test_the_consumer_sees_the_message_unchanged_by_prefixes():
    message = make_message("x", path="/chat/room", headers=[[b"host", b"a"]], reply_channel="r!1")
    before = copy.deepcopy(message.content)
    headers = message["headers"]
    routing = [include([route("x", other, path="^/room")], path="^/chat")]
    assert Router(routing).match(message)
    assert message.content == before
    assert message["headers"] is headers


def test_consumers_and_routings_may_be_given_by_dotted_path():
    routing = [include("tests.routing.lists.chat_routing", path="^/chat")]
    assert match(routing, "websocket.connect", path="/chat/room") == (ws_connect, {})
    assert match("tests.routing.lists.chat_routing", "websocket.connect", path="/room")


@pytest.mark.parametrize(
    "routing", [{"websocket.connect": ws_connect}, "tests.routing.lists.as_dict"]
)
def test_a_routing_may_be_a_dict_of_channel_and_consumer(routing):
    assert match(routing, "websocket.connect") == (ws_connect, {})


def test_resolve_routing_gives_the_list_that_each_form_means():
    (made,) = Router.resolve_routing("tests.routing.lists.as_dict")
    assert (made.channels, made.consumer) == (["websocket.connect"], ws_connect)
    routes = [made]
    assert Router.resolve_routing(routes) is routes


@pytest.mark.parametrize("consumer", [Chat, "tests.routing.consumers.Chat"])
def test_route_class_asks_the_class_for_its_channels(consumer):
    router = Router([route_class(consumer, path="^/(?P<room>[a-z]+)$")])
    assert router.channels == {"websocket.connect", "websocket.receive"}
    found = router.match(make_message("websocket.receive", path="/lobby"))
    assert found == (Chat, {"room": "lobby"})


def test_an_include_may_hold_class_based_consumers_behind_its_prefix():
    routing = [include([route_class(Chat, path="^/b$")], path="^/a")]
    assert match(routing, "websocket.connect", path="/a/b") == (Chat, {})


def test_routes_and_includes_can_be_asked_on_their_own():
    one = route("x", other, path="^/b$")
    around = include([one, route("y", ws_connect)], path="^/a")
    assert one.match(make_message("x", path="/b")) == (other, {})
    assert one.match(make_message("y", path="/b")) is None
    assert one.channel_names() == {"x"}
    assert around.match(make_message("x", path="/a/b")) == (other, {})
    assert around.channel_names() == {"x", "y"}


class OnlyEven:
    """A routable of somebody else's, as 1.x allowed: all it has is match and channel_names."""

    def channel_names(self):
        return {"numbers"}

    def match(self, message):
        return (other, {"seen": message["path"]}) if len(message["path"]) % 2 == 0 else None


def test_anything_with_a_match_of_its_own_is_routed_to_and_sees_what_the_prefix_left():
    routing = [include([OnlyEven()], path="^/(?P<one>a)")]
    assert match(routing, "numbers", path="/abc") == (other, {"one": "a", "seen": "bc"})
    assert match(routing, "numbers", path="/abcd") is None
    assert match(routing, "numbers", path="/bcde") is None
    assert Router(routing).channels == {"numbers"}


def test_a_route_subclass_with_a_match_of_its_own_is_asked():
    class Never(route):
        def match(self, message):
            return None

    assert match([Never("x", other)], "x") is None


def test_a_route_that_is_added_comes_after_the_others_and_before_the_defaults():
    mine = [route("websocket.receive", other, path="^/a$")]
    router = Router(mine)
    router.check_default(http_consumer=other)
    router.add_route(route("websocket.receive", ws_receive))
    router.add_route(route("new", other))
    assert router.match(make_message("websocket.receive", path="/a"))[0] is other
    assert router.match(make_message("websocket.receive", path="/b"))[0] is ws_receive
    assert router.match(make_message("new")) == (other, {})
    assert "new" in router.channels
    assert len(mine) == 1


def test_a_mistake_deep_inside_names_the_innermost_routing():
    with pytest.raises(InvalidRoute, match=r"include\(\[7\], path='\^/a'\), entry 1: 7 is not"):
        Router([include([include([7], path="^/a")])])


def test_a_route_that_is_never_reached_costs_no_lookup():
    routes = [route("x", other, path="^/a"), route("x", other), route("x", ws_connect, path="^/b")]
    (row,) = Table(pair for one in routes for pair in one.candidates()).rows.values()
    assert [candidate.route for candidate in row] == routes[:2]


def test_socket_whose_frames_a_route_takes_is_accepted_beside_an_application():
    router = Router([route("websocket.receive", ws_receive, path=r"^/echo/(?P<room>\w+)$")])
    router.check_default(other, with_sockets=False)
    accepted = router.match(make_message("websocket.connect", path="/echo/blue"))
    assert accepted == (connect_consumer, {"room": "blue"})
    assert router.match(make_message("websocket.connect", path="/else")) is None


def test_route_of_the_project_for_the_connect_comes_first_beside_an_application():
    routes = [
        route("websocket.connect", ws_connect, path="^/echo"),
        route("websocket.receive", ws_receive, path="^/echo"),
    ]
    router = Router(routes)
    router.check_default(other, with_sockets=False)
    assert router.match(make_message("websocket.connect", path="/echo")) == (ws_connect, {})
