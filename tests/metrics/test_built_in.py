"""Every metric against a recomputation with plain loops and formulas, then to the last bit against the libraries."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import norm
from sklearn import metrics as sk

from bench import metrics as m
from bench.metrics import signal_detection
from tests.scored import Labels, Scores, close, decided, evaluate, f1, logit, scored, sigmoid


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
