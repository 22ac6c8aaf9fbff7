"""Whose a socket is, and what has to be sent again if its worker dies."""

from interface_server.owners.ownership import MOST_HELD, Ownership


def claim(queue="worker.a!", number=1, order=0, place=0, **more):
    return {"queue": queue, "number": number, "order": order, "place": place, **more}


def frame(order):
    return {"reply_channel": "websocket.send.s!1", "path": "/", "order": order, "text": "x"}


def keeping():
    """An Ownership with checkpoints."""
    ownership = Ownership("worker.a!", 1)
    assert ownership.claim(claim(keeps=True))
    return ownership


def sent(ownership):
    return [one.order or one.message for one in ownership.sent]


def test_a_socket_is_claimed_by_the_next_owner_and_again_by_its_own_but_not_by_a_former_one():
    ownership = Ownership("worker.a!", 1)
    assert ownership.claim(claim())
    assert ownership.claim(claim("worker.b!", 2, handles=["websocket.send"]))
    assert (ownership.queue, ownership.number) == ("worker.b!", 2)
    assert ownership.handles == ["websocket.send"]
    assert not ownership.claim(claim("worker.a!", 1))
    assert not ownership.claim(claim("worker.a!", 2))
    assert ownership.is_of("worker.b!", 2)


def test_a_socket_goes_with_its_owner_until_that_has_handed_it_over_once():
    ownership = Ownership("worker.a!", 1)
    ownership.claim(claim())
    ownership.hold()
    assert ownership.is_in_hand  # who dies now has not sent the instance on its way
    assert not ownership.hand_over(claim("worker.a!", 2))
    assert ownership.hand_over(claim())
    assert not ownership.hand_over(claim())
    assert not ownership.is_in_hand
    ownership.claim(claim("worker.b!", 2))
    assert ownership.is_in_hand


def test_a_socket_that_goes_on_from_a_checkpoint_is_in_nobodys_hand():
    ownership = keeping()
    ownership.note_checkpoint({"state": {}, "order": 0, "place": 0, "opening": {"path": "/"}})
    assert ownership.disown("websocket.send.s!1")["number"] == 3
    assert not ownership.is_in_hand


def test_nothing_is_kept_for_a_socket_without_checkpoints():
    ownership = Ownership("worker.a!", 1)
    ownership.claim(claim())
    ownership.note_frame(frame(1))
    ownership.note_message({"type": "chat.message"}, 1)
    assert sent(ownership) == []


def test_what_was_sent_since_the_checkpoint_is_kept_in_its_order():
    ownership = keeping()
    ownership.note_frame(frame(1))
    ownership.note_message({"n": 1}, 7)
    ownership.note_frame(frame(2))
    ownership.note_message({"n": 2}, 8)
    ownership.note_checkpoint({"state": {}, "order": 1, "place": 7, "opening": {"path": "/"}})
    assert sent(ownership) == [2, {"n": 2}]
    assert (ownership.checkpoint.order, ownership.checkpoint.place) == (1, 7)
    assert ownership.opening == {"path": "/"}


def test_a_frame_that_is_sent_twice_is_kept_once():
    ownership = keeping()
    for order in (1, 2, 1, 2):
        ownership.note_frame(frame(order))
    assert sent(ownership) == [1, 2]


def test_an_owner_that_takes_over_says_what_was_handled_before_so_that_it_is_not_sent_again():
    ownership = keeping()
    ownership.note_message({"n": 1}, 7)
    ownership.note_frame(frame(1))
    ownership.hold()
    assert ownership.claim(claim("worker.b!", 2, order=1, place=7, keeps=True))
    assert sent(ownership) == []


def test_a_client_is_held_back_while_too_much_would_have_to_be_sent_again():
    ownership = keeping()
    for order in range(1, MOST_HELD + 1):
        assert ownership.takes_frames
        ownership.note_frame(frame(order))
    ownership.note_message({"n": 1}, 1)
    assert not ownership.takes_frames
    assert len(ownership.sent) == MOST_HELD


def test_what_comes_while_the_socket_has_no_owner_is_kept_and_released_once():
    ownership = keeping()
    ownership.hold()
    assert all(ownership.keep({"n": n}) for n in range(MOST_HELD))
    assert not ownership.keep({"n": MOST_HELD})
    assert len(ownership.release()) == MOST_HELD
    assert ownership.release() == []


def test_what_an_owner_sends_again_is_heard_once():
    ownership = Ownership("worker.a!", 1)
    heard = [ownership.hears({"type": "websocket.send", "n": n}) for n in (3, 4, 3, 4, 5)]
    assert heard == [True, True, False, False, True]


def test_the_next_owner_counts_from_one_again():
    ownership = Ownership("worker.a!", 1)
    assert ownership.hears({"n": 9})
    ownership.claim(claim("worker.a!", 1))
    assert not ownership.hears({"n": 9})
    ownership.claim(claim("worker.b!", 2))
    assert ownership.hears({"n": 1})


def test_what_has_no_number_is_always_heard():
    ownership = Ownership("worker.a!", 1)
    assert ownership.hears({"n": 9}) and ownership.hears({}) and ownership.hears({})


def test_what_others_send_before_the_handshake_is_answered_is_kept_and_taken_once():
    ownership = Ownership("worker.a!", 1)
    ownership.keep_until_answered({"text": "1"})
    ownership.keep_until_answered({"text": "2"})
    assert ownership.take_unanswered() == [{"text": "1"}, {"text": "2"}]
    assert ownership.take_unanswered() == []
