"""The observers that a sweep is asked for."""

from __future__ import annotations

from bench.errors import UsageError
from bench.records.folder import RunFolder
from bench.sweep.config import SweepConfig
from bench.sweep.observer import Observer
from bench.sweep.plan import Plan
from bench.sweep.profiler import Profiler


def chosen_observers(config: SweepConfig, folder: RunFolder) -> tuple[Observer, ...]:
    """The observers of a sweep, each with a folder of its own below that of the run.

    Raises:
        UsageError: what one of them needs is not installed.
    """
    observers: list[Observer] = []
    if config.tensorboard:
        observers.append(_tensorboard(folder))
    if config.profile:
        observers.append(Profiler(folder.path / "profile"))
    return tuple(observers)


def left_out(observers: tuple[Observer, ...], plan: Plan) -> str:
    """One line for the cells that have a record, and are not run again to be looked at; empty where there are none."""
    known = len(plan.having("done")) + len(plan.having("failed"))
    if not observers or not known:
        return ""
    options = " and ".join(observer.name for observer in observers)
    cells = "1 cell has a record and is" if known == 1 else f"{known} cells have a record and are"
    return f"{cells} not run again for {options}; another --out would run them"


def _tensorboard(folder: RunFolder) -> Observer:
    try:
        from bench.sweep.tensorboard import TensorBoard
    except ImportError as error:
        raise UsageError(f"--tensorboard: tensorboard cannot be imported ({error}); pip install tensorboard") from None
    return TensorBoard(folder.path / "tensorboard")
