"""Similarities of two embeddings, against plain loops, SciPy and scikit-learn, with their invariances."""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import distance
from sklearn.metrics.pairwise import rbf_kernel
from torch import Tensor

EXACT = {"rtol": 0.0, "atol": 1e-5}
SCALES = st.floats(0.01, 100)
DISTANCES = ["neg_l2", "mahalanobis", "rbf", "snr_distance"]


def cosine(u: list[float], v: list[float]) -> float:
    def dot(x: list[float], y: list[float]) -> float:
        return sum(p * q for p, q in zip(x, y, strict=True))

    return dot(u, v) / sqrt(dot(u, u) * dot(v, v))


def rows(a: Tensor, b: Tensor) -> list[tuple[list[float], list[float]]]:
    return list(zip(a.tolist(), b.tolist(), strict=True))


@torch.no_grad()
def test_cosine(small: Any) -> None:
    fusion = small.build("cosine:scale=3.0")
    fusion.bias.fill_(0.5)
    a, b = small.embeddings()
    torch.testing.assert_close(fusion(a, b), torch.tensor([3 * cosine(u, v) + 0.5 for u, v in rows(a, b)]), **EXACT)


@torch.no_grad()
def test_siamese_cosine_centre_compares_projections(small: Any) -> None:
    fusion = small.build("siamese_cosine_centre:width=4:scale=3.0")
    fusion.bias.fill_(0.5)
    a, b = small.embeddings()
    projected = rows(*(side @ fusion.project.weight.T + fusion.project.bias for side in (a, b)))
    torch.testing.assert_close(fusion(a, b), torch.tensor([3 * cosine(p, q) + 0.5 for p, q in projected]), **EXACT)


def test_siamese_cosine_centre_asks_for_its_auxiliary_head(small: Any) -> None:
    assert dict(small.build("siamese_cosine_centre").auxiliary) == {"centre": 1.0}
    assert not small.build("cosine").auxiliary


@torch.no_grad()
def test_multi_cosine(small: Any) -> None:
    fusion, (a, b) = small.build("multi_cosine:perspectives=4"), small.embeddings()
    weighted = [rows(w * a, w * b) for w in fusion.weight]
    expected = [[cosine(*weighted[k][i]) for k in range(4)] for i in range(small.batch)]
    torch.testing.assert_close(fusion(a, b), torch.tensor(expected), **EXACT)


@pytest.mark.parametrize("name", ["cosine", "multi_cosine"])
@given(p=SCALES, q=SCALES)
@settings(max_examples=20, deadline=None)
def test_a_cosine_does_not_see_the_length(small: Any, name: str, p: float, q: float) -> None:
    fusion, (a, b) = small.build(name), small.embeddings()
    torch.testing.assert_close(fusion(p * a, q * b), fusion(a, b), rtol=0, atol=1e-4)


@torch.no_grad()
def test_neg_l2(small: Any) -> None:
    fusion, (a, b) = small.build("neg_l2:scale=3.0"), small.embeddings()
    fusion.bias.fill_(0.5)
    expected = [0.5 - 3 * distance.euclidean(u, v) / sqrt(small.spec.dim) for u, v in rows(a, b)]
    torch.testing.assert_close(fusion(a, b), torch.tensor(expected, dtype=torch.float32), **EXACT)


@torch.no_grad()
def test_mahalanobis_is_scipys_squared(small: Any) -> None:
    fusion, (a, b) = small.build("mahalanobis:rank=4"), small.embeddings()
    metric = fusion.metric.double().numpy()
    inverse = metric.T @ metric
    expected = [float(fusion.bias) - distance.mahalanobis(u, v, inverse) ** 2 for u, v in rows(a, b)]
    torch.testing.assert_close(fusion(a, b), torch.tensor(expected, dtype=torch.float32), rtol=0, atol=1e-4)
    assert np.linalg.matrix_rank(inverse) == 4


