"""Measures of embeddings whose state is known, recomputed with loops."""

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import RidgeClassifier

from bench.evaluation.diagnostics import (
    RIDGE,
    alignment,
    effective_rank,
    embedding_diagnostics,
    embedding_std,
    name_probe,
    uniformity,
)


def gaussian(n: int, dim: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def unit_rows(embeddings: torch.Tensor) -> list[list[float]]:
    return [[x / math.sqrt(sum(y * y for y in row)) for x in row] for row in embeddings.double().tolist()]


@pytest.mark.parametrize("dim", [8, 64, 256])
def test_embedding_std_is_near_one_when_healthy(dim: int) -> None:
    assert embedding_std(gaussian(2000, dim)) == pytest.approx(1, abs=0.03)


def test_embedding_std_is_zero_when_all_are_alike() -> None:
    assert embedding_std(gaussian(1, 64).expand(100, 64)) == pytest.approx(0, abs=1e-5)


def test_embedding_std_looks_at_directions_alone() -> None:
    embeddings = gaussian(200, 32)
    lengths = torch.linspace(0.1, 10, 200)[:, None]
    assert embedding_std(embeddings * lengths) == pytest.approx(embedding_std(embeddings), rel=1e-5)
    assert embedding_std(gaussian(1, 32) * lengths) == pytest.approx(0, abs=1e-5)


def test_embedding_std_by_loops() -> None:
    embeddings = gaussian(12, 5)
    deviations = []
    for column in zip(*unit_rows(embeddings), strict=True):
        mean = sum(column) / len(column)
        deviations.append(math.sqrt(sum((x - mean) ** 2 for x in column) / (len(column) - 1)))
    assert embedding_std(embeddings) == pytest.approx(sum(deviations) / 5 * math.sqrt(5), rel=1e-5)


def test_maps_are_flattened() -> None:
    maps = gaussian(50, 48).view(50, 3, 4, 4)
    flat = maps.flatten(1)
    classes = torch.arange(50) % 2
    for measure in (embedding_std, effective_rank, uniformity):
        assert measure(maps) == pytest.approx(measure(flat))
    assert embedding_diagnostics(maps, maps, classes, classes) == embedding_diagnostics(flat, flat, classes, classes)


@pytest.mark.parametrize("rank", [1, 2, 5, 16])
def test_effective_rank_counts_equal_directions(rank: int) -> None:
    corners = torch.zeros(2 * rank, 32)  # +-1 along `rank` axes: equal singular values, centred
    for k in range(rank):
        corners[2 * k, k], corners[2 * k + 1, k] = 1, -1
    assert effective_rank(corners) == pytest.approx(rank, rel=1e-4)
    assert effective_rank(corners + 7) == pytest.approx(rank, rel=1e-3)  # a common offset is no direction


@given(ratio=st.floats(0.01, 1))
@settings(max_examples=20, deadline=None)
def test_effective_rank_of_two_unequal_directions(ratio: float) -> None:
    points = torch.tensor([[1.0, 0], [-1, 0], [0, ratio], [0, -ratio]])
    p = 1 / (1 + ratio)
    expected = math.exp(-(p * math.log(p) + (1 - p) * math.log(1 - p)))
    assert effective_rank(points) == pytest.approx(expected, rel=1e-3)


def test_effective_rank_of_identical_embeddings_is_finite_and_smallest() -> None:
    assert effective_rank(torch.ones(20, 8)) <= 1.001


def test_alignment_and_uniformity_by_loops() -> None:
    u, v = gaussian(9, 4), gaussian(9, 4, seed=1)
    first, second = unit_rows(u), unit_rows(v)
    gaps = [sum((x - y) ** 2 for x, y in zip(*pair, strict=True)) for pair in zip(first, second, strict=True)]
    assert alignment(u, v) == pytest.approx(sum(gaps) / len(gaps), rel=1e-5)
    kernel = [math.exp(-2 * sum((x - y) ** 2 for x, y in zip(*pair, strict=True))) for pair in combinations(first, 2)]
    assert uniformity(u) == pytest.approx(math.log(sum(kernel) / len(kernel)), rel=1e-4)


def test_alignment_and_uniformity_are_zero_when_all_coincide() -> None:
    same = gaussian(1, 16).expand(40, 16)
    assert alignment(same, same) == 0
    assert uniformity(same) == pytest.approx(0, abs=1e-5)
    assert uniformity(gaussian(500, 64)) == pytest.approx(-4, abs=0.2)  # the sphere, evenly: exp(-2 * 2)


@pytest.mark.parametrize("dim", [6, 400])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_probe_is_a_ridge_classifier(dim: int, classes: int) -> None:
    train, test = gaussian(60, dim), gaussian(80, dim, seed=1)
    target = (gaussian(60, 1, seed=2).flatten().argsort() % (2 * classes)).clamp(max=classes - 1)  # unbalanced
    truth = gaussian(80, 1, seed=3).flatten().argsort() % classes
    train[:, 0] += target
    test[:, 0] += truth
    mean, deviation = train.mean(0), train.std(0)
    model = RidgeClassifier(alpha=RIDGE).fit(((train - mean) / deviation).numpy(), target.numpy())
    expected = model.score(((test - mean) / deviation).numpy(), truth.numpy())
    assert name_probe(train, target, test, truth) == pytest.approx(expected, abs=0.026)  # ties in float32


def test_the_probe_reads_a_class_whatever_its_scale_and_offset() -> None:
    classes = torch.arange(200) % 2
    named = gaussian(200, 32)
    named[:, 3] = 1e-3 * (classes + 0.1 * named[:, 3]) + 7
    assert name_probe(named[:100], classes[:100], named[100:], classes[100:]) > 0.97
    assert (
        abs(name_probe(gaussian(500, 8), torch.arange(500) % 2, gaussian(500, 8, 1), torch.arange(500) % 2) - 0.5) < 0.1
    )


def test_all_measures_of_pairs() -> None:
    u, v = gaussian(40, 8), gaussian(40, 8, seed=1)
    class_a, class_b = torch.arange(40) % 2, torch.arange(40) // 2 % 2
    found = embedding_diagnostics(u, v, class_a, class_b)
    first, second = (np.array(unit_rows(side)) for side in (u, v))
    cosine, same = (first * second).sum(1), (class_a == class_b).numpy()
    assert found["similarity_same"] == pytest.approx(cosine[same].mean(), abs=1e-6)
    assert found["similarity_different"] == pytest.approx(cosine[~same].mean(), abs=1e-6)
    assert found["alignment"] == pytest.approx((2 - 2 * cosine[same]).mean(), abs=1e-5)
    assert found["uniformity"] == pytest.approx(uniformity(torch.cat([u, v])))


def test_what_there_are_no_pairs_for_is_left_out() -> None:
    one, other = torch.zeros(20, dtype=torch.int64), torch.ones(20, dtype=torch.int64)
    assert "similarity_different" not in embedding_diagnostics(gaussian(20, 4), gaussian(20, 4, 1), one, one)
    found = embedding_diagnostics(gaussian(20, 4), gaussian(20, 4, 1), one, other)
    assert not {"alignment", "similarity_same"} & set(found)


def test_dead_embeddings_give_finite_values() -> None:
    dead, classes = torch.zeros(20, 4), torch.arange(20) % 2
    assert all(math.isfinite(value) for value in embedding_diagnostics(dead, dead, classes, classes).values())
