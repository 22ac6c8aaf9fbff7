"""What was noted of late is kept for a while, and no longer than need be."""

from channels.layers.recent import Recent


def test_the_latest_value_of_a_key_is_kept():
    recent = Recent(10.0, lambda: 0.0)
    for value in (1, 2):
        recent.note("a", value)
    recent.note("b", 3)
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (2, 3, None)
    assert list(recent) == ["a", "b"]


def test_what_is_old_goes_when_something_new_comes():
    now = [0.0]
    recent = Recent(10.0, lambda: now[0])
    for now[0], key in ((0.0, "a"), (5.0, "b"), (6.0, "a")):
        recent.note(key, key)
    now[0] = 100.0
    assert list(recent) == ["b", "a"]  # after an outage, what was before it is still known
    recent.note("c", "c")
    assert list(recent) == ["c"] and len(recent) == 1
