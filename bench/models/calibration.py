"""From scores to probabilities that a pair is the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.special import expit

# What a fit may push a probability to, in logits: validation pairs that are all told apart have no best slope.
STEEPEST = 1e4


class Calibration(BaseModel):
    """Probability ``sigmoid(slope * score + intercept)``. Platt, 1999, probabilities of an SVM.

    Attributes:
        slope: in logits per unit of the score. intercept: in logits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def fitted(cls, scores: NDArray[np.float32], label: NDArray[np.int64]) -> Calibration:
        """The likeliest one on pairs (N,), with Platt's targets: as if each class had one more pair of the other. Where
        only one class is there, or all scores are one, the slope is 0.
        """
        same = int(label.sum())
        high, low = (same + 1) / (same + 2), 1 / (len(label) - same + 2)
        target = np.where(label == 1, high, low)
        centre, spread = float(scores.mean(dtype=float)), float(scores.std(dtype=float))
        mean = float(target.mean())
        if spread == 0 or same in (0, len(label)):
            return cls(slope=0.0, intercept=float(np.log(mean / (1 - mean))))
        slope, intercept = _newton((scores.astype(float) - centre) / spread, target)
        slope = float(np.clip(slope / spread, -STEEPEST, STEEPEST))
        return cls(slope=slope, intercept=float(intercept - slope * centre))

    def __call__(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (N,) of scores (N,)."""
        found: NDArray[np.float64] = expit(self.slope * scores.astype(float) + self.intercept)
        return found


def _newton(x: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of ``target`` on ``x`` of deviation 1."""
    design = np.stack([x, np.ones_like(x)], axis=1)
    found = np.zeros(2)
    for _ in range(100):
        probability = expit(design @ found)
        gradient = design.T @ (probability - target)
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        # Far from the end a whole step may go too far.
        found = found - step * min(1.0, 2.0 / float(np.abs(step).max() + 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return float(found[0]), float(found[1])
