"""Early stopping on the validation loss, keeping the best weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from torch import nn


class EarlyStop:
    """Stops after ``patience`` checks without a lower validation loss.

    Args:
        every: steps between checks.
        loss: computes the validation loss of the current weights.
    """

    def __init__(self, module: nn.Module, patience: int, every: int, loss: Callable[[], float]) -> None:
        self.module, self.patience, self.every, self.loss = module, patience, every, loss
        self.best = math.inf
        self._best_state: dict[str, Any] | None = None
        self._misses = 0

    def __call__(self, step: int) -> bool:
        """Whether to stop after ``step``; checks every ``every`` steps."""
        if step % self.every:
            return False
        current = self.loss()
        self.module.train()
        if current < self.best:
            self.best, self._misses = current, 0
            self._best_state = copy.deepcopy(self.module.state_dict())
        else:
            self._misses += 1
        return self._misses >= self.patience

    def restore(self) -> None:
        """Put the best weights back."""
        if self._best_state is not None:
            self.module.load_state_dict(self._best_state)
