"""What a socket may do to a model."""

import json
import logging

import pytest
from django.contrib.auth import get_user_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.binding.websockets import WebsocketBinding
from channels.exceptions import InvalidFrame
from channels.generic.websockets import WebsocketDemultiplexer
from channels.message import Message
from channels.routing import route, route_class
from channels.test import WSClient, apply_routes
from tests.channels.binding.models import Label, Note

ALLOWED = []


class NoteBinding(WebsocketBinding):
    model = Note
    stream = "notes"
    fields = ["title", "body", "owner", "labels"]

    @classmethod
    def group_names(cls, instance):
        return []

    def has_permission(self, user, action, pk):
        ALLOWED.append((user.username, action, pk))
        return user.username != "mallory"


class Everything(NoteBinding):
    fields = ["__all__"]


class NotTheSecret(NoteBinding):
    fields = None
    exclude = ["secret"]


class Streams(WebsocketDemultiplexer):
    consumers = {
        "notes": NoteBinding.consumer,
        "everything": Everything.consumer,
        "not-the-secret": NotTheSecret.consumer,
    }
    http_user = True


@pytest.fixture
def socket(notes):
    ALLOWED.clear()
    with apply_routes([route_class(Streams)]):
        client = WSClient()
        client.send_and_consume("websocket.connect")
        yield client


def send(client, stream="notes", **payload):
    text = {"stream": stream, "payload": payload}
    client.send_and_consume("websocket.receive", text=text)


def test_a_frame_creates_an_instance(socket, notes):
    send(socket, action="create", data={"title": "a", "body": "b"})
    note = notes.get()
    assert (note.title, note.body, ALLOWED) == ("a", "b", [("", "create", None)])
    assert note.made is not None


def test_a_frame_changes_an_instance(socket, notes):
    note = notes.create(title="a", body="b", secret="s")
    send(socket, action="update", pk=note.pk, data={"title": "c"})
    note.refresh_from_db()
    assert (note.title, note.body, note.secret) == ("c", "b", "s")
    assert [("", "update", note.pk)] == ALLOWED


def test_a_frame_deletes_an_instance(socket, notes):
    kept, gone = notes.create(title="a"), notes.create(title="b")
    send(socket, action="delete", pk=str(gone.pk))
    assert list(notes.all()) == [kept]


def test_related_objects_are_set_by_their_keys(socket, notes, database):
    owner = get_user_model().objects.create_user("ann")
    one, two = Label.objects.create(text="one"), Label.objects.create(text="two")
    send(socket, action="create", data={"title": "a", "owner": owner.pk, "labels": [one.pk]})
    note = notes.get()
    assert (note.owner, list(note.labels.all())) == (owner, [one])

    send(socket, action="update", pk=note.pk, data={"owner": None, "labels": [two.pk]})
    note.refresh_from_db()
    assert (note.owner, list(note.labels.all()), note.title) == (None, [two], "a")


@pytest.mark.parametrize("stream", ["notes", "not-the-secret"])
def test_what_is_not_among_the_fields_can_not_be_set(socket, notes, stream):
    send(socket, stream, action="create", data={"title": "a", "secret": "x"})
    note = notes.get()
    assert note.secret == ""
    send(socket, stream, action="update", pk=note.pk, data={"title": "b", "secret": "x"})
    note.refresh_from_db()
    assert (note.title, note.secret) == ("b", "")


def test_a_creation_can_not_overwrite_and_a_change_can_not_move(socket, notes):
    note = notes.create(title="a")
    with pytest.raises(Exception, match="UNIQUE"):
        send(socket, "everything", action="create", data={"id": note.pk, "title": "mine"})
    assert notes.get().title == "a"

    other = notes.create(title="b")
    send(socket, "everything", action="update", pk=note.pk, data={"id": other.pk, "title": "c"})
    assert {note.pk: note.title for note in notes.all()} == {note.pk: "c", other.pk: "b"}


