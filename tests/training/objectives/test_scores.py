"""Terms of scores: cross-entropy and hinge, in which same and different count alike."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from bench.training.objectives import Batch, Objective, Space, bce


def random_scores(n: int, seed: int = 0) -> torch.Tensor:
    return 3 * torch.randn(n, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("n", [2, 8, 64])
def test_plain_cross_entropy_when_balanced(n: int) -> None:
    scores, label = random_scores(n), torch.arange(n) % 2
    expected = F.binary_cross_entropy_with_logits(scores, label.float())
    assert float(bce(scores, label)) == pytest.approx(float(expected), rel=1e-6)


both_kinds = st.lists(st.integers(0, 1), min_size=2, max_size=40).filter(lambda label: 0 < sum(label) < len(label))


@given(label=both_kinds, seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_mean_of_the_two_means(label: list[int], seed: int) -> None:
    scores = random_scores(len(label), seed)
    losses: dict[int, list[float]] = {0: [], 1: []}
    for s, y in zip(scores.double().tolist(), label, strict=True):
        losses[y].append(math.log1p(math.exp(-s if y else s)))
    expected = sum(sum(side) / len(side) for side in losses.values()) / 2
    assert float(bce(scores, torch.tensor(label))) == pytest.approx(expected, rel=1e-4)


def test_a_constant_score_gains_nothing_from_an_unbalanced_batch() -> None:
    """With three different pairs to one same pair the best constant is still "no idea"."""
    scores = torch.zeros(64, requires_grad=True)
    loss = bce(scores, (torch.arange(64) % 4 == 0).long())
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert float(scores.grad.sum()) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize("n", [1, 2, 64])
@pytest.mark.parametrize("size", [0.0, 1.0, 1e4])
def test_one_sided_batches_are_finite(kind: int, n: int, size: float) -> None:
    for sign in (1, -1):
        scores = torch.full((n,), sign * size, requires_grad=True)
        loss = bce(scores, torch.full((n,), kind))
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(scores.grad).all()
        assert scores.grad.abs().sum() <= 1.01  # no larger than that of a balanced batch


def test_a_one_sided_batch_still_pulls_the_right_way() -> None:
    for kind, sign in ((1, -1), (0, 1)):
        scores = torch.zeros(8, requires_grad=True)
        bce(scores, torch.full((8,), kind)).backward()
        assert (scores.grad * sign > 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_dtype_of_the_scores_is_kept(dtype: torch.dtype) -> None:
    assert bce(random_scores(8).to(dtype), torch.arange(8) % 2).dtype == dtype


# --- hinge ---


def loss_of(text: str, scores: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    nothing = torch.empty(0)
    return Objective.parse(text).build(Space(2, 2))(Batch(scores, label, nothing, nothing, nothing, label))


def test_the_objective_bce_is_the_function_bit_for_bit() -> None:
    scores, label = random_scores(30), (torch.arange(30) % 3 == 0).long()
    assert torch.equal(loss_of("bce", scores, label), bce(scores, label))


@given(label=both_kinds, margin=st.sampled_from([0.5, 1.0, 3.0]), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_hinge_is_the_mean_of_the_two_means(label: list[int], margin: float, seed: int) -> None:
    scores = random_scores(len(label), seed)
    losses: dict[int, list[float]] = {0: [], 1: []}
    for s, y in zip(scores.tolist(), label, strict=True):
        losses[y].append(max(0.0, margin - s if y else margin + s))
    expected = sum(sum(side) / len(side) for side in losses.values()) / 2
    assert float(loss_of(f"hinge:margin={margin}", scores, torch.tensor(label))) == pytest.approx(expected, rel=1e-4)


def test_hinge_is_that_of_torch_when_balanced() -> None:
    scores, label = random_scores(32), torch.arange(32) % 2
    rank_zero = torch.zeros(32)
    expected = F.margin_ranking_loss(scores, rank_zero, 2 * label.float() - 1, margin=1.0)
    assert float(loss_of("hinge", scores, label)) == pytest.approx(float(expected), rel=1e-6)
