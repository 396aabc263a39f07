"""Shuffled labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws
from bench.audit.networks import joined_encodings
from bench.audit.rows import Row, informative, judged_mean

SHUFFLES = 200
RIDGE = 0.01


@register_audit_baseline
class PermutedLabels(AuditBaseline):
    """What is learned from shuffled labels. Above chance, true labels reach the model past the shuffling.

    Images and test labels are as they are. One shuffle decides nothing. A warmed-up network knows what makes two images
    alike, and whatever it learns from noise leans on that, for the task or against it: one fine-tuned network on
    ``texture`` was right on 51.7 % of 20,000 pairs. Over many shuffles these leanings cancel. So the backbone is frozen
    here, a ridge regression is fitted to each of many shuffles at once, and the interval is that of the mean over
    shuffles.
    """

    name = "permuted_labels"

    def needs_warm_up(self, draws: Draws) -> bool:
        return True

    def rows(self, draws: Draws) -> Iterator[Row]:
        train, test = draws.train, draws.test
        train_x, test_x = joined_encodings(draws, train), joined_encodings(draws, test)
        true = ridge_hits(train_x, train.label[:, None], test_x, test.label)[:, 0]
        yield informative("pair → label, frozen network, true labels", "pair", true, "what can be learned")
        hits = ridge_hits(train_x, shuffles(train.label, draws.seed), test_x, test.label)
        yield judged_mean(f"the same, mean of {SHUFFLES} shuffles", "pair", hits.mean(0))


def shuffles(label: Tensor, seed: int) -> Tensor:
    """Labels (N,) in ``SHUFFLES`` random orders, (N, SHUFFLES)."""
    generator = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(label), generator=generator) for _ in range(SHUFFLES)]
    return torch.stack([label[order] for order in orders], dim=1)


def ridge_hits(train_x: Tensor, train_y: Tensor, test_x: Tensor, label: Tensor) -> NDArray[np.bool_]:
    """Where ridge regressions, one for each column of answers, are right.

    Args:
        train_x, test_x: (N, F) and (M, F) features. train_y: (N, R) of 0 and 1. label: (M,) of 0 and 1.

    Returns:
        (M, R) bool.
    """
    mean, deviation = train_x.mean(0), train_x.std(0) + 1e-6
    x, asked = (train_x - mean) / deviation, (test_x - mean) / deviation
    penalty = RIDGE * len(x) * torch.eye(x.shape[1])
    weights = torch.linalg.solve(x.T @ x + penalty, x.T @ (train_y - train_y.float().mean(0)))
    return ((asked @ weights > 0) == (label[:, None] == 1)).numpy()
