"""What the RabbitMQ layer says and does when the broker or its settings are wrong."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from channels.exceptions import LayerRefused, LayerUnavailable
from channels.layers.operations import DeadLetter, Done
from channels.layers.rabbitmq import RabbitmqChannelLayer, housekeeping
from tests.processes import free_port, wait_until
from tests.processes.rabbitmq_server import RabbitmqServer


@pytest.fixture
def layer(rabbitmq: RabbitmqServer) -> Iterator[RabbitmqChannelLayer]:
    layer = RabbitmqChannelLayer(
        url=rabbitmq.url, prefix="trouble.", drawers=2, acknowledged={"work": {"max_deliveries": 2}}
    )
    yield layer
    layer.flush()
    layer.close()


async def cut(session: Any) -> None:
    """What breaks a layer's connection."""
    await session.connection.close()


def told_by(url: str) -> str:
    layer = RabbitmqChannelLayer(url=url)
    with pytest.raises(LayerUnavailable) as told:
        layer.send("work", {})
    layer.close()
    assert not told.value.was_sent
    return str(told.value)


def test_a_broker_that_is_not_there_is_named() -> None:
    port = free_port()
    told = told_by(f"amqp://site:secret@127.0.0.1:{port}/")
    assert f"RabbitMQ at amqp://127.0.0.1:{port}/ can't be used" in told
    assert "secret" not in told


def test_a_wrong_password_says_so_and_is_an_error_of_the_settings(
    rabbitmq: RabbitmqServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"amqp://guest:wrong@127.0.0.1:{rabbitmq.port}/"
    layer = RabbitmqChannelLayer(url=url)
    for _ in range(2):
        with pytest.raises(LayerRefused):
            layer.check_neighbours()
    layer.close()
    (line,) = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert "waiting does not mend that" in line
    told = told_by(f"amqp://guest:wrong@127.0.0.1:{rabbitmq.port}/")
    assert "it refuses the user or the password in `url`" in told


def test_a_wrong_virtual_host_says_so(rabbitmq: RabbitmqServer) -> None:
    told = told_by(f"amqp://guest:guest@127.0.0.1:{rabbitmq.port}/nowhere")
    assert "the path of `url` names the virtual host" in told


def test_a_broker_that_takes_nothing_says_so_at_once_and_what_waited_goes_out_afterwards(
    rabbitmq: RabbitmqServer,
) -> None:
    layer = RabbitmqChannelLayer(url=rabbitmq.url, prefix="alarm.")
    told: list[str] = []

    def send() -> None:
        try:
            layer.send("work", {"n": 1})
        except LayerUnavailable as error:
            told.append(str(error))

    def is_told() -> bool:
        threading.Thread(target=send, daemon=True).start()  # the first one waits
        return bool(told)

    layer.send("work", {"n": 0})
    rabbitmq.control("set_vm_memory_high_watermark", "absolute", "1")
    try:
        wait_until(is_told, limit_s=20, what="a refusal")
    finally:
        rabbitmq.control("set_vm_memory_high_watermark", "0.6")
    assert "its memory or disk alarm is on" in told[0]
    reader = layer.open_reader(["work"])
    delivered = [reader.take(block_s=10)[1] for _ in range(2)]
    reader.close()
    layer.flush()
    layer.close()
    assert [one.content["n"] for one in delivered if one is not None] == [0, 1]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"url": "redis://site:secret@localhost"}, "url must be an amqp:// or amqps:// URL"),
        ({"url": "amqp://site:top#secret@localhost/"}, "%23 for #"),
        ({"url": "amqp://site:ab@secret@localhost/"}, "%40 for @"),
        ({"url": "amqp://site:secret/x@localhost:y/"}, "%2F for /"),
        ({"drawers": 0}, "drawers must be a number from 1 to 1000, got 0"),
    ],
)
def test_settings_that_can_not_be_are_refused(config: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told) as refused:
        RabbitmqChannelLayer(**config)
    assert "secret" not in str(refused.value)


def test_a_queue_keeps_its_capacity_until_it_is_deleted(
    rabbitmq: RabbitmqServer, layer: RabbitmqChannelLayer, caplog: pytest.LogCaptureFixture
) -> None:
    layer.send("limited", {"n": 1})
    other = RabbitmqChannelLayer(url=rabbitmq.url, prefix="trouble.", drawers=2, capacity=1)
    other.send("limited", {"n": 2})
    assert "the queue of limited has other limits than CHANNEL_LAYERS says" in caplog.text
    assert other.receive(["limited"]) == ("limited", {"n": 1})
    other.close()


