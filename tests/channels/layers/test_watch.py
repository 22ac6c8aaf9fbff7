"""Who is taken for dead, and by whom."""

from channels.layers.watch import CalmWatch, LifeWatch


def test_a_watch_lasts_from_its_first_look():
    watch = CalmWatch(longest_gap_s=12.0)
    assert [watch.note(now_s) for now_s in (100.0, 105.0, 115.0)] == [0.0, 5.0, 15.0]


def test_a_watch_begins_anew_after_a_gap():
    watch = CalmWatch(longest_gap_s=12.0)
    watch.note(100.0)
    watch.note(112.0)
    assert watch.note(124.5) == 0.0


def test_a_look_that_failed_is_a_gap_however_short():
    watch = CalmWatch(longest_gap_s=12.0)
    watch.note(100.0)
    watch.note_gap()
    assert [watch.note(now_s) for now_s in (102.0, 104.0)] == [0.0, 2.0]


def test_nobody_is_dead_before_the_watch_has_been_calm():
    watch = LifeWatch(dead_after_s=10.0, calm_s=5.0, longest_gap_s=3.0)
    assert watch.find_dead(["silent"], {"silent": 20.0}, 100.0) == frozenset()
    assert watch.find_dead(["silent"], {"silent": 23.0}, 103.0) == frozenset()
    ages_s = {"alive": 1.0, "silent": 25.0}
    assert watch.find_dead(["silent", "alive"], ages_s, 105.0) == {"silent"}


def test_a_layer_that_has_lost_its_data_makes_nobody_dead():
    watch = LifeWatch(dead_after_s=10.0, calm_s=0.0, longest_gap_s=3.0)
    assert watch.find_dead(["one", "other"], {"one": 1.0, "other": 2.0}, 100.0) == frozenset()
    assert watch.find_dead(["one", "other"], {}, 102.0) == frozenset()
    assert watch.find_dead(["one", "other"], {"one": 1.0}, 104.0) == frozenset()
    assert watch.find_dead(["one", "other"], {"one": 1.0}, 108.5) == {"other"}


def test_who_was_never_heard_of_is_dead_after_as_long():
    watch = LifeWatch(dead_after_s=10.0, calm_s=0.0, longest_gap_s=30.0)
    assert watch.find_dead(["unknown"], {}, 100.0) == frozenset()
    assert watch.find_dead(["unknown"], {}, 110.5) == {"unknown"}


def test_who_has_shown_no_sign_of_life_for_too_long_is_dead():
    watch = LifeWatch(dead_after_s=10.0, calm_s=0.0, longest_gap_s=3.0)
    assert watch.find_dead(["old", "new"], {"old": 10.5, "new": 10.0}, 1.0) == {"old"}
