"""Terms of images and their classes, recomputed with plain loops over anchors, positives and negatives."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bench.training.objectives import Batch

CLASSES = [0, 1, 0, 2, 1, 0, 1]
TERMS = ["triplet", "triplet:normalise=false", "infonce", "supcon", "circle", "arcface", "vicreg"]


def cosines(z: Tensor) -> list[list[float]]:
    return [[float(F.cosine_similarity(a, b, dim=0)) for b in z.double()] for a in z.double()]


def positives(i: int, classes: list[int]) -> list[int]:
    return [j for j, other in enumerate(classes) if other == classes[i] and j != i]


def negatives(i: int, classes: list[int]) -> list[int]:
    return [j for j, other in enumerate(classes) if other != classes[i]]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def triplet(z: Tensor, classes: list[int]) -> float:
    u = F.normalize(z.double(), dim=1)
    losses = [
        float(F.triplet_margin_loss(u[[a]], u[[p]], u[[n]], margin=0.4, eps=0))
        for a in range(len(classes))
        for p in positives(a, classes)
        for n in negatives(a, classes)
    ]
    return mean([loss for loss in losses if loss > 0])


def infonce(z: Tensor, classes: list[int]) -> float:
    s, losses = cosines(z), []
    for a in range(len(classes)):
        others = sum(math.exp(s[a][n] / 0.5) for n in negatives(a, classes))
        for p in positives(a, classes):
            own = math.exp(s[a][p] / 0.5)
            losses.append(-math.log(own / (own + others)))
    return mean(losses)


def supcon(z: Tensor, classes: list[int]) -> float:
    s, losses = cosines(z), []
    for a in range(len(classes)):
        total = sum(math.exp(s[a][j] / 0.5) for j in range(len(classes)) if j != a)
        if positives(a, classes):
            losses.append(mean([-math.log(math.exp(s[a][p] / 0.5) / total) for p in positives(a, classes)]))
    return mean(losses)


def circle(z: Tensor, classes: list[int], m: float = 0.3, g: float = 4.0) -> float:
    s, losses = cosines(z), []
    for a in range(len(classes)):
        if not positives(a, classes) or not negatives(a, classes):
            continue
        near = sum(math.exp(-g * max(0, 1 + m - s[a][p]) * (s[a][p] - (1 - m))) for p in positives(a, classes))
        apart = sum(math.exp(g * max(0, s[a][n] + m) * (s[a][n] - m)) for n in negatives(a, classes))
        losses.append(math.log(1 + near * apart))
    return mean(losses)


def vicreg(z: Tensor, classes: list[int]) -> float:
    z = z.double()
    n, dim = z.shape
    invariance = mean([float((z[i] - z[j]).square().mean()) for i in range(n) for j in positives(i, classes)])
    covariance = torch.cov(z.T)
    variance = mean([max(0.0, 1 - math.sqrt(float(covariance[d, d]) + 1e-4)) for d in range(dim)])
    mixed = sum(float(covariance[i, j]) ** 2 for i in range(dim) for j in range(dim) if i != j) / dim
    return 2 * invariance + 3 * variance + 4 * mixed


BY_HAND: dict[str, Callable[[Tensor, list[int]], float]] = {
    "triplet:margin=0.4": triplet,
    "infonce:temperature=0.5": infonce,
    "supcon:temperature=0.5": supcon,
    "circle:margin=0.3:scale=4": circle,
    "vicreg:invariance=2:variance=3:covariance=4": vicreg,
}


@pytest.mark.parametrize("text", BY_HAND)
@pytest.mark.parametrize("seed", [0, 1])
def test_by_loops(one, text: str, seed: int) -> None:
    z = one.randn(len(CLASSES), 5, seed=seed)
    expected = BY_HAND[text](z, CLASSES)
    assert expected > 0
    assert float(one.of_images(text, z, torch.tensor(CLASSES))) == pytest.approx(expected, rel=1e-4)


def test_arcface_by_angles(one) -> None:
    z, classes = one.randn(6, 5), [0, 1, 2, 0, 1, 2]
    loss = one.build("arcface:margin=0.6:scale=8")
    directions = next(loss.parameters()).detach()
    z[0] = -directions[0]  # beyond pi - margin, where the cosine of the sum would rise again
    losses = []
    for row, own in zip(z, classes, strict=True):
        logits = []
        for j, direction in enumerate(directions):
            angle = math.acos(max(-1.0, min(1.0, float(F.cosine_similarity(row, direction, dim=0)))))
            beyond = angle + 0.6 > math.pi
            shifted = math.cos(angle) - 0.6 * math.sin(0.6) if beyond else math.cos(angle + 0.6)
            logits.append(8 * (shifted if j == own else math.cos(angle)))
        losses.append(math.log(sum(math.exp(x) for x in logits)) - logits[own])
    empty = torch.empty(0)
    got = loss(Batch(empty, empty, empty, empty, z, torch.tensor(classes)))
    assert float(got.detach()) == pytest.approx(mean(losses), rel=1e-3)


@pytest.mark.parametrize("text", TERMS)
@pytest.mark.parametrize("classes", [[0, 0, 0, 0], [0, 1, 2, 0], [0, 1, 0, 1], [0, 1]])
def test_identical_zero_and_lonely_images_have_finite_gradients(one, finite, text: str, classes: list[int]) -> None:
    n = len(classes)
    same = one.randn(1, 5).expand(n, 5)
    for at in (one.randn(n, 5), same, torch.zeros(n, 5), 1e-20 * one.randn(n, 5)):
        finite(lambda z: one.of_images(text, z, torch.tensor(classes)), at)


@pytest.mark.parametrize("text", ["infonce:temperature=0.01", "supcon:temperature=0.01", "circle:scale=256"])
def test_sharp_similarities_do_not_overflow(one, finite, text: str) -> None:
    """exp(100) is no float32: sums of such terms stay in logarithms."""
    z, classes = F.normalize(one.randn(8, 5), dim=1), torch.arange(8) % 2
    assert finite(lambda x: one.of_images(text, x, classes), z).any()


@pytest.mark.parametrize("text", ["triplet", "infonce", "supcon", "circle", "vicreg"])
def test_the_order_of_the_images_does_not_matter(one, text: str) -> None:
    z, classes = one.randn(7, 5), torch.tensor(CLASSES)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(3))
    first, second = one.of_images(text, z, classes), one.of_images(text, z[order], classes[order])
    assert float(first) == pytest.approx(float(second), rel=1e-5)


@pytest.mark.parametrize("text", ["triplet", "infonce", "supcon", "circle", "arcface"])
def test_the_length_of_an_embedding_does_not_matter(one, text: str) -> None:
    z, classes = one.randn(7, 5), torch.tensor(CLASSES)
    first, second = (float(one.of_images(text, scale * z, classes).detach()) for scale in (1, 7))
    assert first == pytest.approx(second, rel=1e-4)


def test_triplets_of_a_collapsed_encoder_cost_the_margin(one) -> None:
    z = torch.ones(6, 5)
    assert float(one.of_images("triplet:margin=0.3", z, torch.arange(6) % 2)) == pytest.approx(0.3)


def test_vicreg_sees_a_collapsed_encoder(one) -> None:
    collapsed = one.of_images("vicreg", torch.ones(32, 5), torch.arange(32) % 2)
    spread = one.of_images("vicreg:invariance=0", 2 * one.randn(4000, 5), torch.arange(4000) % 2)
    assert float(collapsed) == pytest.approx(25 * (1 - 0.01), rel=1e-3)
    assert float(spread) < 0.5


def test_twins_in_a_large_batch_have_distance_zero(one) -> None:
    z, classes = F.normalize(one.randn(15, 5), dim=1).repeat(2, 1), torch.arange(15).repeat(2)
    rows = z.tolist()
    costs = [1.0 - math.dist(rows[a], rows[n]) for a in range(30) for n in negatives(a, classes.tolist())]
    expected = mean([cost for cost in costs if cost > 0])
    assert float(one.of_images("triplet:margin=1", z, classes)) == pytest.approx(expected, rel=1e-5)
