"""Early stopping with validation losses given by the test."""

import math

import pytest
import torch
from torch import nn

from bench.training.early_stop import EarlyStop
from bench.training.loop import fit
from bench.training.recipe import Recipe


class Run:
    """A module whose weight is the number of the step; checks read the losses one after the other."""

    def __init__(self, losses: list[float], patience: int, every: int = 1) -> None:
        self.module = nn.BatchNorm1d(1)
        self.left = list(losses)
        self.stop = EarlyStop(self.module, patience, every, self.next_loss)
        self.stopped_at: int | None = None

    def next_loss(self) -> float:
        self.module.eval()
        return self.left.pop(0)

    def go(self, steps: int) -> "Run":
        for step in range(1, steps + 1):
            with torch.no_grad():
                self.module.weight.fill_(step)
                self.module.running_mean.fill_(step)
            if self.stop(step):
                self.stopped_at = step
                break
        return self

    @property
    def weight(self) -> float:
        return self.module.weight.item()


@pytest.mark.parametrize(
    ("losses", "patience", "stopped_at", "best"),
    [
        ([5, 4, 3, 2, 1], 1, None, 5),
        ([5, 4, 6, 3, 2], 1, 3, 2),
        ([5, 4, 6, 3, 2], 2, None, 5),
        ([5, 4, 6, 7, 1], 2, 4, 2),
        ([5, 4, 6, 3, 6, 6], 2, 6, 4),  # the count of misses starts again after an improvement
        ([5, 5, 5], 2, 3, 1),  # no better is a miss
        ([1, 2], 1, 2, 1),
    ],
)
def test_stops_after_patience_and_keeps_the_best(
    losses: list[float], patience: int, stopped_at: int | None, best: int
) -> None:
    run = Run(losses, patience).go(len(losses))
    assert run.stopped_at == stopped_at
    run.stop.restore()
    assert run.weight == best
    assert run.module.running_mean.item() == best
    assert run.stop.best == losses[best - 1]


def test_checks_only_every_so_many_steps() -> None:
    run = Run([3, 2, 4], patience=1, every=5).go(100)
    assert run.stopped_at == 15
    run.stop.restore()
    assert run.weight == 10


def test_training_mode_is_on_again_after_a_check() -> None:
    run = Run([1.0], patience=1).go(1)
    assert run.module.training


def test_restore_before_any_check_changes_nothing() -> None:
    run = Run([], patience=1, every=10).go(5)
    run.stop.restore()
    assert run.weight == 5


def test_a_loss_that_is_not_a_number_is_never_the_best() -> None:
    run = Run([2.0, math.nan, math.nan], patience=2).go(3)
    assert run.stopped_at == 3
    run.stop.restore()
    assert run.weight == 1


def test_the_kept_weights_do_not_follow_later_training() -> None:
    run = Run([1.0, 2.0, 2.0, 2.0], patience=9).go(4)
    assert run.weight == 4
    run.stop.restore()
    assert run.weight == 1


def test_in_the_loop() -> None:
    """A weight that falls past the point where the validation loss is lowest: training ends, the best comes back."""

    class Falling:
        module = nn.Linear(1, 1, bias=False)
        examples = 400

        def parameter_groups(self) -> list[dict[str, object]]:
            return [{"params": list(self.module.parameters()), "lr": 1.0}]

        def batch_loss(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            return self.module.weight.sum(), index, index

    learner = Falling()
    nn.init.constant_(learner.module.weight, 2.0)
    stop = EarlyStop(learner.module, 2, 5, lambda: abs(learner.module.weight.item() - 1.0))
    order = torch.arange(400).split(2)
    history = fit(learner, Recipe(lr=0.02), order, 200, should_stop=stop)
    assert history.stopped_early
    assert history.examples < 400
    assert learner.module.weight.item() < 0.95
    stop.restore()
    assert learner.module.weight.item() == pytest.approx(1.0, abs=0.06)
