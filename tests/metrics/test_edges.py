"""Metrics of scores at the edge, perfect, wrong, equal or huge: finite numbers, and those that they should be."""

import math
import warnings
from statistics import NormalDist
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.evaluation.metrics import best_threshold
from tests.scored import LABEL, Labels, evaluate


def check_finite(label: Labels, scores: NDArray[np.floating]) -> SimpleNamespace:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = evaluate(label, scores, scores, best_threshold(label, scores))
    assert all(math.isfinite(value) for value in vars(got).values()), got
    return got


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
