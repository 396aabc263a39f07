"""Checks: what is seen of a model while it trains, and from where on it overfits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# How far the validation loss must rise above its lowest value, and the training loss fall from there on, as a share;
# and the least rise that counts: near 0, shares say nothing.
RISE, FALL, LEAST_RISE = 0.2, 0.1, 0.02
# A single check above the lowest one may be noise.
LATER_CHECKS = 2


@dataclass(frozen=True)
class Check:
    """A look at a model during training.

    Attributes:
        pairs: training pairs seen so far.
        validated: validation pairs scored.
        loss: of these; what training minimises, without auxiliary heads.
        auc: None where they have one label.
        f1, precision, recall, threshold: at the threshold of the best F1 on these pairs.
        gradients: mean norm of the gradient of each layer over every fourth step since the check before.
    """

    pairs: int
    validated: int
    loss: float
    auc: float | None
    f1: float
    precision: float
    recall: float
    threshold: float
    gradients: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """The values by the names that they have in a record, rounded as a learning curve is."""
        return _rounded(asdict(self))


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(own) for name, own in value.items()}
    return float(f"{value:.6g}") if isinstance(value, float) else value


Curve = Sequence[tuple[int, float, float]]


def overfits_from(curve: Curve, checks: Sequence[Check]) -> int | None:
    """The training pairs from which on a model learns them by heart; None where it does not.

    That is where the validation loss was lowest, if the last ``LATER_CHECKS`` checks all lie above it by ``RISE`` of it
    and the training loss ends below what it was there by ``FALL`` of that.

    Args:
        curve: (pairs seen, mean training loss, accuracy).
    """
    if not checks or not curve:
        return None
    lowest = min(range(len(checks)), key=lambda place: checks[place].loss)
    best, later = checks[lowest], checks[lowest + 1 :]
    risen = [one.loss > best.loss + max(RISE * best.loss, LEAST_RISE) for one in later[-LATER_CHECKS:]]
    if len(risen) < LATER_CHECKS or not all(risen):
        return None
    there = min(curve, key=lambda point: abs(point[0] - best.pairs))[1]
    return best.pairs if curve[-1][1] < there * (1 - FALL) else None
