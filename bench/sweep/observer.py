"""Observers: they look at a cell after its numbers were taken, and leave files of their own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.domain import Pairs
from bench.model import PairModel
from bench.sweep.cell import Cell
from bench.sweep.evaluate import Evaluated
from bench.training.loop import History
from bench.training.pairs import PairLearner


@dataclass(frozen=True)
class Finished:
    """A cell whose numbers are taken: whatever an observer does with it, the record stays as it is.

    Attributes:
        learner: what trained the model; None where nothing trains.
        probe: the test pairs of the domain trained on.
    """

    cell: Cell
    model: PairModel
    learner: PairLearner | None
    history: History
    probe: Pairs
    evaluated: Evaluated


class Observer(Protocol):
    """Looks at finished cells. Small and picklable: it travels to the workers."""

    @property
    def name(self) -> str:
        """The option of the command line that asks for it."""

    @property
    def hint(self) -> str:
        """Where its files are and how to look at them."""

    def look(self, finished: Finished) -> str:
        """Write files about one cell; returns what the user should read at once, or nothing."""


def observe(observers: Iterable[Observer], finished: Finished) -> Iterator[str]:
    """What the observers have to say about a cell. One that fails says so: the cell has its numbers and keeps them."""
    for observer in observers:
        try:
            said = observer.look(finished)
        except Exception as error:
            said = f"{observer.name} failed: {type(error).__name__}: {error}"
        if said:
            yield said


def fresh_folder(parent: Path, cell: Cell) -> Path:
    """The empty folder of a cell below ``parent``, readable and unique; what an earlier attempt left is removed."""
    name = re.sub(r"[^\w=.,+-]+", "-", f"{cell.fusion}-{cell.backbone}-{cell.domain}-seed{cell.seed}")
    folder = parent / f"{name[:120]}-{cell.key()[:8]}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
