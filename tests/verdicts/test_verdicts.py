import math

import numpy as np
import pytest
from scipy import stats

from bench.errors import UsageError
from bench.records.entries import entries_of
from bench.records.load import load_runs, pool
from bench.verdicts.verdicts import compare_to_baseline


@pytest.fixture
def compare(run_folder, record):
    """Compares from scores by fusion, one per seed; None is a seed that did not finish."""

    def run(scores, metric="accuracy", baseline="concat", **options):
        records = [
            record(fusion, seed, value) if value is not None else record(fusion, seed, status="diverged")
            for fusion, values in scores.items()
            for seed, value in enumerate(values)
        ]
        entries = entries_of(pool(load_runs([run_folder(records)])).cells)
        return {found.fusion: found for found in compare_to_baseline(entries, baseline, metric, "color", **options)}

    return run


def noisy(mean, seeds, sd, seed):
    return np.random.default_rng(seed).normal(mean, sd, seeds).tolist()


def test_each_word_is_said_where_it_is_true(compare):
    base = np.array(noisy(0.8, 12, 0.02, 0))
    found = compare(
        {
            "concat": base.tolist(),
            "up": (base + noisy(0.05, 12, 0.01, 1)).tolist(),
            "down": (base - noisy(0.05, 12, 0.01, 2)).tolist(),
            "twin": (base + noisy(0.0, 12, 0.003, 3)).tolist(),
            "moody": (base + noisy(0.0, 12, 0.05, 4)).tolist(),
            "short": base[:4].tolist(),
        }
    )
    words = {name: verdict.word for name, verdict in found.items()}
    assert words == {
        "up": "better", "down": "worse", "twin": "equivalent", "moody": "inconclusive", "short": "too few seeds",
    }  # fmt: skip
    assert found["up"].family == 4
    assert math.isnan(found["short"].p_holm)


def test_less_is_better_where_the_metric_says_so(compare):
    base = noisy(0.3, 10, 0.01, 0)
    scores = {"concat": base, "lower": [value - 0.1 for value in base]}
    # The factory fills brier with half of the accuracy.
    assert compare(scores, metric="brier")["lower"].word == "better"
    assert compare(scores)["lower"].word == "worse"


def test_only_seeds_that_both_finished_are_paired(compare):
    first, second = noisy(0.9, 8, 0.01, 0), noisy(0.9, 8, 0.01, 1)
    broken = [None if seed in (2, 5) else value for seed, value in enumerate(second)]
    found = compare({"concat": first, "broken": broken})["broken"].paired
    expected = [b - a for seed, (a, b) in enumerate(zip(first, second, strict=True)) if seed not in (2, 5)]
    assert (found.n, found.mean) == (6, pytest.approx(np.mean(expected)))
    assert found.low == pytest.approx(stats.t.interval(0.95, 5, np.mean(expected), stats.sem(expected))[0])


def test_the_same_difference_means_less_in_a_larger_family(compare):
    base = np.array(noisy(0.8, 7, 0.02, 0))
    gain = {"up": (base + noisy(0.05, 7, 0.01, 1)).tolist()}
    others = {f"other{i}": (base + noisy(0, 7, 0.05, 10 + i)).tolist() for i in range(6)}
    assert compare({"concat": base.tolist(), **gain})["up"].word == "better"
    crowd = compare({"concat": base.tolist(), **gain, **others})["up"]
    assert (crowd.word, crowd.smallest_detectable) == ("inconclusive", math.inf)


def test_five_seeds_never_show_a_difference_but_can_show_that_there_is_none(compare):
    base = noisy(0.9, 5, 0.01, 0)
    found = compare({"concat": base, "up": [value + 0.05 for value in base], "twin": [v + 1e-4 for v in base]})
    assert {name: verdict.word for name, verdict in found.items()} == {"up": "inconclusive", "twin": "equivalent"}


def test_what_cannot_be_compared_is_explained(compare):
    scores = {"concat": [0.9], "other": [0.8]}
    with pytest.raises(UsageError, match="--metric p_same: more is neither better nor worse"):
        compare(scores, metric="p_same")
    with pytest.raises(UsageError, match="--baseline nope: no score on color; fusions that have one: concat, other"):
        compare(scores, baseline="nope")


def test_backbones_are_compared_apart_and_counted_as_one_family(run_folder, record):
    records = [
        record(fusion, seed, 0.8 + 0.01 * seed + gain * (fusion == "up"), backbone=backbone)
        for fusion in ("concat", "up")
        for backbone, gain in (("x", 0.1), ("y", -0.1))
        for seed in range(8)
    ]
    entries = entries_of(pool(load_runs([run_folder(records)])).cells)
    found = {verdict.backbone: verdict for verdict in compare_to_baseline(entries, "concat", "accuracy", "color")}
    assert {name: (verdict.word, verdict.family) for name, verdict in found.items()} == {
        "x": ("better", 2), "y": ("worse", 2),
    }  # fmt: skip
    assert found["x"].p_holm == pytest.approx(2 * 2 / 2**8)
