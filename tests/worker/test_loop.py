"""What a worker does with a message, over the in-memory layer."""

import asyncio
import threading
import time

import pytest

from channels import Channel
from channels.exceptions import (
    ChannelFull,
    ConsumeLater,
    DenyConnection,
    WebsocketCloseException,
)
from channels.layers.memory import MemoryChannelLayer
from channels.message import pending_message_store
from channels.routing import route
from channels.signals import consumer_failed, consumer_finished, consumer_started
from channels.worker import Worker, WorkerGroup
from tests.processes import wait_until
from worker import flush, loop


def receive(layer, channel, limit_s=5.0):
    """The next message on `channel`, which must come within the limit."""
    found = []

    def look():
        name, message = layer.receive([channel])
        if name is not None:
            found.append(message)
        return found

    wait_until(look, limit_s=limit_s, what=f"a message on {channel}")
    return found[0]


def test_a_message_reaches_its_consumer_with_the_arguments_of_its_route(run_worker):
    def greet(message, name):
        message.reply_channel.send({"text": f"hello {name}"})

    layer = run_worker([route("greet", greet, path=r"^/(?P<name>\w+)$")])
    layer.send("greet", {"path": "/ada", "reply_channel": "answer"})
    assert receive(layer, "answer") == {"text": "hello ada"}


def test_what_a_consumer_sends_goes_out_when_it_ends_and_in_order(run_worker):
    seen = []

    def consume(message):
        Channel("out", channel_layer=message.channel_layer).send({"n": 1})
        message.reply_channel.send({"n": 2})
        seen.append(message.channel_layer.receive(["out"]))
        Channel("out", channel_layer=message.channel_layer).send({"n": 3})

    layer = run_worker([route("in", consume)])
    layer.send("in", {"reply_channel": "out"})
    assert [receive(layer, "out")["n"] for _ in range(3)] == [1, 2, 3]
    assert seen == [(None, None)]


def test_what_is_sent_immediately_goes_out_at_once(run_worker):
    go_on = threading.Event()

    def consume(message):
        message.reply_channel.send({"early": True}, immediately=True)
        go_on.wait(5)

    layer = run_worker([route("in", consume)])
    layer.send("in", {"reply_channel": "out"})
    assert receive(layer, "out") == {"early": True}
    go_on.set()


def test_a_message_changed_after_it_was_sent_arrives_as_it_was_sent(run_worker):
    def consume(message):
        content = {"list": [1]}
        message.reply_channel.send(content)
        content["list"].append(2)

    layer = run_worker([route("in", consume)])
    layer.send("in", {"reply_channel": "out"})
    assert receive(layer, "out") == {"list": [1]}


