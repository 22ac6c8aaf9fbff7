"""apply_routes, outside of test cases."""

import pytest

from channels import Channel
from channels.asgi import channel_layers
from channels.routing import InvalidRoute, include, route
from channels.test import Client, apply_routes


def one(message):
    return 1


def two(message):
    return 2


ROUTING = [route("x", two)]


def answer(alias="default"):
    return Client(alias).send_and_consume("x")


@pytest.mark.parametrize(
    "routes",
    [
        route("x", one),
        [route("x", one)],
        (route("x", one), route("x", two)),
        [[route("x", one)], [route("y", two)]],
        {"x": one},
    ],
)
def test_routes_come_in_many_forms(layer, routes):
    with apply_routes(routes):
        assert answer() == 1


def test_routes_may_be_named(layer):
    with apply_routes(f"{__name__}.ROUTING"):
        assert answer() == 2
    with apply_routes([include(f"{__name__}.ROUTING")]):
        assert answer() == 2


def test_blocks_nest(layer):
    routes = apply_routes(route("x", one))
    with routes:
        with apply_routes(route("x", two)), routes:
            assert answer() == 1
        assert answer() == 1
    assert channel_layers["default"] is layer


def test_a_function_may_be_decorated(layer):
    @apply_routes([route("x", one)])
    def function(*args, **kwargs):
        """Its name and text stay."""
        return answer(), args, kwargs

    assert function(1, a=2) == (1, (1,), {"a": 2})
    assert function.__doc__ == "Its name and text stay."


def test_each_alias_gets_the_routes_and_keeps_its_layer(layer):
    other = type(layer)()
    channel_layers.set("other", other)
    try:
        with apply_routes(route("x", one), aliases=["default", "other"]):
            Channel("y", alias="other").send({"n": 1})
            assert (answer(), answer("other")) == (1, 1)
        assert other.receive(["y"]) == ("y", {"n": 1})
        assert channel_layers["other"] is other
    finally:
        channel_layers.set("other", None)


def test_a_wrong_routing_is_found_at_once(layer):
    with pytest.raises(InvalidRoute, match="no.such.module"), apply_routes("no.such.module"):
        raise AssertionError("never reached")
    assert channel_layers["default"] is layer
