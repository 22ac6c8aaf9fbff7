"""Replies are left to gather in a rush, and only then."""

from channels.layers.redis.rush import GATHER_S, GATHERED, RUSH_CLIENTS, RUSH_S, Rush


def note_singly(rush, clients, every_s):
    return [rush.note([client], number * every_s) for number, client in enumerate(clients)]


def names(count):
    return [str(number) for number in range(count)]


def test_many_clients_answered_in_quick_succession_make_a_rush():
    pauses = note_singly(Rush(), names(RUSH_CLIENTS), RUSH_S / RUSH_CLIENTS)
    assert pauses == [0.0] * (RUSH_CLIENTS - 1) + [GATHER_S]


def test_few_clients_make_none_however_often_they_are_answered():
    assert not any(note_singly(Rush(), names(RUSH_CLIENTS - 1) * 50, RUSH_S / 1000))


def test_many_clients_answered_at_leisure_make_none():
    assert not any(note_singly(Rush(), names(10 * RUSH_CLIENTS), RUSH_S / 10))


def test_a_rush_goes_on_while_enough_replies_have_gathered():
    rush = Rush()
    assert rush.note(names(RUSH_CLIENTS), 0.0) == GATHER_S
    assert rush.note(names(GATHERED), 0.001) == GATHER_S
    assert rush.note(names(GATHERED - 1), 0.002) == 0.0
    assert rush.note(names(GATHERED), 0.003) == 0.0
