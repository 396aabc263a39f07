"""The forest plot: where the dots and lines of each fusion lie, what their colours say, and where the axis ends."""

import re

import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy.stats import t

from bench.errors import UsageError
from bench.plots.contract import Source
from bench.plots.forest import Forest
from bench.plots.shades import EQUIVALENT, TIED, WORSE
from bench.records.load import load_runs
from tests.plots.headings import heading_of

SEEDS = 8


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    levels = {"concat": 0.95, "level": 0.951, "worse": 0.89, "lost": 0.5}
    noise = 0.004 * rng.standard_normal((len(levels), SEEDS))
    noise -= noise.mean(axis=1, keepdims=True)
    return {name: level + own for (name, level), own in zip(levels.items(), noise, strict=True)}


@pytest.fixture
def figure(scores, record, run_folder):
    records = [record(name, seed, float(value)) for name, own in scores.items() for seed, value in enumerate(own)]
    source = Source.of(load_runs([run_folder(records)]))

    def drawn(baseline=""):
        ((_, draw),) = Forest(baseline).jobs(source, "accuracy", ())
        return draw()

    return drawn


def rows(figure):
    """By fusion: the ends of its line where it has one, and its marker."""
    axis = figure.axes[0]
    names = [label.get_text() for label in axis.get_yticklabels()]
    lines = {int(ends[0][1]): ends[:, 0].tolist() for one in axis.collections for ends in one.get_segments()}
    markers = {int(line.get_ydata()[0]): line for line in axis.lines if line.get_marker() in "o<>"}
    return {name: (lines.get(row), markers[row]) for row, name in enumerate(names)}


def test_dots_are_mean_differences_in_points_and_lines_their_t_intervals(scores, figure):
    found = rows(figure("concat"))
    for name in ("level", "worse"):
        difference = 100 * (scores[name] - scores["concat"])
        half = t.ppf(0.975, SEEDS - 1) * difference.std(ddof=1) / np.sqrt(SEEDS)
        line, dot = found[name]
        assert dot.get_xdata()[0] == pytest.approx(difference.mean())
        assert line == pytest.approx([difference.mean() - half, difference.mean() + half])


def test_numbers_beside_a_row_say_the_same(scores, figure):
    texts = [text.get_text().replace("\N{MINUS SIGN}", "-") for text in figure("concat").axes[0].texts]
    difference = 100 * (scores["worse"] - scores["concat"]).mean()
    assert f"{scores['worse'].mean():.3f}" in texts
    assert any(re.match(rf"{difference:+.2f} \[", text) for text in texts)


def test_colours_are_those_of_the_verdicts_beside_a_baseline(figure):
    colors = {name: to_hex(dot.get_color()) for name, (_, dot) in rows(figure("concat")).items()}
    assert colors["level"] == EQUIVALENT.line.lower()
    assert colors["worse"] == WORSE[2].line.lower()


def test_without_a_baseline_the_best_one_is_it_and_the_tie_group_is_blue_and_bold(scores, figure):
    best = max(("concat", "level"), key=lambda name: scores[name].mean())
    picture = figure()
    assert f"difference from {best}, the best one" in heading_of(picture)
    assert {to_hex(rows(picture)[name][1].get_color()) for name in ("concat", "level")} == {TIED.line.lower()}
    weights = {label.get_text(): label.get_fontweight() for label in picture.axes[0].get_yticklabels()}
    assert weights == {"concat": "bold", "level": "bold", "worse": "normal", "lost": "normal"}


def test_the_axis_ends_near_the_better_half_and_an_arrow_stands_for_what_is_far(figure):
    picture = figure()
    low, _ = picture.axes[0].get_xlim()
    assert -10 < low < -6
    _, arrow = rows(picture)["lost"]
    assert (arrow.get_marker(), arrow.get_xdata()[0]) == ("<", low)


def test_a_baseline_that_is_not_there_is_one_line(scores, record, run_folder, bench_plot, tmp_path):
    run = run_folder([record(name, seed) for name in scores for seed in range(2)])
    message = r"forest: .*--baseline mine: no score on color; fusions that have one: concat"
    with pytest.raises(UsageError, match=message):
        bench_plot(run, "--kind", "forest:baseline=mine", "--out", tmp_path / "out")
