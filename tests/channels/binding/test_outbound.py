"""What is saved and deleted is told to groups."""

import logging
import uuid

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction

from channels import Group
from channels.binding.websockets import WebsocketBinding, WebsocketBindingWithMembers
from channels.exceptions import LayerUnavailable
from channels.test import ChannelTestCase, TransactionChannelTestCase, WSClient
from tests.channels.binding.models import Label, Note


def make_binding(bases=WebsocketBinding, **attributes):
    class Made(bases):
        model = Note
        stream = "notes"
        fields = ["title", "body"]

        @classmethod
        def group_names(cls, instance):
            return [instance.group]

        vars().update(attributes)

    return Made


def listen(*groups):
    client = WSClient()
    for group in groups or ["notes"]:
        client.join_group(group)
    return client


def test_creation_change_and_deletion_are_told(notes):
    make_binding()
    client = listen()

    note = notes.create(title="a", body="b")
    pk = note.pk
    data = {"title": "a", "body": "b"}
    told = {"action": "create", "pk": pk, "data": data, "model": "binding.note"}
    assert client.receive() == {"stream": "notes", "payload": told}

    note.title = "c"
    note.save()
    told = {**told, "action": "update", "data": {"title": "c", "body": "b"}}
    assert client.receive() == {"stream": "notes", "payload": told}

    note.delete()
    assert client.receive() == {"stream": "notes", "payload": {**told, "action": "delete"}}
    assert client.receive() is None


def test_what_is_no_json_is_saved_and_logged_and_not_told(notes, caplog):
    class Measured(make_binding()):
        def serialize_data(self, instance):
            return {"size": float("nan")}

    client = listen("measured")
    note = notes.create(title="a", body="b", group="measured")
    assert [payload["payload"]["data"] for payload in [client.receive()]] == [
        {"title": "a", "body": "b"}
    ]
    assert client.receive() is None
    assert f"create of binding.Note {note.pk} is saved, but its groups don't hear" in caplog.text


def test_an_instance_that_changes_groups_is_deleted_here_and_created_there(notes):
    make_binding()
    old, new = listen("old"), listen("new")
    note = notes.create(title="a", group="old")
    assert old.receive()["payload"]["action"] == "create"

    note = notes.get()
    note.group = "new"
    note.save()
    # The binding asks before the save, when the instance has its new group already.
    assert old.receive() is None
    assert new.receive()["payload"]["action"] == "update"


def test_groups_may_depend_on_what_is_in_the_database(notes):
    class FollowsTheStored(make_binding()):
        @classmethod
        def group_names(cls, instance):
            return [Note.objects.get(pk=instance.pk).group]

    old, new = listen("old"), listen("new")
    note = notes.create(title="a", group="old")
    old.receive(), old.receive()
    note.group = "new"
    note.save()
    assert old.receive()["payload"]["action"] == "delete"
    assert new.receive()["payload"]["action"] == "update"  # of the binding it is made from
    assert new.receive()["payload"]["action"] == "create"


def test_group_names_may_take_the_action_as_in_channels_0_17(notes):
    actions = []

    class Old(make_binding(model=None)):
        model = Note

        @classmethod
        def group_names(cls, instance, action):
            actions.append(action)
            return ["notes"]

    note = notes.create(title="a")
    note.save()
    note.delete()
    assert actions == ["create", "update", "update", "delete"]


def test_a_string_of_group_names_is_refused(notes):
    class Wrong(make_binding(model=None)):
        model = Note

        @classmethod
        def group_names(cls, instance):
            return "notes"

    with pytest.raises(TypeError, match=r"Wrong.group_names\(\) must return a list of names"):
        notes.create(title="a")


@pytest.mark.parametrize(
    ("attributes", "names"),
    [
        ({"fields": ["title"]}, {"title"}),
        (
            {"fields": None, "exclude": ["secret", "made"]},
            {"title", "body", "group", "owner", "labels"},
        ),
        ({"fields": ["__all__"]}, {"title", "body", "secret", "made", "group", "owner", "labels"}),
        ({"fields": "__all__"}, {"title", "body", "secret", "made", "group", "owner", "labels"}),
    ],
)
def test_only_the_fields_asked_for_are_sent(notes, attributes, names):
    make_binding(**attributes)
    client = listen()
    notes.create(title="a")
    assert client.receive()["payload"]["data"].keys() == names


def test_many_to_many_fields_are_sent_as_keys(notes):
    make_binding(fields=["labels"])
    client = listen()
    label = Label.objects.create(text="x")
    note = notes.create(title="a")
    client.receive()
    note.labels.add(label)
    note.save()
    assert client.receive()["payload"]["data"] == {"labels": [label.pk]}


def test_an_empty_payload_is_not_sent(notes):
    make_binding(serialize=lambda self, instance, action: {})
    client = listen()
    notes.create(title="a")
    assert client.receive() is None


