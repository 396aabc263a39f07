"""The error of test pairs against what it stands for: other draws of pairs, of images and of classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from bench.metrics import METRICS, Scored
from bench.stats.pair_error import KNOWN, influence, nothing_shared, pair_covariances
from bench.stats.ties import tie_group

THRESHOLD, TUNED = 0.3, -0.2


def variance(each: NDArray[np.float64], units: NDArray[np.int64] | None) -> float:
    return float(pair_covariances(each[None], units).own.item())


def scored(generator: np.random.Generator, n: int) -> Scored:
    label = np.arange(n) % 2
    scores = generator.normal(size=n) + 1.2 * label - 0.5
    return Scored(label, scores, scores, THRESHOLD, TUNED, np.tanh(scores))


def part(whole: Scored, rows: NDArray[np.int64]) -> Scored:
    return Scored(
        *(own[rows] for own in (whole.label, whole.scores, whole.scores)), THRESHOLD, TUNED, whole.cosine[rows]
    )


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_an_influence_is_what_leaving_a_pair_out_does(name: str) -> None:
    whole = scored(np.random.default_rng(3), 400)
    found, compute = influence(name, whole), METRICS.get(name)().compute
    without = np.array([compute(part(whole, np.delete(np.arange(400), one))) for one in range(400)])
    for label in (0, 1):
        own = whole.label == label
        assert found[own].sum() == pytest.approx(0, abs=1e-12)
        assert found[own] == pytest.approx(without[own].mean() - without[own], rel=0.02, abs=2e-5)


@pytest.mark.parametrize("name", ["accuracy", "auc", "f1", "precision"])
def test_the_variance_is_that_of_other_draws_of_pairs(name: str) -> None:
    compute, generator = METRICS.get(name)().compute, np.random.default_rng(0)
    draws = [compute(scored(generator, 400)) for _ in range(600)]
    told = [variance(influence(name, scored(generator, 400)), None) for _ in range(20)]
    assert np.sqrt(np.mean(told)) == pytest.approx(np.std(draws), rel=0.12)


def test_the_variance_of_an_auc_is_that_of_delong() -> None:
    whole = scored(np.random.default_rng(1), 60)
    same, other = whole.scores[whole.label == 1], whole.scores[whole.label == 0]
    beats = (same[:, None] > other) + 0.5 * (same[:, None] == other)
    assert beats.mean() == pytest.approx(metrics.roc_auc_score(whole.label, whole.scores))
    delong = beats.mean(1).var(ddof=1) / len(same) + beats.mean(0).var(ddof=1) / len(other)
    assert variance(influence("auc", whole), None) == pytest.approx(delong, rel=0.03)


def test_pairs_of_the_same_images_are_fewer_than_they_look() -> None:
    """Images differ in how hard they are; a draw of others moves the accuracy by more than pairs alone would tell."""
    generator, images, pairs = np.random.default_rng(2), 60, 1200

    def draw() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        hard, units = generator.normal(size=images), generator.integers(images, size=(pairs, 2))
        right = generator.random(pairs) < 1 / (1 + np.exp(-1 - hard[units].sum(axis=1)))
        return right.astype(float), units

    draws = np.std([draw()[0].mean() for _ in range(500)])
    told, alone = [], []
    for _ in range(40):
        right, units = draw()
        each = (right - right.mean()) / pairs
        told.append(variance(each, units))
        alone.append(variance(each, None))
    assert np.sqrt(np.mean(told)) == pytest.approx(draws, rel=0.15)
    assert np.sqrt(np.mean(alone)) < 0.6 * draws


def test_products_of_pairs_that_share_a_unit_are_counted_once() -> None:
    generator = np.random.default_rng(5)
    each, units = generator.normal(size=30), generator.integers(6, size=(30, 2))
    shares = np.array([[bool(set(one) & set(other)) for other in units.tolist()] for one in units.tolist()])
    expected = max((each**2).sum(), each @ shares @ each) * 6 / 5
    assert variance(each, units) == pytest.approx(expected)
    assert pair_covariances(each[None], units).freedom == 5


def test_differences_have_the_variance_of_their_influences() -> None:
    generator = np.random.default_rng(6)
    rows, units = generator.normal(size=(3, 50)), generator.integers(9, size=(50, 2))
    found = pair_covariances(rows, units)
    for i, j in np.ndindex(3, 3):
        assert found.between[i, j] == pytest.approx(variance(rows[i] - rows[j], units), abs=1e-9)
    both = (found + pair_covariances(rows, None)).scaled(0.5)
    expected = (found.products + pair_covariances(rows, None).products) / 4
    assert both.own == pytest.approx([expected[:, row, row].max() for row in range(3)])
    assert both.freedom == found.freedom


def test_a_domain_that_does_not_move_leaves_the_other_one_as_coarse_as_it_is() -> None:
    """The mean of 100 pairs and of 4,000 that all are right: 24 equal fusions, three times."""
    coarse, fine = (replace(nothing_shared(24), step=1 / pairs) for pairs in (100, 4_000))
    both = (coarse + fine).scaled(1 / 2)
    scores = (np.random.default_rng(0).binomial(100, 0.98, (1_000, 3, 24)) / 100 + 1) / 2
    lost = np.mean([not tie_group(one, 1, both.between, both.freedom, both.step)[0] for one in scores])
    assert lost < 0.05
    assert np.mean([not tie_group(one, 1, step=fine.step / 2)[0] for one in scores]) > 0.1
