"""Every metric against a recomputation with plain loops and formulas, then to the last bit against the libraries."""

import math
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm
from sklearn import metrics as sk

from bench import metrics as m
from bench import zoo
from bench.evaluation.metrics import best_threshold, most_accurate_threshold
from bench.metrics import METRICS, signal_detection
from bench.registry import DuplicateNameError

Labels = NDArray[np.int64]
Scores = NDArray[np.float32]

near = np.nextafter(np.float32(1), np.float32(2))
nearer = np.nextafter(near, np.float32(2))

logit = st.one_of(
    st.floats(-8, 8, width=32),
    st.sampled_from([0.0, 1.0, -1.0, float(near), float(nearer), 0.5, 20.0, -20.0, 1e4, -1e4]),
)


@st.composite
def scored(draw: st.DrawFn, smallest: int = 2, largest: int = 60) -> tuple[Labels, Scores, Scores]:
    """Labels of both kinds, with the scores of both orders."""
    n = draw(st.integers(smallest, largest))
    label = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n).filter(lambda drawn: 0 < sum(drawn) < n))
    scores, swapped = (draw(st.lists(logit, min_size=n, max_size=n)) for _ in range(2))
    return np.array(label), np.array(scores, np.float32), np.array(swapped, np.float32)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def count(label: Labels, called_same: list[bool]) -> tuple[int, int, int, int]:
    """True positives, false positives, false negatives, true negatives."""
    pairs = list(zip(label.tolist(), called_same, strict=True))
    return tuple(sum(1 for pair in pairs if pair == case) for case in ((1, True), (0, True), (1, False), (0, False)))


def f1(tp: int, fp: int, fn: int) -> float:
    return 2 * tp / (2 * tp + fp + fn)


def decided(label: Labels, scores: Scores, threshold: float) -> tuple[int, int, int, int]:
    return count(label, [s > threshold for s in scores.astype(float).tolist()])


def evaluate(
    label: Labels, scores: NDArray[np.floating], swapped: NDArray[np.floating], threshold: float, tuned: float = 0.0
) -> SimpleNamespace:
    return SimpleNamespace(**m.evaluate(label, scores, swapped, threshold, tuned, np.tanh(scores), math.tanh(tuned)))


close = lambda value: pytest.approx(value, abs=1e-6, rel=1e-6)  # noqa: E731


@given(case=scored())
@settings(max_examples=40, deadline=None)
def test_decisions_at_zero(case: tuple[Labels, Scores, Scores]) -> None:
    label, scores, swapped = case
    got = evaluate(label, scores, swapped, threshold=0.0)
    tp, fp, fn, tn = decided(label, scores, 0.0)
    assert got.accuracy == close((tp + tn) / len(label))
    assert got.balanced_accuracy == close((tp / (tp + fn) + tn / (tn + fp)) / 2)
    assert got.precision == close(tp / (tp + fp) if tp + fp else 0)
    assert got.recall == close(tp / (tp + fn))
    assert got.f1 == close(f1(tp, fp, fn))
    assert got.p_same == close((tp + fp) / len(label))


@given(case=scored(), threshold=logit)
@settings(max_examples=30, deadline=None)
def test_decisions_at_the_threshold_from_validation(case: tuple[Labels, Scores, Scores], threshold: float) -> None:
    label, scores, swapped = case
    got = evaluate(label, scores, swapped, threshold, tuned=-threshold)
    tp, fp, fn, tn = decided(label, scores, threshold)
    assert (got.threshold, got.threshold_tuned) == (threshold, -threshold)
    assert got.accuracy_val == close((tp + tn) / len(label))
    assert got.f1_val == close(f1(tp, fp, fn))
    tp, _, _, tn = decided(label, scores, -threshold)
    assert got.accuracy_tuned == close((tp + tn) / len(label))


@given(case=scored())
@settings(max_examples=40, deadline=None)
def test_ranking_metrics(case: tuple[Labels, Scores, Scores]) -> None:
    label, scores, swapped = case
    got = evaluate(label, scores, swapped, 0.0)
    same = [s for s, y in zip(scores.tolist(), label.tolist(), strict=True) if y == 1]
    different = [s for s, y in zip(scores.tolist(), label.tolist(), strict=True) if y == 0]

    wins = sum((s > d) + 0.5 * (s == d) for s in same for d in different)
    assert got.auc == close(wins / (len(same) * len(different)))

    average_precision, recall_before, fpr95 = 0.0, 0.0, None
    for threshold in sorted(set(scores.tolist()), reverse=True):
        tp, fp = sum(s >= threshold for s in same), sum(d >= threshold for d in different)
        recall = tp / len(same)
        average_precision += (recall - recall_before) * tp / (tp + fp)
        recall_before = recall
        if fpr95 is None and tp * 100 >= 95 * len(same):
            fpr95 = fp / len(different)
    assert got.average_precision == close(average_precision)
    assert got.fpr95 == close(fpr95)