@torch.no_grad()
def test_rbf_is_the_logarithm_of_the_kernel(small: Any) -> None:
    fusion, (a, b) = small.build("rbf:tau=0.5"), small.embeddings()
    kernel = rbf_kernel(a.double().numpy(), b.double().numpy(), gamma=1 / (0.5 * small.spec.dim)).diagonal()
    expected = [float(fusion.bias) + log(value) for value in kernel]
    torch.testing.assert_close(fusion(a, b), torch.tensor(expected, dtype=torch.float32), rtol=0, atol=1e-4)


@torch.no_grad()
def test_snr_distance(small: Any) -> None:
    fusion, (a, b) = small.build("snr_distance:scale=3.0"), small.embeddings()
    expected = [3 - 3 * np.var(np.subtract(u, v)) / (np.var(u) + 1e-3) for u, v in rows(a, b)]
    torch.testing.assert_close(fusion(a, b), torch.tensor(expected, dtype=torch.float32), rtol=0, atol=1e-4)


@given(scale=st.floats(1, 100), offset=st.floats(-10, 10))
@settings(max_examples=20, deadline=None)
def test_snr_distance_sees_neither_a_common_scale_nor_an_offset(small: Any, scale: float, offset: float) -> None:
    fusion, (a, b) = small.build("snr_distance").double(), (side.double() for side in small.embeddings())
    torch.testing.assert_close(fusion(scale * a + offset, scale * b), fusion(a, b), rtol=2e-2, atol=0)


@pytest.mark.parametrize("name", ["neg_l2", "mahalanobis", "rbf"])
@given(seed=st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_a_distance_does_not_see_where_the_pair_is(small: Any, name: str, seed: int) -> None:
    fusion, (a, b) = small.build(name), small.embeddings()
    moved = small.randn(*a.shape, seed=seed)
    torch.testing.assert_close(fusion(a + moved, b + moved), fusion(a, b), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", DISTANCES)
def test_identical_pairs_have_the_highest_score_and_no_gradient(small: Any, name: str) -> None:
    """The slope of a plain root at 0 is infinite, and the gradient of an identical pair not a number."""
    fusion, (a, b) = small.build(name), small.embeddings()
    assert (fusion(a, a) > fusion(a, b)).all()
    torch.testing.assert_close(fusion(a, a), fusion.bias.expand(small.batch), rtol=0, atol=1e-2)
    x, y = a.clone().requires_grad_(), a.clone().requires_grad_()
    fusion(x, y).sum().backward()
    assert not x.grad.any()
    assert not y.grad.any()


@torch.no_grad()
def test_probabilistic_is_the_mean_over_samples(small: Any) -> None:
    fusion, (a, b) = small.build("probabilistic:width=4"), small.embeddings()
    noise = small.randn(2, 50_000, small.batch, 4, seed=1)
    z = [fusion.mean(side) + (fusion.log_variance(side) / 2).exp() * n for side, n in zip((a, b), noise, strict=True)]
    squared = (z[0] - z[1]).square().mean(2)
    expected = fusion.bias - fusion.scale * squared.mean(0)
    torch.testing.assert_close(fusion(a, b), expected, rtol=0, atol=0.05)
    assert torch.equal(fusion(a, b), fusion(a, b))


@torch.no_grad()
def test_an_uncertain_image_matches_less(small: Any) -> None:
    fusion, (a, _) = small.build("probabilistic"), small.embeddings()
    sure = fusion(a, a)
    fusion.log_variance.bias += 2
    assert (fusion(a, a) < sure).all()


@given(seed=st.integers(0, 2**31), scale=SCALES)
@settings(max_examples=20, deadline=None)
def test_a_cosine_of_sigmoids_never_says_different(small: Any, seed: int, scale: float) -> None:
    fusion, (a, b) = small.build("siamese_cosine_sigmoid"), small.embeddings(seed)
    assert (fusion(scale * a, scale * b) >= 0).all()


@torch.no_grad()
def test_a_cosine_of_sigmoids_is_near_1_but_ranks(small: Any) -> None:
    fusion, (a, b) = small.build("siamese_cosine_sigmoid"), small.embeddings()
    assert (fusion(a, b) > 0.8).all()
    assert (fusion(a, a) > fusion(a, b)).all()
    assert type(fusion).known_failure
