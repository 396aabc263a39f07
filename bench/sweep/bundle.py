"""A bundle: seeds of one fusion that are trained in one pass under the frozen protocol, or a single cell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.errors import DivergedError, in_a_line
from bench.interrupt import pass_on_interrupt
from bench.sweep.cell import Cell
from bench.sweep.execution import Execution
from bench.sweep.measure import Finished, Trained, measure
from bench.sweep.prepare import Prepared, prepare
from bench.sweep.run_cell import order_of, run_cell, steps_of
from bench.sweep.watch import OnCheck
from bench.training.loop import Progress
from bench.training.stacked import CannotTrainTogetherError, fit_together

# What gains by one pass. On a CPU the matrix products of maps and tokens fill the time, and batched ones are slower.
GAINS = {"cpu": ("embedding",), "cuda": ("embedding", "tokens", "map")}

Outcome = dict[str, Any] | BaseException


def bundles(cells: Iterable[Cell], execution: Execution) -> list[tuple[Cell, ...]]:
    """The cells in the order of the first of each bundle; none has more than ``execution.seeds_together``, and each is
    alone where they are watched."""
    found: list[list[Cell]] = []
    filling: dict[Cell, list[Cell]] = {}
    for cell in cells:
        alike = replace(cell, seed=0)
        bundle = filling.get(alike)
        if bundle and len(bundle) < execution.seeds_together:
            bundle.append(cell)
            continue
        found.append([cell])
        if _gains(cell, execution.device) and not execution.checks:
            filling[alike] = found[-1]
    return [tuple(bundle) for bundle in found]


def describe_passes(found: Iterable[tuple[Cell, ...]]) -> str:
    """How many cells share a pass, in a line."""
    shared = [bundle for bundle in found if len(bundle) > 1]
    if not shared:
        return "no seeds share a pass: only frozen fusions that gain by it do, on a CPU joins of embeddings"
    return f"{sum(map(len, shared))} cells share {len(shared)} passes of training, where the fusion allows it"


def _gains(cell: Cell, device: str) -> bool:
    return cell.protocol == "frozen" and not cell.recipe.patience and cell.fusion.cls.needs in GAINS[device]


def run_bundle(
    cells: Sequence[Cell],
    scores_files: Sequence[Path],
    on_progress: Progress,
    on_finished: Callable[[Finished], None],
    execution: Execution,
    say: Callable[[str], None],
    on_check: OnCheck,
) -> list[Outcome]:
    """Train and evaluate cells as :func:`bench.sweep.run_cell.run_cell` does one: several in one pass, or one after the
    other where they cannot be.

    Args:
        say: told why they cannot be.
        on_check: called at every check of a cell that is watched, which is one alone.

    Returns:
        For each cell the part of its record that was measured, or what it raised.
    """
    trained = _train_together(cells, on_progress, execution, say) if len(cells) > 1 else None
    if trained is None:
        places = zip(cells, scores_files, strict=True)
        return [_attempt(run_cell, *place, on_progress, on_finished, execution, on_check) for place in places]
    return [
        end if isinstance(end, DivergedError) else _attempt(measure, ready, end, file, on_finished, execution)
        for (ready, end), file in zip(trained, scores_files, strict=True)
    ]


def _train_together(
    cells: Sequence[Cell], on_progress: Progress, execution: Execution, say: Callable[[str], None]
) -> list[tuple[Prepared, Trained | DivergedError]] | None:
    """Train cells that differ in their seed alone; None where that fails, for whatever reason, which is said. One by
    one, those fail that would fail alone, and the memory of the pass is free again."""
    try:
        return _pass(cells, on_progress, execution)
    except BaseException as error:
        pass_on_interrupt(error)
        say(f"{len(cells)} seeds from {cells[0]} on are trained one by one: {in_a_line(error)}")
        return None


def _pass(
    cells: Sequence[Cell], on_progress: Progress, execution: Execution
) -> list[tuple[Prepared, Trained | DivergedError]]:
    prepared = [prepare(cell, execution) for cell in cells]
    learners = [ready.learner for ready in prepared if ready.learner]
    if len(learners) < len(prepared):
        raise CannotTrainTogetherError("nothing is trained")
    started = time.perf_counter()
    orders = [order_of(cell) for cell in cells]
    ends = fit_together(learners, cells[0].recipe, orders, steps_of(cells[0]), on_progress)
    seconds = (time.perf_counter() - started) / len(cells)
    return [
        (ready, end if isinstance(end, DivergedError) else Trained(end, seconds, len(cells)))
        for ready, end in zip(prepared, ends, strict=True)
    ]


def _attempt(call: Callable[..., dict[str, Any]], *arguments: object) -> Outcome:
    try:
        return call(*arguments)
    except BaseException as error:
        pass_on_interrupt(error)
        return error