@given(case=scored())
@settings(max_examples=40, deadline=None)
def test_probability_metrics(case: tuple[Labels, Scores, Scores]) -> None:
    label, scores, swapped = case
    got = evaluate(label, scores, swapped, 0.0)
    p, q = ([sigmoid(s) for s in side.tolist()] for side in (scores, swapped))
    truth = label.tolist()
    n = len(truth)
    assert got.brier == close(sum((a - y) ** 2 for a, y in zip(p, truth, strict=True)) / n)

    def surprise(s: float, y: int) -> float:
        against = -s if y == 1 else s  # -log sigmoid(-against)
        return max(against, 0) + math.log1p(math.exp(-abs(against)))

    assert got.log_loss == close(sum(surprise(s, y) for s, y in zip(scores.tolist(), truth, strict=True)) / n)
    assert got.swap_gap == close(sum(abs(a - b) for a, b in zip(p, q, strict=True)) / n)
    flips = sum((s > 0) != (t > 0) for s, t in zip(scores.tolist(), swapped.tolist(), strict=True))
    assert got.swap_flips == close(flips / n)


@given(label=st.lists(st.integers(0, 1), min_size=40, max_size=40), bins=st.integers(1, 45), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_calibration_error(label: list[int], bins: int, seed: int) -> None:
    probability = np.random.default_rng(seed).random(40)
    ranked = sorted(zip(probability.tolist(), label, strict=True))
    expected, start = 0.0, 0
    for b in range(bins):
        size = 40 // bins + (b < 40 % bins)
        part = ranked[start : start + size]
        start += size
        if part:
            gap = sum(p for p, _ in part) / size - sum(y for _, y in part) / size
            expected += abs(gap) * size / 40
    assert m.expected_calibration_error(np.array(label), probability, bins) == close(expected)


@given(case=scored())
@settings(max_examples=40, deadline=None)
def test_signal_detection(case: tuple[Labels, Scores, Scores]) -> None:
    label, scores, swapped = case
    got = evaluate(label, scores, swapped, 0.0)
    tp, fp, fn, tn = decided(label, scores, 0.0)
    z = NormalDist().inv_cdf
    hits, alarms = z((tp + 0.5) / (tp + fn + 1)), z((fp + 0.5) / (fp + tn + 1))
    assert got.d_prime == close(hits - alarms)
    assert got.criterion == close(-(hits + alarms) / 2)


def test_d_prime_of_the_textbook() -> None:
    """Hit rate .8 and false alarm rate .3: d' = .842 + .524 = 1.366, c = -.159 (Macmillan & Creelman)."""
    n = 100_000
    label = np.repeat([1, 0], n)
    decision = np.concatenate([np.arange(n) < 0.8 * n, np.arange(n) < 0.3 * n])
    d_prime, criterion = signal_detection(label, decision)
    assert d_prime == pytest.approx(1.366, abs=1e-3)
    assert criterion == pytest.approx(-0.159, abs=1e-3)


def test_a_bias_moves_the_criterion_and_not_d_prime_or_auc() -> None:
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 50_000)
    scores = rng.normal(label * 1.5, 1.0)
    for shift in (0.0, 0.75, 1.5):
        got = evaluate(label, scores - shift, scores - shift, 0.0)
        assert got.d_prime == pytest.approx(1.5, abs=0.03)
        assert got.criterion == pytest.approx(shift - 0.75, abs=0.03)
        assert got.auc == pytest.approx(NormalDist().cdf(1.5 / math.sqrt(2)), abs=0.004)


def test_calibrated_scores_have_a_small_calibration_error_and_overconfident_ones_do_not() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, 50_000)
    label = (rng.random(50_000) < 1 / (1 + np.exp(-scores))).astype(int)
    assert evaluate(label, scores, scores, 0.0).ece < 0.01
    assert evaluate(label, 4 * scores, 4 * scores, 0.0).ece > 0.08


# --- the threshold chosen on validation ---


def best_f1(label: Labels, scores: Scores) -> float:
    """Over every cut that there is, everything called same among them."""
    cuts = [-math.inf, *scores.astype(float).tolist()]
    return max(f1(*decided(label, scores, cut)[:3]) for cut in cuts)


