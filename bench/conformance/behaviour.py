"""What a score may depend on, and that it stays finite."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from bench.conformance.cases import Case, CheckFailedError, Joint, settle
from bench.training.objectives import bce

TOLERANCE = 1e-5
SWAP_PAIRS = 32
MIN_SWAP_GAP = 1e-4


def independent(case: Case) -> None:
    """In evaluation mode the score of a pair does not depend on the others in its batch, and a batch of one works."""
    a, b = case.features(6)
    other_a, other_b = case.features(6, seed=1)
    joint = settle(case.joint(), *case.features(SWAP_PAIRS, seed=2))
    with torch.no_grad():
        scores = joint(a, b)
        other = joint(torch.cat([a[:1], other_a[1:]]), torch.cat([b[:1], other_b[1:]]))
        alone = joint(a[:1], b[:1])
    scale = _scale(scores)
    if not _close(scores[:1], other[:1], scale):
        raise CheckFailedError(
            f"the score of a pair changes by {float((scores[0] - other[0]).abs()):.2g} when the other pairs of the "
            "batch change: attention over a (B, D) input treats the batch as a sequence (unsqueeze it to (B, 1, D)); "
            "statistics over dim 0 do the same"
        )
    if not _close(scores[:1], alone, scale):
        raise CheckFailedError(
            "a batch of one gives another score than the same pair in a larger batch: look for squeeze() without a "
            "dimension, and for reductions over the batch"
        )
    _whole_model(case)


def _whole_model(case: Case) -> None:
    a, b = case.images(2)
    model = case.model.eval()
    with torch.no_grad():
        both, alone = model(a, b), model(a[:1], b[:1])
    if not _close(both[:1], alone, _scale(both)):
        raise CheckFailedError("on images, a batch of one gives another score than the same pair in a batch of two")


def symmetric(case: Case) -> None:
    """The class declares ``symmetric`` exactly if swapping the images leaves the score as it was."""
    a, b = case.features(SWAP_PAIRS)
    scores, swapped = _both_orders(settle(case.joint(), a, b), a, b)
    gap = float((scores - swapped).abs().max() / scores.std().clamp_min(1e-12))
    if case.model.symmetric and not gap < TOLERANCE:
        raise CheckFailedError(
            f"declared symmetric, but swapping the images moves the score by {gap:.2g} of its deviation: declare "
            "symmetric = False, or treat both streams alike (shared weights, and a readout by sum, product or |a - b|)"
        )
    # Two towers tell the images apart, whatever the join does.
    if not case.model.symmetric and case.model.fusion.towers == 1 and not gap > MIN_SWAP_GAP:
        raise CheckFailedError(
            f"declared not symmetric, but swapping the images moves the score by only {gap:.2g} of its deviation: "
            "declare symmetric = True, so that tables and the swap-gap metric say so"
        )


def finite(case: Case) -> None:
    """Loss and gradients are finite for identical and for all-zero inputs, features as well as images."""
    a, b = case.features(4)
    zero = torch.zeros_like(a)
    for x, y, what in (
        (a, a, "identical features"),
        (zero, zero, "all-zero features"),
        (zero, b, "features with a zero side"),
    ):
        x, y = (side.clone(memory_format=torch.preserve_format).requires_grad_() for side in (x, y))
        joint = case.joint().train()
        _check_finite(joint(x, y), [*joint.parameters(), x, y], what)
    images = case.images(4)[0]
    # One among others: in a batch that is black throughout, each BatchNorm divides rounding errors by its epsilon.
    images[0] = 0
    model = copy.deepcopy(case.model).train()
    _check_finite(model(images, images), list(model.parameters()), "identical images, one pair of them all zero")


def _both_orders(joint: Joint, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Scores of (A, B) and (B, A), in float64 if the fusion can: rounding must not look like a swap gap."""
    with torch.no_grad():
        try:
            precise = copy.deepcopy(joint).double()
            return precise(a.double(), b.double()), precise(b.double(), a.double())
        except RuntimeError:
            return joint(a, b), joint(b, a)


def _check_finite(scores: Tensor, tensors: list[Tensor], what: str) -> None:
    if not torch.isfinite(scores).all():
        raise CheckFailedError(
            f"the score of {what} is not finite: guard divisions and logarithms with an epsilon, and normalise with "
            "F.normalize"
        )
    if not scores.requires_grad:
        return
    loss = bce(scores, torch.ones(len(scores), dtype=torch.int64))
    loss.backward()
    if not torch.isfinite(loss) or not all(torch.isfinite(t.grad).all() for t in tensors if t.grad is not None):
        raise CheckFailedError(
            f"the gradient on {what} is not finite, though the score is: the slope of sqrt, norm, log and pow is "
            "infinite at 0. Put the epsilon inside the root, as in (x.square().sum(1) + 1e-12).sqrt()"
        )


def _scale(scores: Tensor) -> float:
    return max(1.0, float(scores.abs().max()))


def _close(first: Tensor, second: Tensor, scale: float) -> bool:
    return first.shape == second.shape and bool(((first - second).abs() < TOLERANCE * scale).all())
