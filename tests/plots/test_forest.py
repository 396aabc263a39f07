"""The forest plot: where the dots and lines of each fusion lie, and what their colours say."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy.stats import t

from bench.errors import UsageError
from bench.plots.contract import Source
from bench.plots.forest import Forest
from bench.plots.style import GREY, VERMILION
from bench.records.load import load_runs

SEEDS = 8


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    levels = {"concat": 0.95, "level": 0.95, "worse": 0.90}
    return {name: level + 0.004 * rng.standard_normal(SEEDS) for name, level in levels.items()}


@pytest.fixture
def axis(scores, record, run_folder):
    records = [record(name, seed, float(value)) for name, own in scores.items() for seed, value in enumerate(own)]
    source = Source.of(load_runs([run_folder(records)]))

    def drawn(baseline=""):
        ((_, draw),) = Forest(baseline).jobs(source, "accuracy", ())
        return draw().axes[0]

    return drawn


def test_dots_are_mean_differences_in_points_and_lines_their_t_intervals(scores, axis):
    found = axis("concat")
    assert [label.get_text() for label in found.get_yticklabels()] == ["level", "worse"]
    lines, dots = found.collections[0].get_segments(), found.collections[1].get_offsets()
    for row, name in enumerate(("level", "worse")):
        difference = 100 * (scores[name] - scores["concat"])
        half = t.ppf(0.975, SEEDS - 1) * difference.std(ddof=1) / np.sqrt(SEEDS)
        assert list(dots[row]) == pytest.approx([difference.mean(), row])
        assert list(lines[row][:, 0]) == pytest.approx([difference.mean() - half, difference.mean() + half])


def test_only_what_is_told_apart_is_coloured(axis):
    colors = [to_hex(color) for color in axis("concat").collections[1].get_facecolors()]
    assert colors == [GREY.lower(), VERMILION.lower()]


def test_without_a_baseline_the_best_one_is_it(scores, axis):
    best = max(("concat", "level"), key=lambda name: scores[name].mean())
    assert axis().get_xlabel().endswith(f"points from {best}")


def test_a_baseline_that_is_not_there_is_one_line(scores, record, run_folder, bench_plot, tmp_path):
    run = run_folder([record(name, seed) for name in scores for seed in range(2)])
    message = r"forest: .*--baseline mine: no score on color; fusions that have one: concat"
    with pytest.raises(UsageError, match=message):
        bench_plot(run, "--kind", "forest:baseline=mine", "--out", tmp_path / "out")
