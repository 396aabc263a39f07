"""Class-balanced top-k accuracies, their intervals and confusion."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, top_k_accuracy_score

from bench.probe.measures import Balanced, confusion, top_hits

RNG = np.random.default_rng(0)
LABEL = np.arange(120) % 5
SCORES = RNG.normal(size=(120, 5)) + 1.5 * np.eye(5)[LABEL]


@pytest.mark.parametrize("k", [1, 2, 4])
def test_top_hits_are_those_of_scikit_learn(k: int) -> None:
    assert top_hits(SCORES, LABEL, k).mean() == pytest.approx(top_k_accuracy_score(LABEL, SCORES, k=k))


def test_classes_that_tie_share_their_places_in_any_order() -> None:
    scores = np.array([[0.5, 0.5, 0.0], [0.2, 0.2 + 1e-13, 0.2], [0.0, 0.0, 1.0]])
    for order in ([0, 1, 2], [2, 0, 1]):
        label = np.array([order.index(0)] * 3)
        assert top_hits(scores[:, order], label, 1) == pytest.approx([0.5, 1 / 3, 0.0])
        assert top_hits(scores[:, order], label, 2) == pytest.approx([1.0, 2 / 3, 0.5])


def test_all_classes_weigh_alike() -> None:
    label = np.repeat([0, 1, 2], [80, 15, 5])
    predicted = np.where(RNG.random(100) < 0.3, 0, label)
    share = Balanced(label, None).share((predicted == label).astype(float))
    assert share.value == pytest.approx(balanced_accuracy_score(label, predicted))
    assert share.low < share.value < share.high
    assert share == Balanced(label, None).share((predicted == label).astype(float))


def test_an_interval_covers_the_truth_as_often_as_it_says() -> None:
    label = np.repeat([0, 1], 30)
    inside = 0
    for seed in range(30):
        hits = (np.random.default_rng(seed).random(60) < np.array([0.9, 0.6])[label]).astype(float)
        share = Balanced(label, None, seed).share(hits)
        inside += share.low <= 0.75 <= share.high
    assert inside >= 24  # of 30 at 95 %: fewer come once in hundreds


def test_images_of_one_group_count_as_one() -> None:
    label, groups = np.zeros(200, int), np.arange(200) // 20
    hits = (groups % 2).astype(float)
    alone, together = Balanced(label, None).share(hits), Balanced(label, groups).share(hits)
    assert alone.value == together.value == 0.5
    assert together.high - together.low > 3 * (alone.high - alone.low)
    few = Balanced(label, np.arange(200) % 4).share(hits)
    assert few.value == 0.5
    assert np.isnan([few.low, few.high]).all()


def test_differences_over_the_same_images_are_paired() -> None:
    hits = (RNG.random(120) < 0.5).astype(float)
    better = hits.copy()
    better[:3] = 1.0
    lead = Balanced(LABEL, None).share(better - hits)
    assert lead.low >= 0
    assert lead.high < 0.1


def test_confusion_has_true_classes_in_rows() -> None:
    predicted = SCORES.argmax(1)
    assert (confusion(predicted, LABEL, 5) == confusion_matrix(LABEL, predicted)).all()
    assert confusion(np.array([2]), np.array([0]), 3).tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