def test_an_async_consumer_runs_and_its_sends_wait_for_its_end(run_worker):
    async def consume(message):
        message.reply_channel.send({"n": 1})
        await asyncio.sleep(0)
        message.reply_channel.send({"n": 2})

    layer = run_worker([route("in", consume)])
    layer.send("in", {"reply_channel": "out"})
    assert [receive(layer, "out")["n"] for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_whatever_a_consumer_raises_is_reported_and_the_worker_goes_on(run_worker, error, caplog):
    def consume(message):
        if "fail" in message:
            raise error
        message.reply_channel.send({"ok": True})

    reports = []

    def note(**kwargs):
        reports.append(kwargs)

    consumer_failed.connect(note)
    try:
        layer = run_worker([route("in", consume)])
        layer.send("in", {"fail": 1, "reply_channel": "websocket.send.s!c", "order": 7})
        layer.send("in", {"reply_channel": "out"})
        assert receive(layer, "out") == {"ok": True}
    finally:
        consumer_failed.disconnect(note)
    assert [report["error"] for report in reports] == [error]
    assert reports[0]["worker_id"] == layer.worker.id
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    for part in ("on a message from in", "websocket.send.s!c", "order 7", "test_loop"):
        assert part in record.getMessage()


def test_what_a_consumer_sent_before_it_failed_goes_out(run_worker):
    def consume(message):
        message.reply_channel.send({"before": True})
        raise ValueError

    layer = run_worker([route("in", consume)])
    layer.send("in", {"reply_channel": "out"})
    assert receive(layer, "out") == {"before": True}


def test_a_request_whose_consumer_fails_is_answered_with_500(run_worker):
    def consume(message):
        raise ValueError

    layer = run_worker([route("http.request", consume)])
    layer.send("http.request", {"reply_channel": "out", "path": "/"})
    assert receive(layer, "out")["status"] == 500


def test_a_socket_whose_connect_consumer_fails_is_refused_unless_it_was_answered(run_worker):
    def consume(message):
        if message["path"] == "/answered":
            message.reply_channel.send({"accept": True})
        raise ValueError

    layer = run_worker([route("websocket.connect", consume)])
    layer.send("websocket.connect", {"reply_channel": "silent", "path": "/"})
    assert receive(layer, "silent") == {"close": True}
    layer.send("websocket.connect", {"reply_channel": "answered", "path": "/answered"})
    assert receive(layer, "answered") == {"accept": True}
    assert layer.receive(["answered"]) == (None, None)


HEAD = {"status": 200, "content": b"some", "more_content": True}
CUT_OFF = {"content": b"", "more_content": False, "closed": True}


def answers_of(run_worker, channel, consume):
    """What the client of a message on `channel` is sent, until its `consume` has failed."""
    failed = threading.Event()

    def note(**kwargs):
        failed.set()

    consumer_failed.connect(note)
    try:
        layer = run_worker([route(channel, consume), route("next", answer_next)])
        layer.send(channel, {"reply_channel": "out", "path": "/"})
        assert failed.wait(5)
    finally:
        consumer_failed.disconnect(note)
    layer.send("next", {"reply_channel": "done"})
    receive(layer, "done")  # so what the failed one left has gone out
    answers = []
    while (answer := layer.receive(["out"])[1]) is not None:
        answers.append(answer)
    return answers


def answer_next(message):
    message.reply_channel.send({})


@pytest.mark.parametrize("immediately", [True, False])
def test_a_response_that_was_begun_is_cut_off_if_its_consumer_fails(run_worker, immediately):
    def consume(message):
        message.reply_channel.send(HEAD, immediately=immediately)
        raise ValueError

    assert answers_of(run_worker, "http.request", consume) == [HEAD, CUT_OFF]


def test_a_response_that_an_async_consumer_began_is_cut_off_if_it_fails(run_worker):
    async def consume(message):
        await message.reply_channel.asend(HEAD, immediately=True)
        raise ValueError

    assert answers_of(run_worker, "http.request", consume) == [HEAD, CUT_OFF]


@pytest.mark.parametrize("end", [{"content": b"", "more_content": False}, {}, CUT_OFF])
def test_a_response_that_was_ended_gets_no_second_end_if_its_consumer_fails(run_worker, end):
    def consume(message):
        message.reply_channel.send(HEAD, immediately=True)
        message.reply_channel.send(end, immediately=True)
        raise ValueError

    assert answers_of(run_worker, "http.request", consume) == [HEAD, end]


def test_a_response_whose_first_part_was_refused_is_500_if_its_consumer_fails(
    run_worker, monkeypatch
):
    def consume(message):
        with monkeypatch.context() as patch:
            full = ChannelFull("out", 1, 1)
            patch.setattr(MemoryChannelLayer, "apply", lambda self, operations: [full])
            message.reply_channel.send(HEAD, immediately=True)

    (answer,) = answers_of(run_worker, "http.request", consume)
    assert answer["status"] == 500
    assert answer["closed"]  # it breaks off what was begun, if something was


@pytest.mark.parametrize("answer", [{"accept": True}, {"text": "hello"}, {"accept": False}])
def test_a_socket_that_was_answered_at_once_is_left_alone_if_its_connect_consumer_fails(
    run_worker, answer
):
    def consume(message):
        message.reply_channel.send(answer, immediately=True)
        raise ValueError

    assert answers_of(run_worker, "websocket.connect", consume) == [answer]


def test_what_one_consumer_sent_says_nothing_about_the_next(run_worker):
    def consume(message):
        if message["path"] == "/first":
            message.reply_channel.send({"accept": True}, immediately=True)
        raise ValueError

    layer = run_worker([route("websocket.connect", consume)])
    layer.send("websocket.connect", {"reply_channel": "out", "path": "/first"})
    layer.send("websocket.connect", {"reply_channel": "out", "path": "/second"})
    assert receive(layer, "out") == {"accept": True}
    assert receive(layer, "out") == {"close": True}


def test_deny_connection_refuses_a_socket(run_worker):
    def consume(message):
        raise DenyConnection

    layer = run_worker([route(["websocket.connect", "other"], consume)])
    layer.send("websocket.connect", {"reply_channel": "out"})
    assert receive(layer, "out") == {"close": True}


def test_deny_connection_anywhere_else_is_the_authors_mistake(run_worker, caplog):
    def consume(message):
        raise DenyConnection

    layer = run_worker([route("other", consume)])
    layer.send("other", {"reply_channel": "out"})
    wait_until(lambda: "only a consumer of 'websocket.connect' can refuse" in caplog.text)
    assert layer.receive(["out"]) == (None, None)


def test_a_websocket_close_exception_closes_the_socket_with_its_code(run_worker):
    def consume(message):
        raise WebsocketCloseException(4001)

    layer = run_worker([route("websocket.receive", consume)])
    layer.send("websocket.receive", {"reply_channel": "websocket.send.s!1"})
    assert receive(layer, "websocket.send.s!") == {"close": 4001}


@pytest.fixture
def quick_retries(monkeypatch):
    monkeypatch.setattr(loop, "FIRST_RETRY_S", 0.001)
    monkeypatch.setattr(loop, "LONGEST_RETRY_S", 0.004)


def test_consume_later_repeats_the_message_and_throws_away_what_was_sent(run_worker, quick_retries):
    runs = []

    def consume(message):
        runs.append(message.delivery.attempts)
        message.reply_channel.send({"attempt": len(runs)})
        if len(runs) < 3:
            raise ConsumeLater

    layer = run_worker([route("in", consume)])
    layer.send("in", {"reply_channel": "out"})
    assert receive(layer, "out") == {"attempt": 3}
    assert runs == [0, 1, 2]


def test_a_message_that_is_never_ready_is_given_up_with_one_log_line(
    run_worker, quick_retries, caplog
):
    runs = []

    def consume(message):
        runs.append(1)
        raise ConsumeLater

    layer = run_worker([route("in", consume)], message_retries=3)
    layer.send("in", {"n": 1})
    wait_until(lambda: layer.channel_statistics("in")["dead_letter_count"] == 1)
    assert len(runs) == 4
    assert len([r for r in caplog.records if "gave up a message on in" in r.getMessage()]) == 1


def test_retries_wait_longer_each_time_for_half_a_minute_in_all():
    delays = [min(loop.FIRST_RETRY_S * 2**n, loop.LONGEST_RETRY_S) for n in range(10)]
    assert delays == sorted(delays)
    assert 20 < sum(delays) < 40


def test_signals_surround_each_consumer(run_worker):
    story = []

    def consume(message):
        story.append("runs")

    def started(environ, **kwargs):
        story.append("started")

    def finished(**kwargs):
        story.append("finished")

    consumer_started.connect(started)
    consumer_finished.connect(finished)
    try:
        layer = run_worker([route("in", consume)])
        layer.send("in", {})
        wait_until(lambda: len(story) == 3)
    finally:
        consumer_started.disconnect(started)
        consumer_finished.disconnect(finished)
    assert story == ["started", "runs", "finished"]


def test_a_signal_receiver_that_raises_costs_nothing_but_a_log_line(run_worker, caplog):
    def receiver(**kwargs):
        raise ValueError("receiver")

    consumer_finished.connect(receiver)
    try:
        layer = run_worker([route("in", lambda message: message.reply_channel.send({"ok": 1}))])
        layer.send("in", {"reply_channel": "out"})
        assert receive(layer, "out") == {"ok": 1}
    finally:
        consumer_finished.disconnect(receiver)
    assert "receiver" in caplog.text


def test_nothing_is_kept_between_messages(run_worker):
    states = []

    def consume(message):
        states.append(pending_message_store.active)

    layer = run_worker([route("in", consume)])
    layer.send("in", {})
    layer.send("in", {})
    wait_until(lambda: len(states) == 2)
    assert states == [True, True]
    assert not pending_message_store.active


def test_threads_run_consumers_at_the_same_time(run_worker):
    together = threading.Barrier(4, timeout=5)

    def consume(message):
        together.wait()
        message.reply_channel.send({"ok": True})

    layer = run_worker([route("in", consume)], threads=4)
    for _ in range(4):
        layer.send("in", {"reply_channel": "out"})
    assert [receive(layer, "out") for _ in range(4)] == [{"ok": True}] * 4


def test_a_stopped_worker_finishes_what_runs_and_takes_nothing_more(run_worker):
    started, go_on = threading.Event(), threading.Event()

    def consume(message):
        started.set()
        go_on.wait(5)
        message.reply_channel.send({"n": message["n"]})

    layer = run_worker([route("in", consume)])
    layer.send("in", {"n": 1, "reply_channel": "out"})
    started.wait(5)
    layer.send("in", {"n": 2, "reply_channel": "out"})
    layer.worker.stop()
    go_on.set()
    assert receive(layer, "out") == {"n": 1}
    wait_until(lambda: not any(thread.is_alive() for thread in layer.worker.threads))
    assert layer.receive(["in"])[1]["n"] == 2


def test_an_idle_worker_stops_at_once(run_worker):
    layer = run_worker([route("in", print)], threads=3)
    wait_until(lambda: len(layer.worker.threads) == 3)
    before = time.monotonic()
    layer.worker.stop()
    wait_until(lambda: not any(thread.is_alive() for thread in layer.worker.threads))
    assert time.monotonic() - before < 1.0


def test_middleware_surrounds_each_consumer_the_first_one_outermost(run_worker):
    def tag(name):
        def middleware(consumer):
            def run(message, **kwargs):
                message.content["tags"] = message.get("tags", "") + name
                return consumer(message, **kwargs)

            return run

        return middleware

    def consume(message):
        message.reply_channel.send({"tags": message["tags"]})

    layer = run_worker([route("in", consume)], middleware=[tag("a"), tag("b")])
    layer.send("in", {"reply_channel": "out"})
    assert receive(layer, "out") == {"tags": "ab"}


def test_only_and_exclude_choose_the_channels():
    layer = _wrapped([route("a.one", print), route("a.two", print), route("b", print)])
    assert Worker(layer, only_channels=["a.*"]).channels == {"a.one", "a.two"}
    assert Worker(layer, only_channels=["a.*"], exclude_channels=["*.two"]).channels == {"a.one"}
    with pytest.raises(ValueError, match="no channel to listen on"):
        Worker(layer, only_channels=["c"])


def test_a_worker_group_has_a_thread_for_each_cpu_unless_told_otherwise():
    layer = _wrapped([route("in", print)])
    assert WorkerGroup(layer).thread_count >= 1
    assert WorkerGroup(layer, n_threads=3).thread_count == 3


def _wrapped(routing):
    from channels.asgi import ChannelLayerWrapper

    return ChannelLayerWrapper(MemoryChannelLayer(), "default", routing)


# -- full channels --------------------------------------------------------------------------------


def test_a_send_to_a_full_channel_waits_until_there_is_room(run_worker):
    layer = run_worker(
        [route("in", lambda message: Channel("out", channel_layer=layer).send({"n": 2}))],
        layer=MemoryChannelLayer(channel_capacity={"out": 1}),
    )
    layer.send("out", {"n": 1})
    layer.send("in", {})
    wait_until(lambda: layer.channel_statistics("out")["channel_full_count"] > 1)
    assert receive(layer, "out") == {"n": 1}
    assert receive(layer, "out") == {"n": 2}


def test_a_send_to_a_channel_that_stays_full_is_given_up_and_logged(
    run_worker, monkeypatch, caplog
):
    monkeypatch.setattr(flush, "PLAIN_PATIENCE_S", 0.02)
    layer = run_worker(
        [
            route("in", lambda message: Channel("out", channel_layer=layer).send({"n": 2})),
            route("next", lambda message: message.reply_channel.send({"ok": True})),
        ],
        layer=MemoryChannelLayer(channel_capacity={"out": 1}),
    )
    layer.send("out", {"n": 1})
    layer.send("in", {})
    layer.send("next", {"reply_channel": "answer"})
    assert receive(layer, "answer") == {"ok": True}
    assert "was dropped after" in caplog.text
    assert "channel 'out' is full (1 of 1 waiting)" in caplog.text


class FullLayer(MemoryChannelLayer):
    """Its reply queues are full; nobody reads them."""

    looks = 0

    def is_read(self, channel):
        self.looks += 1
        return False


def test_a_reply_to_a_full_queue_that_nobody_reads_is_given_up_at_once(run_worker):
    layer = run_worker(
        [route("in", lambda message: message.reply_channel.send({"n": 2}))],
        layer=FullLayer(channel_capacity={"gone.s!*": 1}),
    )
    layer.send("gone.s!a", {"n": 1})
    before = time.monotonic()
    for _ in range(20):
        layer.send("in", {"reply_channel": "gone.s!a"})
    wait_until(lambda: layer.channel_statistics("gone.s!")["channel_full_count"] >= 20)
    wait_until(lambda: layer.channel_statistics("in")["messages_pending"] == 0)
    assert time.monotonic() - before < 5.0
    assert layer.channel_layer.looks >= 1


def test_one_refused_send_does_not_stop_the_others(run_worker, monkeypatch):
    monkeypatch.setattr(flush, "PLAIN_PATIENCE_S", 0.02)

    def consume(message):
        for name in ("first", "full", "last"):
            Channel(name, channel_layer=message.channel_layer).send({"to": name})

    layer = run_worker(
        [route("in", consume)], layer=MemoryChannelLayer(channel_capacity={"full": 1})
    )
    layer.send("full", {})
    layer.send("in", {})
    assert receive(layer, "first") == {"to": "first"}
    assert receive(layer, "last") == {"to": "last"}


def test_channel_full_reaches_a_consumer_that_sends_immediately(run_worker):
    def consume(message):
        try:
            Channel("full", channel_layer=message.channel_layer).send({}, immediately=True)
        except ChannelFull as error:
            message.reply_channel.send({"capacity": error.capacity})

    layer = run_worker(
        [route("in", consume)], layer=MemoryChannelLayer(channel_capacity={"full": 1})
    )
    layer.send("full", {})
    layer.send("in", {"reply_channel": "out"})
    assert receive(layer, "out") == {"capacity": 1}
