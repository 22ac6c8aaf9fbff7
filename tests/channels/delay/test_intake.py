"""Requests on `asgi.delay`, and how they come into the database."""

import datetime
import logging
import math

import pytest
from django.db import OperationalError
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.delay import contents
from channels.delay.intake import BATCH, DelayIntake, read_request
from channels.delay.models import DelayedMessage
from channels.exceptions import LayerUnavailable

NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
REQUEST = {"channel": "later", "content": {"n": 1}, "delay": 1500}


@pytest.mark.parametrize(
    ("delay", "seconds"), [(1500, 1.5), (0, 0), (0.5, 0.0005), (-100, 0), (86_400_000, 86_400)]
)
def test_the_delay_is_in_milliseconds(delay, seconds):
    message = read_request({**REQUEST, "delay": delay}, NOW)
    assert message.due_date == NOW + datetime.timedelta(seconds=seconds)
    assert (message.channel_name, contents.unpack(message.content)) == ("later", {"n": 1})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({}, "lacks channel, content, delay"),
        ({"channel": "later", "delay": 1}, "lacks content"),
        ({**REQUEST, "channel": "no good"}, "invalid channel name 'no good'"),
        ({**REQUEST, "channel": None}, "its channel must be a str, got NoneType None"),
        ({**REQUEST, "channel": ["later"]}, "its channel must be a str, got list"),
        ({**REQUEST, "content": "text"}, "a message must be a dict, got str"),
        ({**REQUEST, "delay": "soon"}, "must be a number of milliseconds, got 'soon'"),
        ({**REQUEST, "delay": True}, "must be a number of milliseconds, got True"),
        ({**REQUEST, "delay": math.inf}, "must be a number of milliseconds, got inf"),
        ({**REQUEST, "delay": math.nan}, "must be a number of milliseconds, got nan"),
        ({**REQUEST, "delay": 10**400}, "beyond any date"),
        ({**REQUEST, "delay": 10**17}, "beyond any date"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(content, problem):
    with pytest.raises(ValueError, match=problem):
        read_request(content, NOW)


PACKABLE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=6,
)


@given(
    content=st.dictionaries(st.sampled_from(["channel", "content", "delay"]), PACKABLE)
    | st.fixed_dictionaries(
        {"channel": st.sampled_from(["later"]) | PACKABLE, "content": PACKABLE, "delay": PACKABLE}
    )
)
def test_whatever_is_asked_for_is_read_or_refused(content):
    try:
        message = read_request(content, NOW)
    except ValueError as error:
        assert str(error)
    else:
        assert message.due_date >= NOW


@settings(max_examples=30)
@given(
    content=st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=6,
        ),
    )
)
def test_a_message_comes_out_of_the_database_as_it_went_in(content):
    assert contents.unpack(contents.pack(content)) == content


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '"text"'])
def test_text_that_holds_no_message_is_refused(text):
    with pytest.raises(ValueError):
        contents.unpack(text)


# -- the intake ------------------------------------------------------------------------------------


@pytest.fixture
def intake(layer, table):
    intake = DelayIntake(layer)
    yield intake
    intake.close()


def test_requests_are_stored(intake, layer, table):
    for n in range(3):
        layer.send("asgi.delay", {**REQUEST, "content": {"n": n, "raw": b"\xff"}})
    intake.take_in(0)
    stored = [contents.unpack(message.content) for message in table.in_order()]
    assert stored == [{"n": n, "raw": b"\xff"} for n in range(3)]
    assert layer.receive(["asgi.delay"]) == (None, None)


def test_a_malformed_request_is_logged_and_kept_and_the_others_are_stored(
    intake, layer, table, caplog
):
    layer.send("asgi.delay", {"channel": "later"})
    layer.send("asgi.delay", REQUEST)
    with caplog.at_level(logging.ERROR):
        intake.take_in(0)
        intake.take_in(0)
    assert table.count() == 1
    assert "Invalid message received on asgi.delay: it must contain" in caplog.text
    (letter,) = layer.dead_letters("asgi.delay")
    assert letter["content"] == {"channel": "later"}
    assert "lacks content, delay" in letter["reason"]


def test_what_could_not_be_stored_is_stored_later(intake, layer, table, monkeypatch):
    layer.send("asgi.delay", REQUEST)
    with monkeypatch.context() as patch:
        patch.setattr(DelayedMessage.objects, "bulk_create", fail)
        for _ in range(2):
            with pytest.raises(OperationalError):
                intake.take_in(0)
    intake.take_in(0)
    assert table.count() == 1


def test_what_could_not_be_stored_is_stored_before_more_is_waited_for(
    intake, layer, table, monkeypatch
):
    def away(operations, block_s):
        raise LayerUnavailable("away")

    layer.send("asgi.delay", REQUEST)
    with monkeypatch.context() as patch:
        patch.setattr(DelayedMessage.objects, "bulk_create", fail)
        with pytest.raises(OperationalError):
            intake.take_in(0)
    with monkeypatch.context() as patch:
        patch.setattr(intake._reader, "take", away)
        with pytest.raises(LayerUnavailable):
            intake.take_in(30)
    assert table.count() == 1


def test_what_could_not_be_stored_goes_back_to_its_channel_in_order(layer, table, monkeypatch):
    intake = DelayIntake(layer)
    for delay in (1, 2):
        layer.send("asgi.delay", {**REQUEST, "delay": delay})
    with monkeypatch.context() as patch:
        patch.setattr(DelayedMessage.objects, "bulk_create", fail)
        with pytest.raises(OperationalError):
            intake.take_in(0)
    assert layer.receive(["asgi.delay"]) == (None, None)
    intake.close()
    assert [layer.receive(["asgi.delay"])[1]["delay"] for _ in range(2)] == [1, 2]


def fail(messages):
    raise OperationalError("the database is away")


def test_no_more_than_a_batch_is_in_hand(intake, layer, table, monkeypatch):
    for _ in range(BATCH - 1):
        layer.send("asgi.delay", REQUEST)
    monkeypatch.setattr("channels.delay.intake.BATCH", 60)
    intake.take_in(0)
    assert table.count() == 60
    intake.take_in(0)
    assert table.count() == BATCH - 1
