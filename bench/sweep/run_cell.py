"""What a worker does with one cell: make it ready, train it, measure it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from bench.sweep.cell import Cell
from bench.sweep.execution import ON_THE_CPU, Execution
from bench.sweep.measure import Finished, Trained, measure
from bench.sweep.prepare import Prepared, prepare
from bench.sweep.watch import OnCheck, Validation, Watch
from bench.training.curve import CURVE_POINTS
from bench.training.early_stop import EarlyStop
from bench.training.loop import History, Progress, batches, fit


def run_cell(
    cell: Cell,
    scores_file: Path,
    on_progress: Progress = lambda share, history: None,
    on_finished: Callable[[Finished], None] = lambda finished: None,
    execution: Execution = ON_THE_CPU,
    on_check: OnCheck = lambda pairs, validation: None,
) -> dict[str, Any]:
    """Train and evaluate one cell.

    Args:
        scores_file: where the scores of every evaluated pair go.
        on_finished: called once, when every number is taken.
        execution: where it is computed.
        on_check: called at every check of a cell that is watched.

    Returns:
        The part of its record that the run measured. ``collapse`` holds the reason if the model collapsed, else None.

    Raises:
        DivergedError, NotApplicableError, UsageError: and whatever a plug-in raises.
    """
    prepared = prepare(cell, execution)
    started = time.perf_counter()
    history = _train(prepared, on_progress, execution.checks, on_check)
    trained = Trained(history, time.perf_counter() - started)
    return measure(prepared, trained, scores_file, on_finished, execution)


def steps_of(cell: Cell) -> int:
    """The number of training steps."""
    return cell.recipe.train_pairs // cell.recipe.batch_size * cell.recipe.epochs


def order_of(cell: Cell) -> Iterable[Tensor]:
    """The indices (B,) of the training pairs of each step."""
    return batches(cell.recipe.train_pairs, cell.recipe.batch_size, cell.recipe.epochs, cell.seed)


def _train(prepared: Prepared, on_progress: Progress, checks: int, on_check: OnCheck) -> History:
    cell, learner = prepared.cell, prepared.learner
    if learner is None:
        return History()
    recipe = cell.recipe
    steps, order = steps_of(cell), order_of(cell)
    if not recipe.patience and not checks:
        return fit(learner, recipe, order, steps, on_progress)
    validation = Validation.of(prepared, learner)
    watch = Watch(validation, checks, steps, on_check) if checks else None
    every = max(1, steps // CURVE_POINTS)
    stop = EarlyStop(learner.module, recipe.patience, every, validation.loss) if recipe.patience else None

    def should_stop(step: int) -> bool:
        if watch:
            watch(step)
        return bool(stop and stop(step))

    clip = watch.gradients.clip if watch else nn.utils.clip_grad_norm_
    history = fit(learner, recipe, order, steps, on_progress, should_stop, clip)
    if watch:
        history.checks, history.seconds = watch.checks, history.seconds + watch.waited
    if stop:
        history.seconds += stop.waited
        stop.restore()
    return history
