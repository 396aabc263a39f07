"""Early stopping on the validation loss, keeping the best weights."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def waited_for(module: nn.Module) -> float:
    """Wait until a GPU has finished the steps of ``module`` that it was handed; returns the seconds."""
    started = time.perf_counter()
    if any(parameter.is_cuda for parameter in module.parameters()):
        torch.cuda.synchronize()
    return time.perf_counter() - started


class EarlyStop:
    """Stops after ``patience`` checks without a lower validation loss.

    Args:
        every: steps between checks.
        loss: computes the validation loss of the current weights.

    Attributes:
        waited: seconds in which a GPU finished the steps that it had been handed before a check.
    """

    def __init__(self, module: nn.Module, patience: int, every: int, loss: Callable[[], float]) -> None:
        self.module, self.patience, self.every, self.loss = module, patience, every, loss
        self.best = math.inf
        self._best_state: dict[str, Any] | None = None
        self._misses = 0
        self.waited = 0.0

    def __call__(self, step: int) -> bool:
        """Whether to stop after ``step``; checks every ``every`` steps."""
        if step % self.every:
            return False
        self.waited += waited_for(self.module)
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
