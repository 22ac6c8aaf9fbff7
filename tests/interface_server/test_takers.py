"""An operator is told when nobody takes what comes in."""

import asyncio

import pytest

from channels.exceptions import LayerUnavailable
from tests.interface_server.fakes import Site, in_loop


def said(caplog, text):
    return [message for message in caplog.messages if text in message]


@in_loop
async def test_after_three_seconds_without_a_worker_it_is_told_once_and_when_it_is_over(caplog):
    site = await Site().start()
    site.link.workers_s = {}
    clients = [site.request() for _ in range(5)]
    await site.link.expect("http.request", 5)

    await asyncio.sleep(2.5)
    assert not said(caplog, "runworker")
    await asyncio.sleep(30)
    assert len(said(caplog, "nobody takes http.request: no worker runs")) == 1

    site.link.workers_s = {"worker": 0.5}
    for message in site.link.messages("http.request"):
        site.link.reply(message, {"status": 200, "content": b""})
    await asyncio.sleep(4)

    assert len(said(caplog, "requests are taken again")) == 1
    for client in clients:
        await client.finish()


@pytest.mark.parametrize("workers_s", [None, {"worker": 3.0}])
@in_loop
async def test_a_slow_page_is_no_reason_to_say_anything(workers_s, caplog):
    site = await Site().start()
    site.link.workers_s = workers_s
    client = site.request()
    message = await site.link.expect("http.request")

    await asyncio.sleep(60)
    site.link.reply(message, {"status": 200, "content": b""})
    await client.finish()

    assert not caplog.messages


@in_loop
async def test_a_layer_that_can_not_be_asked_is_not_taken_for_one_without_workers(caplog):
    async def fail():
        raise LayerUnavailable("away", was_sent=False)

    site = await Site().start()
    site.link.worker_ages_s = fail
    site.request()
    await site.link.expect("http.request")

    await asyncio.sleep(10)

    assert not said(caplog, "runworker")
