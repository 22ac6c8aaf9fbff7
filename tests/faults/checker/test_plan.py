"""The faults of a seed."""

from tests.faults.checker.cluster import NOT_HERE
from tests.faults.checker.plan import FAULTS, plan
from tests.faults.checker.trouble import DEEDS


def facts(seed, **kwargs):
    faults = plan(seed, 180, **kwargs)
    return [(one.wait_s, one.name, one.length_s, one.chance.random()) for one in faults]


def test_the_faults_of_a_seed_are_always_the_same():
    assert facts(3) == facts(3)
    assert facts(3) != facts(4)


def test_every_fault_of_a_plan_can_be_made():
    assert FAULTS.keys() == DEEDS.keys()


def test_every_fault_comes_in_some_seed():
    assert {fault.name for seed in range(40) for fault in plan(seed, 180)} == FAULTS.keys()


def test_what_stands_still_does_so_for_clearly_less_than_the_patience_or_for_clearly_more():
    lengths = [fault.length_s for seed in range(60) for fault in plan(seed, 180)]
    assert not [length for length in lengths if 23 < length < 36]
    assert max(lengths) > 60


def test_a_run_without_long_faults_has_none():
    assert max(length for _, _, length, _ in facts(5, longest_s=2.0)) <= 2.0


def test_over_a_cluster_all_is_made_but_what_is_of_the_network_or_of_all_of_redis():
    made = {fault.name for seed in range(40) for fault in plan(seed, 180, without=NOT_HERE)}
    assert made == FAULTS.keys() - NOT_HERE
    assert {"lose last moments", "kill worker", "kill server"} <= made