def test_an_acknowledged_message_of_a_lost_worker_comes_again_and_is_given_up_at_last(
    rabbitmq: RabbitmqServer, layer: RabbitmqChannelLayer
) -> None:
    layer.send("work", {"n": 1})
    for _ in range(2):
        worker = RabbitmqChannelLayer(
            url=rabbitmq.url, prefix="trouble.", drawers=2, acknowledged={"work": {}}
        )
        assert worker.open_reader(["work"]).take(block_s=20)[1] is not None
        worker.close()
    assert layer.open_reader(["work"]).take(block_s=2) == ([], None)
    assert layer.dead_letters("work")[0]["reason"] == "its workers died 2 times"


def test_a_process_that_ends_with_a_drawer_in_its_hands_leaves_it_as_it_was(
    rabbitmq: RabbitmqServer, layer: RabbitmqChannelLayer
) -> None:
    layer.group_add("group", "plain")
    other = RabbitmqChannelLayer(url=rabbitmq.url, prefix="trouble.", drawers=2)

    async def take_it(session: Any) -> None:
        drawers = other.engine.drawers
        await drawers._take(session, drawers.of_group("group"))

    other.run(take_it)
    other.close()
    assert layer.group_channels("group") == ["plain"]


def test_what_a_connection_had_is_there_again_over_the_next_one(
    layer: RabbitmqChannelLayer,
) -> None:
    layer.send("work-2", {"n": 1})

    layer.run(cut)
    wait_until(lambda: layer.receive(["work-2"])[0] == "work-2", what="it is received")


def test_a_worker_is_told_when_its_way_to_the_broker_is_back(layer: RabbitmqChannelLayer) -> None:
    """What an interface server and the worker have told one another may be lost."""

    async def scenario() -> None:
        is_back, taken = asyncio.Event(), asyncio.Queue[int]()
        link = layer.open_worker_link("one", lambda message, *_: taken.put_nowait(message["n"]))
        link.call_when_back(is_back.set)
        await link.start()
        await layer.asend("worker.one!host", {"n": 1})
        assert await taken.get() == 1
        assert not is_back.is_set()
        await layer.arun(cut)
        await is_back.wait()
        await layer.asend("worker.one!host", {"n": 2})
        assert await taken.get() == 2
        await link.stop()

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_status_shows_what_workers_have_in_their_hands(layer: RabbitmqChannelLayer) -> None:
    for n in range(3):
        layer.send("work", {"n": n})
    reader = layer.open_reader(["work"])
    _, first = reader.take()
    _, second = reader.take()
    assert first is not None and second is not None
    layer.apply([Done(first)])
    layer.keep_house("worker-1", {"channels": ["work"]}, ["work"])
    (work,) = [each for each in layer.status()["channels"] if each["name"] == "work"]
    assert (work["owned"], work["messages_pending"]) == (1, 1)


def test_what_is_encrypted_is_read_by_those_with_the_key(rabbitmq: RabbitmqServer) -> None:
    config = {"url": rabbitmq.url, "prefix": "secret.", "drawers": 2}
    layer = RabbitmqChannelLayer(**config, symmetric_encryption_keys=["key"])
    stranger = RabbitmqChannelLayer(**config, symmetric_encryption_keys=["another"])
    socket = "websocket.send.here!one"
    layer.send(socket, {"text": "for one"})
    assert layer.receive([socket.removesuffix("one")]) == (socket, {"text": "for one"})
    layer.group_add("everybody", socket)
    layer.send_group("everybody", {"text": "for all"})
    assert layer.receive([socket.removesuffix("one")]) == (socket, {"text": "for all"})
    layer.apply([layer.prepare_session(socket, {"name": "ann"})])
    assert layer.load_session(socket) == {"name": "ann"}
    layer.send("plain", {"n": 1})
    assert stranger.receive(["plain"]) == (None, None)
    assert stranger.channel_statistics("plain")["undecodable_count"] == 1
    layer.send("plain", {"n": 2})
    _, delivery = layer.open_reader(["plain"]).take()
    assert delivery is not None
    layer.apply([DeadLetter(delivery, "no good")])
    assert layer.dead_letters("plain")[0]["content"] == {"n": 2}
    layer.flush()
    layer.close()
    stranger.close()


def test_a_worker_whose_round_takes_long_shows_that_it_lives(
    layer: RabbitmqChannelLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "SIGN_EVERY_S", 0.05)
    house, rounds = layer.housekeeping, []

    async def go_round_until_two_signs_came(session: Any, due: housekeeping.Round) -> None:
        for _ in range(2):
            age_s, before_s = 0.0, -1.0
            while age_s > before_s:
                await asyncio.sleep(0.01)
                before_s, age_s = age_s, (await house.ages_s(session, "workers"))["worker"]
        rounds.append(due)

    async def go_round(session: Any, due: housekeeping.Round) -> None:
        await asyncio.wait_for(go_round_until_two_signs_came(session, due), 5.0)

    monkeypatch.setattr(house, "_go_round", go_round)
    layer.keep_house("worker", {}, set())
    assert len(rounds) == 1
