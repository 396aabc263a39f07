"""The training loop: optimiser, linear warm-up and schedule, gradient clipping, optional early stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol as TypingProtocol

import torch
from torch import Tensor, nn

from bench.errors import DivergedError
from bench.training.checks import Check
from bench.training.curve import Window
from bench.training.recipe import OptimizerName, Recipe, ScheduleName, WarmupRecipe

MOMENTUM = 0.9
# Share of the peak rate at which an exponential schedule ends.
END = 0.01


@dataclass
class History:
    """What training left behind.

    Attributes:
        curve: (examples seen, mean training loss, training accuracy) at up to ``CURVE_POINTS`` points.
        seconds: time in steps, without drawing data and checking the validation loss.
        examples: pairs (or images) trained on.
        stopped_early: whether the validation loss ended training.
        checks: what was seen of the model meanwhile, where it was watched.
    """

    curve: list[tuple[int, float, float]] = field(default_factory=list)
    seconds: float = 0.0
    examples: int = 0
    stopped_early: bool = False
    checks: Sequence[Check] = ()


Progress = Callable[[float, History], None]
Clip = Callable[[list[nn.Parameter], float], Tensor]


class Learner(TypingProtocol):
    """What the loop trains: batches by index, and the loss of one."""

    module: nn.Module
    examples: int

    def parameter_groups(self) -> list[dict[str, object]]:
        """Optimiser groups; ``lr`` in a group is a factor on the recipe's rate."""

    def batch_loss(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Loss (), predictions and targets of the examples ``index`` (B,); the last two are compared for accuracy."""


def decay_groups(parameters: Iterable[nn.Parameter], factor: float, weight_decay: float) -> list[dict[str, object]]:
    """Optimiser groups of the parameters that train: weight decay only on tensors of two dimensions or more."""
    trainable = [p for p in parameters if p.requires_grad]
    decayed, plain = [p for p in trainable if p.ndim > 1], [p for p in trainable if p.ndim <= 1]
    groups = [(decayed, weight_decay), (plain, 0.0)]
    return [{"params": params, "lr": factor, "weight_decay": decay} for params, decay in groups if params]


def fit(
    learner: Learner,
    recipe: Recipe | WarmupRecipe,
    order: Iterable[Tensor],
    steps: int,
    on_progress: Progress = lambda share, history: None,
    should_stop: Callable[[int], bool] = lambda step: False,
    clip: Clip = nn.utils.clip_grad_norm_,
) -> History:
    """Train ``learner`` on the batches of indices in ``order``.

    Args:
        steps: number of batches in ``order``; the schedule is laid over them.
        on_progress: called at every point of the learning curve with the share done.
        should_stop: called after every step with its number; true ends training.
        clip: limits the norm of the gradients, and returns what it was.

    Raises:
        DivergedError: the loss or the gradient is not finite.
    """
    history = History()
    groups = learner.parameter_groups()
    if not groups:
        return history
    descent = Descent(groups, recipe, steps)
    learner.module.train()
    window = Window.of(steps)
    for step, index in enumerate(order, start=1):
        started = time.perf_counter()
        loss, predictions, target = learner.batch_loss(index)
        norm = descent.step(loss, clip)
        window.add(loss.detach(), norm, (predictions.detach() == target).float().mean())
        history.seconds += time.perf_counter() - started
        history.examples += len(index)
        history.stopped_early = should_stop(step)
        if window.full or step == steps or history.stopped_early:
            # On a GPU this waits for the steps that the clock above only saw handed over.
            closing = time.perf_counter()
            (point,) = window.close(step)
            if isinstance(point, DivergedError):
                raise point
            history.curve.append((history.examples, *point))
            history.seconds += time.perf_counter() - closing
            on_progress(step / steps, history)
        if history.stopped_early:
            break
    return history


def _adamw(groups: list[dict[str, object]]) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, fused=True)


def _sgd(groups: list[dict[str, object]]) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, momentum=MOMENTUM, nesterov=True, fused=True)


OPTIMIZERS: Mapping[OptimizerName, Callable[[list[dict[str, object]]], torch.optim.Optimizer]] = {
    "adamw": _adamw,
    "sgd": _sgd,
}
# Factor on the peak rate, from the steps done since the linear warm-up and the steps there are.
SCHEDULES: Mapping[ScheduleName, Callable[[int, int], float]] = {
    "cosine": lambda done, steps: 0.5 * (1 + math.cos(math.pi * done / steps)),
    "exponential": lambda done, steps: END ** (done / steps),
    "constant": lambda done, steps: 1.0,
}


class Descent:
    """The optimiser of a recipe under its schedule.

    Args:
        groups: optimiser groups whose ``lr`` is a factor on the recipe's rate.
        steps: over which the schedule is laid.
    """

    def __init__(self, groups: list[dict[str, object]], recipe: Recipe | WarmupRecipe, steps: int) -> None:
        rates = [float(group["lr"]) * recipe.lr for group in groups]  # type: ignore[arg-type]
        own = [{**group, "lr": rate} for group, rate in zip(groups, rates, strict=True)]
        self._optimizer = OPTIMIZERS[recipe.optimizer](own)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, _factors(recipe, steps))
        self._parameters = [p for group in self._optimizer.param_groups for p in group["params"]]
        self._clip_norm = recipe.clip_norm

    def step(self, loss: Tensor, clip: Clip) -> Tensor:
        """One step down ``loss``; returns the norm of the gradients before ``clip`` limited it."""
        self._optimizer.zero_grad()
        loss.backward()
        norm = clip(self._parameters, self._clip_norm)
        self._optimizer.step()
        self._schedule.step()
        return norm


def _factors(recipe: Recipe | WarmupRecipe, steps: int) -> Callable[[int], float]:
    """The factor on the peak rate of every step."""
    warmup = max(1, round(steps * recipe.warmup_fraction))
    schedule = SCHEDULES[recipe.schedule]

    def factor(step: int) -> float:
        return (step + 1) / warmup if step < warmup else schedule(step - warmup, max(1, steps - warmup))

    return factor


def batches(examples: int, batch_size: int, epochs: int, seed: int) -> Iterable[Tensor]:
    """Full batches of indices; the first epoch in the order drawn, each later one shuffled from ``seed``."""
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(epochs):
        order = torch.arange(examples) if epoch == 0 else torch.randperm(examples, generator=generator)
        yield from (index for index in order.split(batch_size) if len(index) == batch_size)