@given(case=scored(largest=25))
@settings(max_examples=120, deadline=None)
def test_no_other_threshold_has_a_better_f1(case: tuple[Labels, Scores, Scores]) -> None:
    label, scores, swapped = case
    chosen = best_threshold(label, scores)
    assert math.isfinite(chosen)
    assert f1(*decided(label, scores, chosen)[:3]) == close(best_f1(label, scores))
    assert evaluate(label, scores, swapped, chosen).f1_val == close(best_f1(label, scores))


@given(case=scored(largest=25))
@settings(max_examples=120, deadline=None)
def test_no_other_threshold_is_more_accurate(case: tuple[Labels, Scores, Scores]) -> None:
    label, scores, swapped = case
    chosen = most_accurate_threshold(label, scores)
    assert math.isfinite(chosen)
    told = [decided(label, scores, cut) for cut in (chosen, -math.inf, *scores.astype(float).tolist())]
    own, *others = (tp + tn for tp, _, _, tn in told)
    assert own == max(others)
    assert evaluate(label, scores, swapped, 0.0, chosen).accuracy_tuned == close(own / len(label))


@pytest.mark.parametrize(("low", "high"), [(1.0, near), (near, nearer)])
def test_threshold_between_neighbouring_float32_scores(low: float, high: float) -> None:
    label, scores = np.array([0, 0, 1, 1]), np.array([low, low, high, high], np.float32)
    got = evaluate(label, scores, scores, *(of(label, scores) for of in (best_threshold, most_accurate_threshold)))
    assert got.f1_val == got.accuracy_tuned == 1.0


@pytest.mark.parametrize("of", [best_threshold, most_accurate_threshold])
def test_threshold_lies_halfway_between_the_two_groups(of: Callable[[Labels, Scores], float]) -> None:
    label = np.array([0, 0, 1, 1])
    assert of(label, np.array([-3.0, 1.0, 2.0, 5.0], np.float32)) == pytest.approx(1.5)


# --- edges ---


def check_finite(label: Labels, scores: NDArray[np.floating]) -> SimpleNamespace:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = evaluate(label, scores, scores, best_threshold(label, scores))
    assert all(math.isfinite(value) for value in vars(got).values()), got
    return got


LABEL = np.array([0, 1] * 50)


@pytest.mark.parametrize("size", [1.0, 30.0, 1e4])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_perfect_scores(size: float, kind: type) -> None:
    got = check_finite(LABEL, np.where(LABEL == 1, size, -size).astype(kind))
    perfect = (got.accuracy, got.balanced_accuracy, got.precision, got.recall, got.f1, got.auc, got.average_precision)
    assert perfect == (1, 1, 1, 1, 1, 1, 1)
    assert (got.accuracy_val, got.f1_val, got.fpr95, got.p_same) == (1, 1, 0, 0.5)
    assert got.d_prime == pytest.approx(2 * NormalDist().inv_cdf(50.5 / 51))
    assert got.log_loss == pytest.approx(math.log1p(math.exp(-size)), abs=1e-6)


@pytest.mark.parametrize("size", [1.0, 30.0, 1e4])
def test_exactly_wrong_scores(size: float) -> None:
    got = check_finite(LABEL, np.where(LABEL == 1, -size, size).astype(np.float32))
    assert (got.accuracy, got.f1, got.auc, got.fpr95) == (0, 0, 0, 1)
    assert got.log_loss == pytest.approx(size + math.log1p(math.exp(-size)))
    assert got.f1_val == pytest.approx(2 / 3)  # calling all pairs same is the best that is left


@pytest.mark.parametrize("constant", [0.0, 2.5, -2.5, 1e4, -1e4])
def test_the_same_score_for_all(constant: float) -> None:
    got = check_finite(LABEL, np.full(100, constant, np.float32))
    assert (got.accuracy, got.balanced_accuracy, got.auc, got.d_prime) == (0.5, 0.5, 0.5, 0)
    assert got.p_same == (constant > 0)
    assert got.fpr95 == 1
    assert (got.f1, got.precision) == (pytest.approx(2 / 3 * (constant > 0)), 0.5 * (constant > 0))


@given(scale=st.sampled_from([1e3, 1e4]), seed=st.integers(0, 50))
@settings(max_examples=10, deadline=None)
def test_extreme_scores_stay_finite(scale: float, seed: int) -> None:
    scores = (np.random.default_rng(seed).choice([-1.0, 1.0], 100) * scale).astype(np.float32)
    got = check_finite(LABEL, scores)
    wrong = np.mean((scores > 0) != (LABEL == 1))
    assert got.log_loss == pytest.approx(wrong * scale)
    assert got.brier == pytest.approx(wrong)


