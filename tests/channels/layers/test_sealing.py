"""What is encrypted is bound to its channel, its client and its expiry."""

import multiprocessing

import pytest

from channels.layers.sealing import CLOCK_SKEW_S, FERNET_MESSAGE_S, Seal, SealBroken, _derive_key

pytest.importorskip("cryptography")

CLIENT, OTHER = "websocket.send.Hk3f!2a", "websocket.send.Hk3f!2b"


@pytest.fixture
def seal(clock):
    return Seal(["new", b"old"], clock)


def test_what_is_sealed_can_be_opened_at_its_place(seal):
    token = seal.close(b"hello", CLIENT, 60.0)
    assert b"hello" not in token
    assert seal.open(token, CLIENT, True) == b"hello"


def test_the_ciphertext_of_one_client_is_refused_for_another(seal):
    token = seal.close(b"hello", CLIENT, 60.0)
    with pytest.raises(SealBroken, match="is not for 'websocket.send.Hk3f!2b'"):
        seal.open(token, OTHER, True)


def test_a_message_is_no_value_and_a_value_no_message(seal):
    token = seal.close(b"hello", "value session a", None)
    with pytest.raises(SealBroken):
        seal.open(token, "session a", True)


def test_nothing_of_a_token_can_be_changed(seal):
    token = seal.close(b"hello", CLIENT, 60.0)
    for place in range(len(token)):
        changed = bytes([*token[:place], token[place] ^ 1, *token[place + 1 :]])
        with pytest.raises(SealBroken):
            seal.open(changed, CLIENT, False)
    with pytest.raises(SealBroken):
        seal.open(token[:20], CLIENT, False)


def test_a_message_is_refused_when_its_expiry_is_over_for_longer_than_clocks_may_differ(
    seal, clock
):
    token = seal.close(b"hello", "job", 60.0)
    clock.now_s += 60 + CLOCK_SKEW_S - 1
    assert seal.open(token, "job", False) == b"hello"
    clock.now_s += 2
    with pytest.raises(SealBroken, match="its expiry is over"):
        seal.open(token, "job", False)
    assert seal.open_kept(token, "job") == b"hello"


def test_what_has_no_expiry_can_be_opened_at_any_time(seal, clock):
    token = seal.close(b"hello", "job", None)
    clock.now_s += 10**9
    assert seal.open(token, "job", False) == b"hello"


def test_a_process_refuses_what_it_has_read_before(seal):
    token = seal.close(b"hello", "job", 60.0)
    seal.open(token, "job", True)
    with pytest.raises(SealBroken, match="it was replayed"):
        seal.open(token, "job", True)


def test_what_was_put_back_can_be_read_again(seal):
    token = seal.close(b"hello", "job", 60.0)
    seal.open(token, "job", True)
    seal.forget(memoryview(token))
    assert seal.open(token, "job", True) == b"hello"


def test_a_message_to_a_group_can_be_read_by_each_member(seal):
    token = seal.close_for_all(b"hello")
    assert seal.open(token, CLIENT, True) == seal.open(token, OTHER, True) == b"hello"


def test_each_key_opens_and_the_first_one_closes():
    old, new, both = Seal(["old"]), Seal(["new"]), Seal(["new", "old"])
    assert both.open(old.close(b"1", "a", 9), "a", True) == b"1"
    assert new.open(both.close(b"2", "a", 9), "a", True) == b"2"
    with pytest.raises(SealBroken, match=f"key {new.fingerprints[0]}, which is not among"):
        old.open(both.close(b"3", "a", 9), "a", True)


def test_a_fingerprint_is_the_same_in_each_process_and_not_the_key():
    first, again = Seal(["new", b"old"]), Seal([b"new", "old"])
    assert first.fingerprints == again.fingerprints
    assert len(set(first.fingerprints)) == 2
    assert "new" not in repr(first.fingerprints)


def test_a_fernet_token_of_older_versions_is_read_as_long_as_a_message_lives():
    from cryptography.fernet import Fernet

    clock_s, fernet = 1_000_000, Fernet(_derive_key("old"))
    seal = Seal(["new", "old"])
    assert seal.open(fernet.encrypt(b"hello"), "job", True) == b"hello"
    with pytest.raises(SealBroken):
        seal.open(fernet.encrypt_at_time(b"hello", clock_s), "job", True)
    with pytest.raises(SealBroken):
        seal.open(Fernet(Fernet.generate_key()).encrypt(b"hello"), "job", True)
    assert FERNET_MESSAGE_S < 3_600


def _close(seal, pipe):
    pipe.send(seal.close(b"x", "a", None))


def test_a_forked_process_uses_no_nonce_of_its_parent(seal):
    seal.close(b"x", "a", None)
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    child = context.Process(target=_close, args=(seal, there))
    child.start()
    theirs, ours = here.recv(), seal.close(b"x", "a", None)
    child.join()
    assert theirs[6:22] != ours[6:22]
    assert seal.open(theirs, "a", True) == seal.open(ours, "a", True) == b"x"
