"""What a few optimiser steps must be able to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from bench.conformance.cases import Case, CheckFailedError, Joint
from bench.training.objectives import bce

SIGN_PAIRS, SIGN_STEPS, SIGN_LR = 8, 100, 0.03
OVERFIT_PAIRS = 32
OVERFIT_STEPS, OVERFIT_RATES = 100, (3e-3, 3e-2)
CLIP_NORM = 5.0


def signs(case: Case) -> None:
    """Training on one label alone brings most scores to that label's side of 0, for both labels."""
    a, b = case.features(SIGN_PAIRS)
    for label, what in ((1, "positive"), (0, "negative")):
        joint = case.joint().train()
        side = partial(_on_side, label=label)
        scores = _train(joint, a, b, torch.full((SIGN_PAIRS,), label), SIGN_STEPS, SIGN_LR, side)
        if not side(scores):
            raise CheckFailedError(
                f"{SIGN_STEPS} steps of training on {'same' if label else 'different'} pairs alone do not make the "
                f"scores {what} (median {float(scores.detach().median()):.2g}): positive must mean same and negative "
                "different. Return raw logits, without Sigmoid or ReLU at the end, and give a similarity a learned "
                "scale and bias"
            )


def overfits(case: Case) -> None:
    """Fusion and head can learn 32 pairs by heart."""
    if case.model.backbone is None:
        return
    a, b, label = case.toy(OVERFIT_PAIRS)
    best = 0.0
    # One rate does not suit all: a learned scale and bias have far to go, a deep join takes small steps.
    for lr in OVERFIT_RATES:
        joint = case.joint().train()
        scores = _train(joint, a, b, label, OVERFIT_STEPS, lr, lambda scores: _accuracy(scores, label) == 1)
        best = max(best, _accuracy(scores, label))
        if best == 1:
            return
    raise CheckFailedError(
        f"{OVERFIT_STEPS} steps on the same {OVERFIT_PAIRS} pairs end at accuracy {best:.2f}, expected 1: the join "
        "loses what tells the pairs apart (saturation, a dead ReLU, a pooling that averages it away), or its initial "
        "scale is off"
    )


def optimizer(joint: Joint, lr: float = 1e-3) -> torch.optim.Optimizer:
    """Adam over everything that trains."""
    return torch.optim.Adam([p for p in joint.parameters() if p.requires_grad], lr)


def _on_side(scores: Tensor, label: int) -> bool:
    """Whether most scores say ``label``; any one will do where nothing can be trained."""
    share = float(((scores > 0) if label else (scores < 0)).float().mean())
    return share > (0.5 if scores.requires_grad else 0)


def _accuracy(scores: Tensor, label: Tensor) -> float:
    return float(((scores > 0) == label).float().mean())


def _train(
    joint: Joint, a: Tensor, b: Tensor, label: Tensor, steps: int, lr: float, done: Callable[[Tensor], bool]
) -> Tensor:
    """Scores after training until ``done(scores)`` or for ``steps`` steps."""
    weights = [p for p in joint.parameters() if p.requires_grad]
    scores: Tensor = joint(a, b)
    if not weights or not scores.requires_grad:
        return scores
    optimise = optimizer(joint, lr)
    for _ in range(steps):
        if done(scores):
            break
        optimise.zero_grad()
        bce(scores, label).backward()
        nn.utils.clip_grad_norm_(weights, CLIP_NORM)
        optimise.step()
        scores = joint(a, b)
    return scores