def test_metrics_are_plain_numbers_by_name() -> None:
    rng = np.random.default_rng(0)
    values = m.evaluate(LABEL, *rng.normal(size=(2, 100)).astype(np.float32), 0.1, 0.2, rng.normal(size=100), 0.3)
    assert tuple(values) == m.metric_names()
    assert {type(value) for value in values.values()} == {float}


@given(case=scored(), threshold=logit)
@settings(max_examples=40, deadline=None)
def test_to_the_last_bit_what_the_libraries_say(case: tuple[Labels, Scores, Scores], threshold: float) -> None:
    label, scores, swapped = case
    s, t = scores.astype(np.float64), swapped.astype(np.float64)
    fpr, tpr, _ = sk.roc_curve(label, s, drop_intermediate=False)
    hits, alarms = (((s > 0)[label == kind].sum() + 0.5) / ((label == kind).sum() + 1) for kind in (1, 0))
    bins = [own for own in np.array_split(np.argsort(expit(s), kind="stable"), 15) if len(own)]
    expected = {
        "accuracy": sk.accuracy_score(label, s > 0),
        "balanced_accuracy": sk.balanced_accuracy_score(label, s > 0),
        "precision": sk.precision_score(label, s > 0, zero_division=0),
        "recall": sk.recall_score(label, s > 0),
        "f1": sk.f1_score(label, s > 0),
        "auc": sk.roc_auc_score(label, s),
        "average_precision": sk.average_precision_score(label, s),
        "fpr95": fpr[np.argmax(tpr >= 0.95)],
        "brier": sk.brier_score_loss(label, expit(s)),
        "log_loss": np.logaddexp(0, -np.where(label == 1, 1.0, -1.0) * s).mean(),
        "ece": sum(abs(expit(s)[own].mean() - label[own].mean()) * len(own) for own in bins) / len(label),
        "d_prime": norm.ppf(hits) - norm.ppf(alarms),
        "criterion": -(norm.ppf(hits) + norm.ppf(alarms)) / 2,
        "p_same": (s > 0).mean(),
        "threshold": threshold,
        "accuracy_val": sk.accuracy_score(label, s > threshold),
        "f1_val": sk.f1_score(label, s > threshold),
        "swap_gap": np.abs(expit(s) - expit(t)).mean(),
        "swap_flips": ((s > 0) != (t > 0)).mean(),
        "threshold_tuned": threshold / 2,
        "accuracy_tuned": sk.accuracy_score(label, s > threshold / 2),
        "encoder_auc": sk.roc_auc_score(label, t),
        "encoder_accuracy": sk.accuracy_score(label, t > threshold / 3),
    }
    assert m.evaluate(label, scores, swapped, threshold, threshold / 2, swapped, threshold / 3) == expected
    without = m.evaluate(label, scores, swapped, threshold, threshold / 2)
    assert without == expected | {"encoder_auc": None, "encoder_accuracy": None}


# --- the contract ---

MINE = '''
from bench.metrics import HIGHER, LOWER, NEITHER, Metric, register_metric


@register_metric
class Mine(Metric):
    """Half of it."""

    name, direction = "mine", LOWER

    def compute(self, scored):
        return {value}

    {more}
'''


def test_what_is_not_defined_is_none(plugin: Callable[..., Path]) -> None:
    plugin(MINE.format(more="", value="float('nan')"))
    scores = np.linspace(-1, 1, 100)
    assert m.evaluate(LABEL, scores, scores, 0.0, 0.0)["mine"] is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("name = 'strata'", "'strata' cannot be the name of a column"),
        ("name = 'efficiency'", "'efficiency' cannot be the name of a column"),
        ("name = 'a,b'", "'a,b' cannot be the name of a column"),
        ("direction = 2", "direction must be HIGHER, LOWER or NEITHER"),
        ("judged, unit = True, 'nats'", "only a share with a better direction can be judged"),
        ("judged, direction = True, NEITHER", "only a share with a better direction can be judged"),
        ("name = 'auc'", "two metrics are named 'auc'"),
        ("compute = Metric.compute", "metric Mine does not define compute"),
    ],
)
def test_a_metric_that_breaks_the_contract_is_refused(plugin: Callable[..., Path], more: str, message: str) -> None:
    path = plugin(MINE.format(more=more, value="0.0"), load=False)
    try:
        zoo.load([path])
        found = next(broken.error for broken in zoo.broken_plugins() if broken.path == path)
    except DuplicateNameError as error:
        found = str(error)
    assert message in found
    assert "mine" not in METRICS


def test_the_table_is_read_without_what_computes_it() -> None:
    code = "import sys, bench.metrics; print([n for n in ('numpy', 'scipy', 'sklearn', 'torch') if n in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
