"""Contract and registry of observers. Importing this module imports nothing heavy: every worker does."""

from __future__ import annotations

import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import UsageError, in_a_line
from bench.interrupt import pass_on_interrupt
from bench.records.record import DetailedRecord
from bench.registry import Choice, Registry, states

if TYPE_CHECKING:
    from bench.sweep.cell import Cell
    from bench.sweep.measure import Finished
    from bench.sweep.watch import Validation


def folder_end(key: str) -> str:
    """What the name of a cell's folder ends with."""
    return f"-{key[:8]}"


class Observer(ABC):
    """Looks at what a sweep does and leaves files of its own; no key and no number depends on it.

    It is built once in the main process, where it reads records, and once in every worker, where it looks at models:
    the two share files, and no memory. One that fails says so, and costs no cell its record.

    Args:
        folder: its own one, below that of the run; it exists once the observer makes it. What a user can set follows
            as typed parameters with defaults.

    Attributes:
        name: what ``--observer`` calls it, and the name of its folder.
    """

    name: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    @abstractmethod
    def hint(self) -> str:
        """Where its files are and how to look at them, said when the sweep ends."""

    def check(self, cell: Cell, pairs: int, validation: Validation) -> str:
        """Look at a cell while it trains, after so many training ``pairs``, at every check of ``--checks``, in the
        process that trains it: ``validation`` are its first validation pairs, and the model as it is then. It leaves
        the weights as they are; returns as :meth:`look` does."""
        return ""

    def look(self, finished: Finished) -> str:
        """Look at a cell whose numbers are taken, in the process that trained it; returns what the user should read at
        once, or nothing."""
        return ""

    def read(self, record: DetailedRecord) -> str:
        """Read a record just written, whatever its status, in the main process; returns as :meth:`look` does."""
        return ""

    def fresh_folder(self, cell: Cell) -> Path:
        """The empty folder of a cell below its own, readable and unique; what an earlier attempt left is removed."""
        name = re.sub(
            r"[^\w=.,+-]+", "-", f"{cell.fusion}-{cell.backbone}-{cell.name_of(cell.domain)}-{cell.repeats}{cell.seed}"
        )
        folder = self.folder / f"{name[:120]}{folder_end(cell.key())}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


BUILT_IN = (
    "bench.observers.profiler", "bench.observers.tensorboard", "bench.observers.mlflow", "bench.observers.embeddings",
    "bench.models.observer",
)  # fmt: skip
OBSERVERS: Registry[Observer] = Registry("observer", states("observer", "name"), BUILT_IN, given=("folder",))
register_observer = OBSERVERS.register


def choose_observers(patterns: Iterable[str]) -> tuple[Choice[Observer], ...]:
    """The observers that names with parameters stand for.

    Raises:
        UsageError: an unknown name, or one that is given twice and would have one folder for both.
    """
    chosen = OBSERVERS.resolve(patterns)
    names = [choice.name for choice in chosen]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"observer {name} is given twice with different parameters; it has one folder in a run")
    return tuple(chosen)


def build_observers(chosen: Iterable[Choice[Observer]], run: Path) -> tuple[Observer, ...]:
    """The observers of the sweep whose folder is ``run``.

    Raises:
        UsageError: an unknown parameter, a value of another type, or what one of them needs is not installed.
    """
    return tuple(choice.build(run / choice.name) for choice in chosen)


def ask(observers: Iterable[Observer], question: Callable[[Observer], str]) -> Iterator[str]:
    """What the observers have to say. One that fails says so: whatever they are asked about stays as it is."""
    for observer in observers:
        try:
            answer = str(question(observer) or "")
        except BaseException as error:
            pass_on_interrupt(error)
            answer = f"observer {observer.name} failed: {in_a_line(error)}"
        if answer:
            yield answer
