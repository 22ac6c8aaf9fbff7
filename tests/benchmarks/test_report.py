"""Plan, medians, figures and charts: what is decided without running anything."""

import re
from xml.etree import ElementTree

import pytest

from tests.benchmarks.charts import Bar, Panel, axis, draw, number_text
from tests.benchmarks.contenders import QUICK, all_contenders
from tests.benchmarks.environments import all_environments
from tests.benchmarks.figures import Figure, all_figures
from tests.benchmarks.load.latency import percentiles_ms
from tests.benchmarks.plan import choose, make_plan
from tests.benchmarks.results import medians
from tests.benchmarks.work import all_work
from tests.pythons import MissingInterpreterError, find_python


def test_contenders_name_work_and_environments_that_exist():
    contenders, work, environments = all_contenders(), all_work(), all_environments()
    for contender in contenders.values():
        assert set(contender.work) <= set(work)
        assert contender.environment in environments
    assert set(QUICK) <= set(contenders)


def test_every_figure_is_measured_by_a_contender_that_does_the_work():
    contenders = all_contenders()
    places = [place for one in all_figures() for place in (one.top, one.bottom) if place]
    assert places
    for work, contender, _ in places:
        assert work in contenders[contender].work


def test_contenders_take_turns_in_each_round():
    contenders = [all_contenders()[name] for name in ("classic-uvicorn-2w", "channels4-uvicorn")]
    turns = make_plan(contenders, {"http-32": all_work()["http-32"]}, rounds=2)
    assert [(turn.round, turn.contender) for turn in turns] == [
        (0, "classic-uvicorn-2w"),
        (0, "channels4-uvicorn"),
        (1, "classic-uvicorn-2w"),
        (1, "channels4-uvicorn"),
    ]


def test_memory_is_measured_in_the_first_round_only():
    contender = all_contenders()["hello-uvicorn"]
    turns = make_plan([contender], all_work(), rounds=3)
    assert ["memory" in turn.work for turn in turns] == [True, False, False]


def test_a_whole_name_does_not_choose_what_it_is_the_beginning_of():
    assert choose(["echo-50", "echo-500"], ["echo-50"], "work") == ["echo-50"]
    assert choose(["echo-50", "echo-500", "idle"], ["echo"], "work") == ["echo-50", "echo-500"]


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match="no work begins with 'eco'; there are: echo-50"):
        choose(["echo-50"], ["eco"], "work")


def test_the_median_is_taken_over_the_rounds():
    values = [{"rate": 1}, {"rate": 9}, {"rate": 2}]
    runs = [{"work": "w", "contender": "c", "values": value} for value in values]
    assert medians(runs) == {"w": {"c": {"rate": 2}}}


@pytest.mark.parametrize(
    ("sign", "bound", "reached"), [("≥", 2, True), ("≥", 2.1, False), ("<", 2, False)]
)
def test_a_figure_is_judged_by_the_ratio_of_its_medians(sign, bound, reached):
    figure = Figure("", ("w", "a", "rate"), ("w", "b", "rate"), sign, bound)
    judged = figure.judge({"w": {"a": {"rate": 10}, "b": {"rate": 5}}})
    assert (judged["value"], judged["reached"]) == (2, reached)


def test_a_figure_without_its_run_is_not_judged():
    figure = Figure("", ("w", "a", "rate"), ("w", "b", "rate"), "≥", 1)
    assert figure.judge({"w": {"a": {"rate": 10}}})["reached"] is None


def test_percentiles_are_values_that_occurred():
    assert percentiles_ms([0.003, 0.001, 0.002]) == {"p50": 2, "p90": 3, "p99": 3, "max": 3}
    assert percentiles_ms([]) == {}


def test_bars_are_in_proportion_from_zero():
    bars = (Bar("long <one>", 200, 190, 210), Bar("short", 50, 50, 50, is_own=True))
    svg = draw([Panel("Title & unit", "per second", bars)])
    ElementTree.fromstring(svg)
    widths = [float(width) for width in re.findall(r'width="([\d.]+)" height="15"', svg)]
    assert widths[0] == pytest.approx(4 * widths[1], rel=0.01)
    assert ">0</text>" in svg


@pytest.mark.parametrize("most", [0, 0.004, 1, 7, 99.9, 100, 12_345])
def test_an_axis_holds_its_longest_bar_with_few_steps(most):
    step, end = axis(most)
    assert end >= most
    assert 1 <= end / step <= 6.001


def test_numbers_are_written_for_people():
    texts = [number_text(value) for value in (0, 12_345.6, 99.94, 0.01234, 1)]
    assert texts == ["0", "12,346", "99.9", "0.0123", "1"]


def test_an_interpreter_that_is_not_there_is_named():
    with pytest.raises(MissingInterpreterError, match="no Python 9.9"):
        find_python("9.9")
