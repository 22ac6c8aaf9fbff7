"""`manage.py channels_dead_letters`."""

import json

import pytest
from django.core.management import CommandError

from channels.layers.operations import DeadLetter

COMMAND = "channels_dead_letters"


def bury(layer, channel, content, reason):
    layer.send(channel, content)
    reader = layer.open_reader([channel])
    layer.apply([DeadLetter(reader.take()[1], reason)])
    reader.close()


@pytest.fixture
def letters(redis_layer):
    """Three letters; returns their ids by their number."""
    bury(redis_layer, "billing", {"n": 1}, "it asked too often")
    bury(redis_layer, "billing", {"n": 2}, "its worker died, 5 times")
    bury(redis_layer, "mail", {"n": 3, "to": "ü"}, "it expired unread")
    found = [*redis_layer.dead_letters("billing"), *redis_layer.dead_letters("mail")]
    return {letter["content"]["n"]: letter["id"] for letter in found}


def receive_all(layer, channel):
    return [message["n"] for _, message in iter(lambda: layer.receive([channel]), (None, None))]


def test_the_channels_with_dead_letters_are_listed(letters, run):
    headers, *rows = run(COMMAND, "list").splitlines()
    assert headers.split() == ["channel", "letters", "oldest", "newest", "last", "reason"]
    assert [(row.split()[0], row.split()[1]) for row in rows] == [("billing", "2"), ("mail", "1")]
    assert rows[0].endswith("its worker died, 5 times")


def test_the_letters_of_a_channel_are_listed(letters, run):
    lines = run(COMMAND, "list", "--channel=billing").splitlines()
    assert [line.split()[0] for line in lines] == ["id", letters[1], letters[2]]
    assert lines[1].endswith("it asked too often")


def test_without_dead_letters_it_says_so(redis_layer, run):
    assert run(COMMAND, "list") == "no dead letters\n"
    assert run(COMMAND, "list", "--channel=billing") == "no dead letters\n"


def test_a_letter_is_shown_with_its_content(letters, run):
    shown = run(COMMAND, "show", letters[3], "--channel=mail")
    assert "{'n': 3, 'to': 'ü'}" in shown
    assert "it expired unread" in shown


def test_all_letters_can_be_shown(letters, run):
    shown = run(COMMAND, "show")
    assert [f"'n': {n}" in shown for n in (1, 2, 3)] == [True] * 3


def test_letters_of_a_channel_are_replayed(letters, redis_layer, run):
    assert run(COMMAND, "replay", "--channel=billing") == "billing: 2 sent again\n"
    assert receive_all(redis_layer, "billing") == [1, 2]
    assert redis_layer.dead_letter_channels() == ["mail"]


def test_one_letter_is_replayed(letters, redis_layer, run):
    run(COMMAND, "replay", letters[2], "--channel=billing")
    assert receive_all(redis_layer, "billing") == [2]


def test_letters_of_all_channels_are_purged(letters, redis_layer, run):
    assert run(COMMAND, "purge", "--all") == "billing: 2 removed\nmail: 1 removed\n"
    assert redis_layer.dead_letter_channels() == []


@pytest.mark.parametrize("action", ["replay", "purge"])
def test_nothing_is_done_to_every_channel_by_accident(letters, redis_layer, run, action):
    with pytest.raises(CommandError, match="--all"):
        run(COMMAND, action)
    assert redis_layer.dead_letter_channels() == ["billing", "mail"]


def test_an_unknown_letter_is_refused_before_anything_is_done(letters, redis_layer, run):
    with pytest.raises(CommandError, match="billing has no dead letter '1-1'"):
        run(COMMAND, "purge", letters[1], "1-1", "--channel=billing")
    assert len(redis_layer.dead_letters("billing")) == 2


def test_ids_without_a_channel_are_refused(letters, run):
    with pytest.raises(CommandError, match="--channel"):
        run(COMMAND, "purge", letters[1])


def test_a_wrong_channel_name_is_refused(redis_layer, run):
    with pytest.raises(CommandError, match="invalid channel name"):
        run(COMMAND, "list", "--channel=no name")


def test_a_layer_of_one_process_is_refused(layer, run):
    from channels.asgi import ChannelLayerWrapper, channel_layers

    channel_layers.set("default", ChannelLayerWrapper(layer, "default", []))
    with pytest.raises(CommandError, match="in the memory of one process"):
        run(COMMAND, "list")


def test_an_unknown_layer_is_refused(redis_layer, run):
    with pytest.raises(CommandError, match="no channel layer 'other'"):
        run(COMMAND, "list", "--layer=other")


def test_without_an_action_they_are_listed(letters, run):
    assert run(COMMAND) == run(COMMAND, "list")


@pytest.mark.parametrize("action", ["list", "show"])
def test_programs_get_json(letters, run, redis_layer, action):
    bury(redis_layer, "mail", {"raw": b"\xff"}, "it expired unread")
    found = json.loads(run(COMMAND, action, "--json"))
    assert [letter["channel"] for letter in found] == ["billing", "billing", "mail", "mail"]
    assert found[0]["content"] == {"n": 1}
    assert found[0]["id"] == letters[1]
    assert found[0]["reason"] == "it asked too often"
    assert found[3]["content"] == {"raw": {"__bytes__": "/w=="}}


def test_no_letters_are_an_empty_list_in_json(redis_layer, run):
    assert json.loads(run(COMMAND, "--json")) == []


@pytest.mark.parametrize("action", ["replay", "purge"])
def test_json_does_not_go_with_what_changes_something(letters, run, action):
    with pytest.raises(CommandError, match=f"not with {action}"):
        run(COMMAND, action, "--all", "--json")
