"""The front of a metric and a cost: Pareto's where every difference counts, and no step that is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.plots.contract import Source
from bench.plots.pareto import Judge, _cost_text, _heights, front_of, pareto_front
from bench.records.columns import COSTS
from bench.records.load import load_runs

LEVELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12)


def higher(gain):
    return lambda one, other: gain[one] > gain[other]


@given(LEVELS)
def test_where_every_difference_counts_on_the_front_is_who_nobody_beats(points):
    gain, cost = (np.array([point[side] for point in points], dtype=float) for side in (0, 1))
    expected = [
        not any(g >= own_g and c <= own_c and (g > own_g or c < own_c) for g, c in points) for own_g, own_c in points
    ]
    assert pareto_front(gain, cost, higher(gain)).tolist() == expected


def test_a_point_without_a_value_is_on_no_front_and_hides_nobody():
    gain = np.array([np.nan, 0.9, 0.8])
    assert pareto_front(gain, np.array([1.0, 3.0, np.nan]), higher(gain)).tolist() == [False, True, False]


@pytest.mark.parametrize("of", ["records", "csv"])
def test_a_higher_mean_that_is_not_surely_higher_is_no_step(record, run_folder, bench_report, of):
    # By cost: a noisy step of a point, then a sure one.
    levels = {"cheap": 0.80, "noisy": 0.81, "dear": 0.90}
    noise = 0.03 * np.random.default_rng(0).standard_normal((3, 6))
    noise -= noise.mean(axis=1, keepdims=True)
    records = []
    for place, (name, level) in enumerate(levels.items()):
        for seed in range(6):
            one = record(name, seed, round(float(level + noise[place, seed]), 4))
            one["cost"] |= {"macs": 1000 * (place + 1)}
            records.append(one)
    folder = run_folder(records)
    bench_report(folder)
    source = Source.of(load_runs([folder])) if of == "records" else Source.read([folder / "leaderboard.csv"])
    lines = source.boards[0].ranked("fusion", "accuracy")
    judge = Judge(lines, "accuracy", source.sections[0] if of == "records" else None, 0.01)
    front = front_of(lines, "accuracy", COSTS["macs"], judge)
    assert lines["fusion"][front].tolist() == ["dear", "cheap"]


@pytest.mark.parametrize("seeds", [1, 2])
def test_of_too_few_seeds_nothing_is_surely_better(record, run_folder, bench_report, seeds):
    # Both a csv and lines of two backbones are judged by intervals, of which one seed has none.
    records = [
        record(name, seed, level + 0.0001 * seed)
        for name, level in {"cheap": 0.8, "dear": 0.9}.items()
        for seed in range(seeds)
    ]
    folder = run_folder(records)
    bench_report(folder)
    lines = Source.read([folder / "leaderboard.csv"]).boards[0].ranked("fusion", "accuracy")
    judge = Judge(lines, "accuracy", None, 0.01)
    assert not any(judge(one, other) for one in range(2) for other in range(2))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-3.0, -2.0, 0.5], [0.035, 0.07, 0.5]),
        ([0.5, 2.0, 3.0], [0.5, 0.93, 0.965]),
        ([0.5, 0.5], [0.4825, 0.5175]),
    ],
)
def test_numbers_of_what_lies_beyond_the_axis_stand_inside_its_edge(values, expected):
    assert _heights(values, 0.0, 1.0) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [("infer", 813.35, "813 pairs/s"), ("infer", 45.2, "45.2 pairs/s"), ("macs", 9.142e6, "9.14 M MACs")],
)
def test_costs_have_a_unit(field, value, text):
    assert _cost_text(value, COSTS[field]) == text
