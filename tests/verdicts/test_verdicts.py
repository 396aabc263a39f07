import math

import numpy as np
import pytest
from scipy import stats

from bench.errors import UsageError
from bench.records.entries import entries_of
from bench.records.load import load_runs, pool
from bench.stats.paired import Shared
from bench.verdicts.verdicts import Difference, compare_to_baseline, judge


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
            "short": base[:2].tolist(),
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
    base = np.array(noisy(0.8, 5, 0.02, 0))
    gain = {"up": (base + noisy(0.03, 5, 0.02, 1)).tolist()}
    others = {f"other{i}": (base + noisy(0, 5, 0.05, 10 + i)).tolist() for i in range(6)}
    alone = compare({"concat": base.tolist(), **gain})["up"]
    crowd = compare({"concat": base.tolist(), **gain, **others})["up"]
    assert (alone.word, crowd.word) == ("better", "inconclusive")
    assert crowd.smallest_detectable > alone.smallest_detectable


def test_five_of_five_seeds_twenty_points_behind_are_worse(compare):
    base = np.array([0.955, 0.957, 0.949, 0.961, 0.953])
    behind = base - np.array([0.2047, 0.1985, 0.2061, 0.1969, 0.2023])
    found = compare({"concat": base.tolist(), "two_channel": behind.tolist(), "twin": (base + 1e-4).tolist()})
    assert {name: verdict.word for name, verdict in found.items()} == {"two_channel": "worse", "twin": "equivalent"}
    assert not found["two_channel"].is_disputed  # with five blocks no pattern of signs is rare enough to reject
    assert found["two_channel"].p_sign_flip == pytest.approx(2 * 2 / 2**5)


def test_three_seeds_are_judged_and_two_are_not(compare):
    base = np.array([0.9, 0.91, 0.905])
    scores = {"concat": base.tolist(), "down": (base - [0.2, 0.201, 0.199]).tolist(), "short": base[:2].tolist()}
    assert {name: verdict.word for name, verdict in compare(scores).items()} == {
        "down": "worse", "short": "too few seeds",
    }  # fmt: skip


def test_a_run_on_few_pairs_makes_no_other_one_coarser(run_folder, record, metrics):
    records = [record(one, seed, 0.9 + by) for one, by in (("concat", 0.0), ("up", 0.02)) for seed in range(5)]
    small = record("small", 9, eval={"color": {**metrics(0.9), "n": 32}})
    errors = []
    for number, known in enumerate((records, [*records, small])):
        entries = entries_of(pool(load_runs([run_folder(known, name=f"run{number}")])).cells)
        (up, *_) = [one for one in compare_to_baseline(entries, "concat", "accuracy", "color") if one.fusion == "up"]
        errors.append((up.word, up.paired.error))
    assert errors[0] == errors[1] == ("better", pytest.approx(1 / 2000 / 5))


def test_differences_without_any_spread_have_a_word(compare):
    base = [0.75, 0.5, 0.625, 0.875]
    moved = {name: [value + by for value in base] for name, by in {"up": 0.125, "down": -0.125, "same": 0.0}.items()}
    found = compare({"concat": base, **moved})
    assert {name: verdict.word for name, verdict in found.items()} == {
        "up": "better", "down": "worse", "same": "equivalent",
    }  # fmt: skip
    # As if one of the four were one of 2,000 pairs away.
    assert found["up"].paired.error == pytest.approx(1 / 2000 / 4)


def test_p_values_are_scipys_adjusted_step_by_step(compare):
    base = np.array(noisy(0.8, 8, 0.02, 0))
    scores = {"a": base + noisy(0.01, 8, 0.01, 1), "b": base + noisy(0.02, 8, 0.01, 2)}
    found = compare({"concat": base.tolist(), **{name: values.tolist() for name, values in scores.items()}})
    own = {name: stats.ttest_rel(values, base).pvalue for name, values in scores.items()}
    inside = {
        name: max(
            stats.ttest_1samp(values - base, 0.01, alternative="less").pvalue,
            stats.ttest_1samp(values - base, -0.01, alternative="greater").pvalue,
        )
        for name, values in scores.items()
    }
    for p, attribute in ((own, "p_holm"), (inside, "p_equivalent")):
        first, second = sorted(p, key=p.get)
        assert getattr(found[first], attribute) == pytest.approx(min(1, 2 * p[first]))
        assert getattr(found[second], attribute) == pytest.approx(min(1, max(2 * p[first], p[second])))


def test_a_word_that_rests_on_the_form_of_the_noise_is_marked():
    """One wild block hides from the t test what every sign shows, and the other way round."""
    every_sign = np.array([0.02, 0.021, 0.019, 0.022, 0.018, 0.02, 0.021, 0.5])
    found = judge([Difference("wild", "x", every_sign)], 1, 0.001)[0]
    assert (found.word, found.is_disputed) == ("inconclusive", True)
    calm = judge([Difference("calm", "x", every_sign[:7])], 1, 0.001)[0]
    assert (calm.word, calm.is_disputed) == ("better", False)
    few = judge([Difference("few", "x", np.array([0.02, 0.021, 0.5, 0.02, 0.02]))], 1, 0.001)[0]
    assert (few.word, few.is_disputed) == ("inconclusive", False)


def test_what_blocks_share_makes_a_verdict_more_careful():
    values = np.array([0.02, 0.021, 0.019, 0.022])
    alone = judge([Difference("a", "x", values)], 1, 0.01)[0]
    shared = judge([Difference("a", "x", values, Shared(0.02**2))], 1, 0.01)[0]
    assert (alone.word, shared.word) == ("better", "inconclusive")
    assert shared.smallest_detectable == pytest.approx(2.8 * 0.02, rel=0.01)


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
    assert found["x"].p_sign_flip == pytest.approx(2 * 2 / 2**8)


def test_a_flip_of_signs_disputes_nothing_where_test_pairs_are_shared():
    every_sign = np.array([0.02, 0.021, 0.019, 0.022, 0.018, 0.02, 0.021, 0.02])
    (alone,) = judge([Difference("a", "x", every_sign)], 1, 0.001)
    (shared,) = judge([Difference("a", "x", every_sign, Shared(0.05**2))], 1, 0.001)
    assert (alone.word, alone.is_disputed) == ("better", False)
    assert (shared.word, shared.p_sign_flip <= 0.05, shared.is_disputed) == ("inconclusive", True, False)
