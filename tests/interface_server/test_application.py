"""The application's life: lazy, once per event loop, and with or without ASGI's lifespan."""

import asyncio

import pytest

from channels.asgi import ChannelLayerWrapper
from channels.exceptions import PrefixTaken
from interface_server.application import InterfaceServer
from tests.interface_server.fakes import Client, FakeLayer, Site, VirtualTimeLoop, in_loop

OK = {"status": 200, "content": b"ok"}


def lifespan(application):
    return Client(application, {"type": "lifespan", "asgi": {"version": "3.0"}})


def test_making_one_touches_neither_the_layer_nor_an_event_loop():
    InterfaceServer(layer=None)


@in_loop
async def test_the_first_request_starts_the_link_and_the_next_ones_use_it():
    site = Site()
    assert site.layer.links == []
    clients = [site.request() for _ in range(3)]
    await asyncio.sleep(0.1)
    await site.link.expect("http.request", 3)
    for message in site.link.messages("http.request"):
        site.link.reply(message, OK)
    for client in clients:
        await client.finish()
    assert [link.starts for link in site.layer.links] == [1]


@in_loop
async def test_the_first_requests_wait_a_moment_for_the_layer_to_be_reached():
    site = Site()
    site.layer.is_available = False
    client = site.request()
    await asyncio.sleep(0.3)
    assert client.sent == []
    site.link.is_available = True
    site.link.reply(await site.link.expect("http.request"), OK)
    await client.finish()
    assert client.status == 200


@in_loop
async def test_a_layer_that_is_away_gives_503_within_a_second_from_the_first_request_on():
    site = Site()
    loop = asyncio.get_running_loop()
    site.layer.is_available = False
    start = loop.time()
    first = site.request()
    await first.finish()
    assert first.status == 503
    assert loop.time() - start < 1
    start = loop.time()
    second = site.request()
    await second.finish()
    assert second.status == 503
    assert loop.time() == start


@in_loop
async def test_lifespan_starts_and_stops_the_link():
    site = Site()
    host = lifespan(site.server)
    host.put({"type": "lifespan.startup"})
    assert await host.expect() == {"type": "lifespan.startup.complete"}
    assert site.link.starts == 1
    host.put({"type": "lifespan.shutdown"})
    await host.finish()
    assert host.sent[1] == {"type": "lifespan.shutdown.complete"}
    assert site.link.stops == 1


@in_loop
async def test_lifespan_fails_where_the_layer_is_another_projects():
    site = Site()
    site.layer.refusal = PrefixTaken("asgi:", "worker w1", "is of another project")
    host = lifespan(site.server)
    host.put({"type": "lifespan.startup"})
    failed = await host.expect()
    assert failed["type"] == "lifespan.startup.failed"
    assert "by worker w1: it is of another project" in failed["message"]
    await host.finish()
    assert site.link.stops == 1


@in_loop
async def test_a_second_lifespan_on_the_same_loop_starts_anew():
    site = Site()
    for _ in range(2):
        host = lifespan(site.server)
        host.put({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
        await host.finish()
    assert [(link.starts, link.stops) for link in site.layer.links] == [(1, 1), (1, 1)]


@in_loop
async def test_stopping_closes_sockets_with_1001_and_sends_their_disconnects_first():
    site = await Site().start()
    opened, _ = await site.open_socket()
    connecting = site.socket()
    await site.link.expect("websocket.connect", 2)
    site.link.close_gate = asyncio.Event()
    stopping = asyncio.ensure_future(site.server.stop())
    assert await opened.expect(2) == {"type": "websocket.close", "code": 1001}
    await asyncio.sleep(1)
    assert site.link.stops == 0
    site.link.close_gate.set()
    await stopping
    assert sorted(m["code"] for m in site.link.messages("websocket.disconnect")) == [1001, 1006]
    assert site.link.stops == 1
    assert connecting.status == 503


@in_loop
async def test_stopping_lets_running_requests_finish_and_turns_new_ones_away():
    site = await Site(grace_s=10).start()
    running = site.request()
    message = await site.link.expect("http.request")
    stopping = asyncio.ensure_future(site.server.stop())
    await asyncio.sleep(5)
    late, late_socket = site.request(), site.socket()
    await late.finish()
    await late_socket.finish()
    assert (late.status, late_socket.status) == (503, 503)
    assert site.link.stops == 0
    site.link.reply(message, OK)
    await running.finish()
    await stopping
    assert running.status == 200
    assert len(site.link.messages("http.request")) == 1


@in_loop
async def test_stopping_waits_no_longer_than_its_grace_and_answers_with_503_then(caplog):
    site = await Site(grace_s=10).start()
    unanswered = site.request()
    await site.link.expect("http.request")
    start = asyncio.get_running_loop().time()
    await site.server.stop()
    assert 10 <= asyncio.get_running_loop().time() - start < 11
    assert site.link.stops == 1
    assert "1 requests" in caplog.text
    assert unanswered.status == 503
    assert site.link.messages("http.disconnect")


@in_loop
async def test_stopping_what_never_started_does_nothing():
    await Site().server.stop()


def test_each_event_loop_gets_a_link_of_its_own_and_closed_loops_are_forgotten():
    site = Site()

    async def serve():
        client = site.request()
        await asyncio.sleep(0.1)
        site.link.reply(await site.link.expect("http.request"), OK)
        await client.finish()

    for _ in range(3):
        loop = VirtualTimeLoop()
        loop.run_until_complete(serve())
        loop.close()
    assert len(site.layer.links) == 3
    assert len({link.server_id for link in site.layer.links}) == 3
    assert len(site.server._processes) == 1


@in_loop
async def test_a_scope_that_is_neither_http_nor_websocket_is_an_error_that_names_it():
    site = await Site().start()
    with pytest.raises(ValueError, match="'smtp'"):
        await site.server({"type": "smtp"}, None, None)


@in_loop
async def test_the_object_of_an_asgi_py_serves_as_an_asgi_application():
    layer = FakeLayer()
    wrapper = ChannelLayerWrapper(layer, "default", "project.routing.channel_routing")
    host = lifespan(wrapper)
    host.put({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    await host.finish()
    assert layer.links[0].stops == 1
