"""Signs of collapse on embeddings and scores whose state is known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.evaluation.diagnostics import collapse_reason, effective_rank, embedding_std


def gaussian(n: int, dim: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


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
    rows = [[x / math.sqrt(sum(y * y for y in row)) for x in row] for row in embeddings.double().tolist()]
    deviations = []
    for column in zip(*rows, strict=True):
        mean = sum(column) / len(column)
        deviations.append(math.sqrt(sum((x - mean) ** 2 for x in column) / (len(column) - 1)))
    assert embedding_std(embeddings) == pytest.approx(sum(deviations) / 5 * math.sqrt(5), rel=1e-5)


def test_maps_are_flattened() -> None:
    maps = gaussian(50, 48).view(50, 3, 4, 4)
    assert embedding_std(maps) == pytest.approx(embedding_std(maps.flatten(1)))
    assert effective_rank(maps) == pytest.approx(effective_rank(maps.flatten(1)))


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


def test_healthy_models_have_no_reason() -> None:
    scores = np.random.default_rng(0).normal(size=500).astype(np.float32)
    assert collapse_reason(scores, 0.8) is None
    assert collapse_reason(scores, None) is None
    assert collapse_reason(0.05 * scores, 0.8) is None  # a model that is merely unsure


@pytest.mark.parametrize("constant", [0.0, -3.0, 0.1, 55.5])
@pytest.mark.parametrize("deviation", [None, 0.9])
def test_constant_scores_are_a_collapse(constant: float, deviation: float | None) -> None:
    reason = collapse_reason(np.full(2000, constant, np.float32), deviation)
    assert reason is not None
    assert "scores" in reason
    assert "\n" not in reason


def test_collapsed_embeddings_are_a_collapse_even_if_scores_vary() -> None:
    scores = np.random.default_rng(0).normal(size=500).astype(np.float32)
    reason = collapse_reason(scores, embedding_std(torch.ones(100, 16) + 1e-3 * gaussian(100, 16)))
    assert reason is not None
    assert "embeddings" in reason
