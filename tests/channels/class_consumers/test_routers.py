"""Which application a connection leads to."""

import inspect

import pytest
from asgiref.compatibility import is_double_callable
from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.urls import include, path, re_path
from django.urls.exceptions import Resolver404

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.middleware import BaseMiddleware
from channels.routing import (
    ChannelNameRouter,
    ProtocolTypeRouter,
    URLRouter,
    get_default_application,
)
from tests.channels.class_consumers.conversations import conversation, run


def answering(name):
    """An application that returns its name and its scope."""

    async def application(scope, receive, send):
        return name, scope

    return application


async def _no_receive():
    raise AssertionError("nothing was to be received")


def call(application, **scope):
    return run(application(scope, _no_receive, None))


def test_the_protocol_leads_to_its_application():
    router = ProtocolTypeRouter({"websocket": answering("ws"), "http": answering("http")})
    assert call(router, type="http")[0] == "http"
    assert call(router, type="websocket")[0] == "ws"
    with pytest.raises(ValueError, match="No application configured for scope type 'telegram'"):
        call(router, type="telegram")


@override_settings(ALLOWED_HOSTS=["testserver"])
def test_without_an_http_application_djangos_own_answers():
    router = ProtocolTypeRouter({"websocket": answering("ws")})

    async def main():
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/nowhere/",
            "query_string": b"",
            "http_version": "1.1",
            "headers": [(b"host", b"testserver")],
        }
        async with conversation(router, scope) as talk:
            await talk.say("http.request", body=b"")
            assert (await talk.hears())["status"] == 404

    run(main())


def test_the_channel_leads_to_its_application():
    router = ChannelNameRouter({"thumbnails": answering("thumbnails")})
    assert call(router, type="channel", channel="thumbnails")[0] == "thumbnails"
    with pytest.raises(ValueError, match="channel name 'mails'"):
        call(router, type="channel", channel="mails")
    with pytest.raises(ValueError, match="without a 'channel' key"):
        call(router, type="websocket")


def test_the_path_leads_to_its_application_and_what_it_holds_is_in_the_scope():
    router = URLRouter(
        [
            path("room/<int:number>/", answering("room"), {"colour": "red"}),
            re_path(r"^raw/(\w+)/$", answering("raw")),
        ]
    )
    name, scope = call(router, type="websocket", path="/room/7/")
    assert (name, scope["url_route"]) == (
        "room",
        {"args": (), "kwargs": {"number": 7, "colour": "red"}},
    )
    assert scope["path_remaining"] == ""
    assert call(router, type="websocket", path="/raw/x/")[1]["url_route"]["args"] == ("x",)


def test_routers_in_routers_look_at_what_is_left():
    inner = URLRouter([path("<str:name>/", answering("inner"))])
    router = URLRouter(
        [path("<int:site>/", BaseMiddlewareOverPaths(inner)), path("", answering("outer"))]
    )
    name, scope = call(router, type="websocket", path="/3/lobby/")
    assert name == "inner"
    assert scope["url_route"]["kwargs"] == {"site": 3, "name": "lobby"}


class BaseMiddlewareOverPaths(BaseMiddleware):
    _path_routing = True


def test_a_router_that_has_nothing_for_the_rest_leaves_it_to_the_next_route():
    inner = URLRouter([path("known/", answering("inner"))])
    router = URLRouter([path("a/", inner), re_path(r"^a/.*$", answering("fallback"))])
    assert call(router, type="websocket", path="/a/known/")[0] == "inner"
    assert call(router, type="websocket", path="/a/unknown/")[0] == "fallback"
    with pytest.raises(Resolver404):
        call(inner, type="websocket", path="/a/x/", path_remaining="x/")


