"""The threshold chosen on validation: no other one has a better F1, or a better accuracy."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings

from bench.evaluation.metrics import best_threshold, most_accurate_threshold
from tests.scored import Labels, Scores, close, decided, evaluate, f1, near, nearer, scored


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
