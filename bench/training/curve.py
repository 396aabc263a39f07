"""What is seen of training between two points of the learning curve."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bench.errors import DivergedError
from bench.text import count_of

CURVE_POINTS = 20
Point = tuple[float, float]


@dataclass
class Window:
    """Losses, gradient norms and accuracies of the last steps, () each, or (L,) of L learners that train together.

    They are read once per window, so that no step waits for them.
    """

    every: int
    losses: list[Tensor] = field(default_factory=list)
    norms: list[Tensor] = field(default_factory=list)
    accuracies: list[Tensor] = field(default_factory=list)

    @classmethod
    def of(cls, steps: int) -> Window:
        """The window that makes ``CURVE_POINTS`` points of a training of ``steps``."""
        return cls(every=max(1, math.ceil(steps / CURVE_POINTS)))

    @property
    def full(self) -> bool:
        """Whether ``every`` steps were added since the last point."""
        return len(self.losses) >= self.every

    def add(self, loss: Tensor, norm: Tensor, accuracy: Tensor) -> None:
        """One more step."""
        self.losses.append(loss)
        self.norms.append(norm)
        self.accuracies.append(accuracy)

    def close(self, step: int) -> list[Point | DivergedError]:
        """Mean loss and mean accuracy of each learner, or what was not finite of it, and an empty window."""
        losses, norms, accuracies = map(_by_learner, (self.losses, self.norms, self.accuracies))
        self.losses, self.norms, self.accuracies = [], [], []
        return [_point(*seen, step) for seen in zip(losses, norms, accuracies, strict=True)]


def _by_learner(values: list[Tensor]) -> tuple[Tensor, ...]:
    """The values (steps,) of each learner."""
    return torch.stack(values).reshape(len(values), -1).unbind(1)


def _point(losses: Tensor, norms: Tensor, accuracies: Tensor, step: int) -> Point | DivergedError:
    for what, values in (("loss", losses), ("gradient", norms)):
        if not torch.isfinite(values).all():
            return DivergedError(f"the {what} is not finite within {count_of(len(losses), 'step')} up to step {step}")
    return float(losses.mean()), float(accuracies.mean())