@pytest.mark.parametrize("path_of_client", ["/", "/room", "/room/7/more/"])
def test_a_path_without_a_route_is_a_value_error_that_names_it(path_of_client):
    router = URLRouter([path("room/<int:number>/", answering("room"))])
    with pytest.raises(ValueError, match=f"No route found for path '{path_of_client[1:]}'"):
        call(router, type="websocket", path=path_of_client)


def test_what_is_not_below_the_root_path_has_no_route():
    router = URLRouter([path("room/", answering("room"))])
    assert call(router, type="websocket", path="/site/room/", root_path="/site")[0] == "room"
    with pytest.raises(ValueError, match="root_path"):
        call(router, type="websocket", path="/room/", root_path="/site")
    with pytest.raises(ValueError, match="No 'path' key"):
        call(router, type="channel")


def test_include_is_refused_with_what_to_write_instead():
    with pytest.raises(ImproperlyConfigured, match="nested URLRouter"):
        URLRouter([path("chat/", include([]))])


class Accepting(AsyncWebsocketConsumer):
    pass


class OldMiddleware:
    """As the documentation of Channels 2 had it."""

    def __init__(self, inner):
        self.inner = inner

    def __call__(self, scope):
        return self.inner(dict(scope, seen=True))


class OldMiddlewareWithInstance:
    def __init__(self, inner):
        self.inner = inner

    def __call__(self, scope):
        return OldInstance(dict(scope), self.inner)


class OldInstance:
    def __init__(self, scope, inner):
        self.scope, self.inner = scope, inner

    async def __call__(self, receive, send):
        inner = self.inner(self.scope)
        return await inner(receive, send)


@pytest.mark.parametrize(
    "application",
    [
        Accepting,
        URLRouter([path("", Accepting)]),
        OldMiddleware(URLRouter([path("", Accepting)])),
        BaseMiddleware(OldMiddleware(OldMiddlewareWithInstance(URLRouter([path("", Accepting)])))),
        ProtocolTypeRouter({"websocket": OldMiddleware(BaseMiddleware(Accepting))}),
        ChannelNameRouter({"tasks": Accepting}),
    ],
)
def test_classes_and_middleware_of_channels_2_are_called_twice(application):
    called_once = ProtocolTypeRouter({"websocket": application})

    async def main():
        scope = {"channel": "tasks"}
        async with conversation(called_once, scope) as talk:
            await talk.say("websocket.connect")
            assert (await talk.hears())["type"] == "websocket.accept"

    run(main())


def test_asgi_application_names_the_application():
    with override_settings(ASGI_APPLICATION=f"{__name__}.Accepting"):
        assert get_default_application() is Accepting


@pytest.mark.parametrize("named", [None, "", "plain", "no.such.module", f"{__name__}.Nothing"])
def test_an_application_that_can_not_be_found_is_told(named):
    with (
        override_settings(ASGI_APPLICATION=named),
        pytest.raises(ImproperlyConfigured, match="ASGI_APPLICATION"),
    ):
        get_default_application()


@pytest.mark.parametrize(
    "application",
    [ProtocolTypeRouter({}), URLRouter([]), ChannelNameRouter({}), BaseMiddleware(Accepting)],
)
def test_host_servers_see_a_coroutine_function_that_takes_names(application):
    assert inspect.iscoroutinefunction(application.__call__)
    assert iscoroutinefunction(application.__call__)
    assert not is_double_callable(application)
    coroutine = application(scope={"type": "x"}, receive=None, send=None)
    assert inspect.iscoroutine(coroutine)
    coroutine.close()


def test_a_class_consumer_of_1_x_is_told_where_it_belongs():
    from channels.generic.websockets import WebsocketConsumer

    with pytest.raises(ImproperlyConfigured, match="route_class"):
        URLRouter([path("", WebsocketConsumer)])


def test_a_class_consumer_of_channels_4_is_told_where_it_belongs():
    from channels.routing import InvalidRoute, Router, route_class

    with pytest.raises(InvalidRoute, match="as_asgi"):
        Router([route_class(Accepting)])
