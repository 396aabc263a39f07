"""Who stays in a race: after every look those leave that are surely worse, however often one looks.

A look comes after each replicate from the fourth on. At a look another fusion beats one if a one-sided paired t test
over the replicates rejects at ``level(n) / (k - 1)`` for n replicates and k fusions that entered. Whichever is truly
best, it has k - 1 rivals, and the levels of all looks add up to less than ``ALPHA``: so it is beaten at any look by any
rival with less than that probability (Bonferroni over rivals and looks), whatever the dependence between fusions and
whenever the race ends. The t test takes differences for normal and replicates for independent.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

Array = NDArray[np.float64]
Marks = NDArray[np.bool_]

ALPHA = 0.05
# With one replicate less t is so wide that the look costs more than it finds, and equal rounded scores look sure.
FIRST_LOOK = 4
# Means that are equal on paper differ in their last digits.
SLACK = 1e-12


def level(replicates: int) -> float:
    """What the look after so many replicates may spend of ``ALPHA``: 6 / (pi k)^2 of it at look k, which over all
    looks adds up to it; nothing before ``FIRST_LOOK`` replicates."""
    look = replicates - FIRST_LOOK + 1
    return ALPHA * 6 / (math.pi * look) ** 2 if look > 0 else 0.0


def surely_worse(values: Array, entered: int, direction: int) -> Marks:
    """Whom some other one beats at this look, (..., fusions).

    Args:
        values: (..., replicates, fusions); a fusion with a nan has left and neither beats nor is beaten.
        entered: how many fusions entered the race.
        direction: 1 if higher is better, -1 if lower is better.
    """
    n, count = values.shape[-2:]
    spends = level(n)
    if not spends or count < 2:
        return np.zeros((*values.shape[:-2], count), dtype=bool)
    lead, error = _leads(values, direction)
    critical = float(stdtrit(n - 1, 1 - spends / max(entered - 1, 1)))
    beats = (lead > SLACK) & (lead > critical * error)
    return np.asarray(beats.any(axis=-2))


def all_equivalent(values: Array, margin: float) -> bool:
    """Whether every pair of fusions surely differs by less than ``margin``: two one-sided t tests each, at what this
    look may spend.

    All of them have to reject, so that none needs to be stricter for the others (Berger, 1982, Multiparameter
    hypothesis testing and acceptance sampling). True of a single fusion.

    Args:
        values: (replicates, fusions), without nan.
    """
    n, count = values.shape
    if count < 2:
        return True
    spends = level(n)
    if not spends:
        return False
    lead, error = _leads(values, 1)
    distance = margin - np.abs(lead)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(error > 0, stdtr(n - 1, -distance / error), np.where(distance > 0, 0.0, 1.0))
    return bool((p[~np.eye(count, dtype=bool)] <= spends).all())


def _leads(values: Array, direction: int) -> tuple[Array, Array]:
    """Mean leads [..., i, j] of fusion i over fusion j, and their standard errors."""
    n = values.shape[-2]
    signed = values * direction
    # What all fusions of a replicate have in common cancels: without it fewer digits are lost below.
    signed = signed - np.nan_to_num(signed).mean(axis=-1, keepdims=True)
    mean = signed.mean(axis=-2)
    centred = signed - mean[..., None, :]
    products = np.swapaxes(centred, -1, -2) @ centred / (n - 1)
    own = np.diagonal(products, axis1=-2, axis2=-1)
    variance = own[..., :, None] + own[..., None, :] - 2 * products
    return mean[..., :, None] - mean[..., None, :], np.sqrt(np.maximum(variance, 0.0) / n)