def test_the_arguments_of_the_signal_are_there(notes):
    seen = []

    def serialize(self, instance, action):
        seen.append((self.instance is instance, self.signal_kwargs["using"]))
        return {}

    make_binding(serialize=serialize)
    notes.create(title="a")
    assert seen == [(True, "default")]


def test_nothing_is_serialized_for_nobody(notes):
    def serialize(self, instance, action):
        raise AssertionError("nobody asked")

    make_binding(serialize=serialize, group_names=classmethod(lambda cls, instance: []))
    notes.create(title="a").delete()


def test_two_bindings_follow_one_model(notes):
    make_binding(stream="one")
    make_binding(stream="two")
    client = listen()
    notes.create(title="a")
    assert {client.receive()["stream"], client.receive()["stream"]} == {"one", "two"}


# -- members ------------------------------------------------------------------------------------


def test_members_are_sent_beside_the_fields(notes, database):
    binding = make_binding(WebsocketBindingWithMembers, fields=["title"])
    binding.send_members = ["colour", "shout", "length", "owner.username", "owner.get_username"]
    client = listen()
    owner = get_user_model().objects.create_user("ann")
    notes.create(title="a", body="four", owner=owner)
    assert client.receive()["payload"]["data"] == {
        "title": "a",
        "colour": "yellow",
        "shout": "A",
        "length": 4,
        "owner__username": "ann",
        "owner__get_username": "ann",
    }


def test_members_of_what_is_not_there_are_none(notes):
    binding = make_binding(WebsocketBindingWithMembers, fields=["title"])
    binding.send_members = ["owner.username"]
    client = listen()
    notes.create(title="a")
    assert client.receive()["payload"]["data"] == {"title": "a", "owner__username": None}


def test_members_may_be_what_django_can_put_into_json(notes, monkeypatch):
    binding = make_binding(WebsocketBindingWithMembers, fields=["title"])
    binding.send_members = ["colour"]
    monkeypatch.setattr(Note, "colour", uuid.UUID(int=1))
    client = listen()
    notes.create(title="a")
    assert client.receive()["payload"]["data"]["colour"] == str(uuid.UUID(int=1))


# -- transactions ---------------------------------------------------------------------------------


def test_groups_are_told_when_the_transaction_commits(notes):
    make_binding()
    client = listen()
    with transaction.atomic():
        note = notes.create(title="a")
        note.title = "later"
        assert client.receive() is None
    assert client.receive()["payload"]["data"]["title"] == "a"


def test_groups_are_not_told_of_what_is_rolled_back(notes):
    make_binding()
    client = listen()
    with pytest.raises(LookupError), transaction.atomic():
        notes.create(title="a")
        raise LookupError
    assert client.receive() is None


def test_a_save_succeeds_though_the_layer_is_away(notes, monkeypatch, caplog):
    make_binding()

    def away(self, message):
        raise LayerUnavailable("Redis is away")

    monkeypatch.setattr(Group, "send", away)
    with caplog.at_level(logging.ERROR):
        notes.create(title="a")
    assert notes.count() == 1
    assert "create of binding.Note" in caplog.text
    assert "its groups don't hear of it: Redis is away" in caplog.text


@pytest.mark.usefixtures("notes")
class InATestCase(ChannelTestCase):
    """The transaction around a test never commits, and bindings send all the same."""

    def test_what_is_saved_is_told_at_once(self):
        make_binding()
        client = listen()
        Note.objects.create(title="a")
        self.assertEqual(client.receive()["payload"]["action"], "create")

    def test_what_is_saved_in_a_block_is_told_after_it(self):
        make_binding()
        client = listen()
        with transaction.atomic():
            Note.objects.create(title="a")
            self.assertIsNone(client.receive())
        self.assertEqual(client.receive()["payload"]["action"], "create")
        self.assertIsNone(client.receive())

    def test_other_hooks_of_a_block_are_left_to_django(self):
        called = []
        with self.captureOnCommitCallbacks() as callbacks, transaction.atomic():
            transaction.on_commit(lambda: called.append(1))
        listen().receive()
        self.assertEqual((len(callbacks), called), (1, []))

    def test_what_is_rolled_back_in_a_block_is_not_told(self):
        make_binding()
        client = listen()
        with self.assertRaises(LookupError), transaction.atomic():
            Note.objects.create(title="a")
            raise LookupError
        self.assertIsNone(client.receive())


@pytest.mark.usefixtures("notes")
class InATransactionTestCase(TransactionChannelTestCase):
    def test_what_is_saved_is_told(self):
        make_binding()
        client = listen()
        with transaction.atomic():
            Note.objects.create(title="a")
        self.assertEqual(client.receive()["payload"]["action"], "create")