def test_who_may_not_does_nothing(notes, database):
    ALLOWED.clear()
    client = WSClient()
    client.force_login(get_user_model().objects.create_user("mallory"))
    note = notes.create(title="a")
    with apply_routes([route_class(Streams)]):
        client.send_and_consume("websocket.connect")
        send(client, action="update", pk=note.pk, data={"title": "b"})
        send(client, action="delete", pk=note.pk)
        send(client, action="create", data={"title": "c"})
    assert [(user, action) for user, action, pk in ALLOWED] == [
        ("mallory", "update"),
        ("mallory", "delete"),
        ("mallory", "create"),
    ]
    assert [note.title for note in notes.all()] == ["a"]
    assert client.receive() is None


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({}, "expected a frame"),
        ({"pk": 1}, "expected a frame"),
        ({"action": "explode", "pk": 1}, "Bad action 'explode': expected create, update or delete"),
        ({"action": ["create"]}, "Bad action"),
        ({"action": "create"}, "create: its data must be an object"),
        ({"action": "update", "pk": 1, "data": [1]}, "update: its data must be an object"),
        ({"action": "update", "pk": None, "data": {}}, "update: 'None' is no pk of binding.note"),
        ({"action": "delete", "pk": {"pk__gt": 0}}, "delete: .* is no pk of binding.note"),
        ({"action": "delete", "pk": "one"}, "delete: 'one' is no pk of binding.note"),
        ({"action": "create", "data": {"title": "a", "owner": "nobody"}}, "does not fit binding"),
        ({"action": "create", "data": {"title": "a", "labels": 5}}, "does not fit binding.note"),
    ],
)
def test_what_makes_no_sense_closes_the_socket_with_1007(socket, notes, caplog, payload, problem):
    with caplog.at_level(logging.WARNING):
        send(socket, **payload)
    assert socket.receive() == {"close": 1007}
    assert caplog.messages[-1].startswith("NoteBinding: ")
    with pytest.raises(InvalidFrame, match=problem):
        binding = NoteBinding()
        binding.user = get_user_model()(username="ann")
        text = json.dumps(payload)
        binding.run_action(*binding.deserialize(Message({"text": text}, "websocket.receive", None)))
    assert notes.count() == 0


def test_a_field_that_is_not_there_closes_the_socket(socket, notes, caplog):
    send(socket, "everything", action="create", data={"title": "a", "nothing": 1})
    assert socket.receive() == {"close": 1007}
    assert "Everything: its data does not fit binding.note" in caplog.text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    payload=st.fixed_dictionaries(
        {},
        optional={
            "action": st.sampled_from(["create", "update", "delete"]) | st.text(),
            "pk": st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()),
            "data": st.none()
            | st.dictionaries(
                st.sampled_from(NoteBinding.fields) | st.text(),
                st.none() | st.integers() | st.text() | st.lists(st.integers()),
            ),
        },
    )
)
def test_whatever_a_frame_holds_is_taken_or_refused(notes, payload):
    binding = NoteBinding()
    try:
        binding.deserialize(Message({"text": json.dumps(payload)}, "websocket.receive", None))
    except InvalidFrame as error:
        assert error.code == 1007


def test_a_binding_may_have_a_channel_of_its_own(notes):
    ALLOWED.clear()
    client = WSClient()
    client.force_login(get_user_model().objects.create_user("ann"))
    with apply_routes([route("websocket.receive", NoteBinding.consumer)]):
        text = {"action": "create", "data": {"title": "a"}}
        client.send_and_consume("websocket.receive", text=text)
    assert ALLOWED == [("ann", "create", None)]
    assert notes.get().title == "a"


def test_decorators_are_applied_once_per_class(notes, monkeypatch):
    made = []

    def counting(function):
        made.append(function)
        return function

    monkeypatch.setattr("channels.binding.base.channel_session", counting)

    class Sessions(NoteBinding):
        channel_session_user = False
        channel_session = True

    with apply_routes([route("websocket.receive", Sessions.consumer)]):
        for _ in range(3):
            WSClient().send_and_consume(
                "websocket.receive", text={"action": "create", "data": {"title": "a"}}
            )
    assert (len(made), notes.count()) == (1, 3)
