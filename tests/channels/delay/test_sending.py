"""What is due is sent, once, in order, and what can't be sent is in nobody's way."""

import datetime
import json
import logging
import threading

import pytest
from django.utils import timezone

from channels.delay.models import DelayedMessage
from channels.delay.sending import FIRST_RETRY_S, LONGEST_RETRY_S, DueSender
from channels.exceptions import ClientGone, LayerUnavailable


@pytest.fixture
def sender(layer, table):
    return DueSender(layer, 5.0, threading.Event())


def received(layer, channel="later"):
    """Return the `n` of all that waits on `channel`."""
    found = []
    while (content := layer.receive([channel])[1]) is not None:
        found.append(content["n"])
    return found


def test_what_is_due_is_sent_in_the_order_of_its_time(sender, put, layer, table):
    for n, ago_s in [(2, 5), (1, 9), (3, 1)]:
        put(content=json.dumps({"n": n}), ago_s=ago_s)
    put(content='{"n": 4}', ago_s=-60)
    sender.send_due()
    assert received(layer) == [1, 2, 3]
    assert [json.loads(m.content) for m in table.all()] == [{"n": 4}]


def test_the_next_look_is_when_the_next_one_is_due(sender, put):
    assert sender.send_due() == 5.0
    put(ago_s=-60)
    assert sender.send_due() == 5.0
    put(ago_s=-2)
    assert 1.0 < sender.send_due() <= 2.0


def test_messages_for_a_full_channel_wait_in_order_and_hold_up_no_other(sender, put, layer, table):
    for n in range(250):
        put(content=json.dumps({"n": n}), ago_s=300 - n)
    put("other", ago_s=1)
    got = []
    for left in (150, 50, 0):
        wait_s = sender.send_due()
        assert table.count() == left
        assert wait_s == (FIRST_RETRY_S if left else 5.0)
        got += received(layer)
    assert got == list(range(250))
    assert received(layer, "other") == [1]


def test_room_that_comes_up_meanwhile_lets_none_overtake(sender, put, layer, monkeypatch):
    for _ in range(layer.capacity):
        layer.send("later", {"n": 0})
    put(content='{"n": 1}', ago_s=2)
    put(content='{"n": 2}', ago_s=1)
    send_once = DelayedMessage.send_once
    drained = []

    def drain_after(message, channel_layer):
        try:
            return send_once(message, channel_layer)
        finally:
            drained.extend(received(layer))

    monkeypatch.setattr(DelayedMessage, "send_once", drain_after)
    sender.send_due()
    sender.send_due()
    assert drained[layer.capacity :] == [1, 2]


def test_a_channel_that_stays_full_is_tried_less_and_less_often(sender, put, layer):
    for _ in range(layer.capacity):
        layer.send("later", {})
    put()
    waits = [sender.send_due() for _ in range(8)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (FIRST_RETRY_S, LONGEST_RETRY_S)


@pytest.mark.parametrize("content", ["", "nonsense", "[]", '"text"'])
def test_a_row_that_is_no_message_is_logged_and_set_aside(sender, put, layer, caplog, content):
    bad = put(content=content, ago_s=9)
    put()
    with caplog.at_level(logging.ERROR):
        sender.send_due()
        sender.send_due()
    assert received(layer) == [1]
    assert len(caplog.records) == 1
    assert f"the delayed message {bad.pk} for 'later' can't be sent" in caplog.text
    bad.refresh_from_db()
    assert (bad.content, bad.due_date.year) == (content, 9999)


def test_a_row_for_no_channel_is_set_aside(sender, put, layer, table, settings):
    settings.USE_TZ = False
    put("not a name")
    sender.send_due()
    assert not table.is_due().exists()
    assert table.count() == 1


def test_a_message_for_a_client_that_has_left_is_dropped(sender, put, table, monkeypatch):
    def gone(self, channel_layer):
        raise ClientGone("websocket.send.s!c")

    put("websocket.send.s!c")
    monkeypatch.setattr(DelayedMessage, "send_once", gone)
    sender.send_due()
    assert table.count() == 0


def test_while_the_layer_is_away_all_of_it_stays(sender, put, layer, table, monkeypatch):
    def away(operations):
        raise LayerUnavailable("away")

    put()
    with monkeypatch.context() as patch:
        patch.setattr(layer, "apply", away)
        with pytest.raises(LayerUnavailable):
            sender.send_due()
    assert table.count() == 1
    sender.send_due()
    assert received(layer) == [1]


def test_a_message_that_another_server_has_sent_is_not_sent_again(sender, put, layer, monkeypatch):
    put()
    rows = list(DelayedMessage.objects.all())
    slices = [rows, rows, []]
    monkeypatch.setattr(DueSender, "_due", staticmethod(lambda full: slices.pop(0)))
    sender.send_due()
    assert received(layer) == [1]


def test_once_told_to_stop_it_sends_no_more(layer, put, table):
    stopping = threading.Event()
    sender = DueSender(layer, 5.0, stopping)
    put()
    stopping.set()
    assert sender.send_due() == 0.0
    assert table.count() == 1


# -- the model, as 1.x had it -------------------------------------------------------------------


def test_a_delay_sets_the_date_in_milliseconds(table):
    before = timezone.now()
    message = DelayedMessage(channel_name="later", content="{}", delay=1500)
    waits = message.due_date - before
    assert message.delay == 1500
    assert datetime.timedelta(seconds=1.5) <= waits < datetime.timedelta(seconds=2.5)


def test_send_sends_and_deletes(put, layer, table):
    put().send()
    assert received(layer) == [1]
    assert table.count() == 0


def test_send_to_a_full_channel_is_due_again_later(put, layer, table):
    for _ in range(layer.capacity):
        layer.send("later", {"n": 0})
    put().send(channel_layer=layer, requeue_delay=60_000)
    assert table.get().due_date > timezone.now() + datetime.timedelta(seconds=50)
