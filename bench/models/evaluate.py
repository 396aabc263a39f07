"""A stored model tested on other domains: a record as its own, with other results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from bench.domain import build_domain
from bench.errors import DivergedError, UsageError
from bench.models.files import FOLDER
from bench.models.restore import StoredModel
from bench.records.folder import RunFolder, latest
from bench.records.record import DONE, DetailedRecord
from bench.sweep.cell import Cell
from bench.sweep.coordinates import coordinates
from bench.sweep.eval_domains import check_eval, eval_domains
from bench.sweep.outcome import judged
from bench.sweep.replicates import as_given, redealt
from bench.training.threads import one_thread

Say = Callable[[str], None]


def tested_on(cell: Cell, chosen: Sequence[str]) -> Cell:
    """The cell with the domains to test on that a sweep with ``--eval`` would give it.

    Raises:
        UsageError: a name that means nothing for its domain.
    """
    replicated = cell.repeats == "replicate"
    own = as_given(cell.domain, cell.seed) if replicated else cell.domain
    check_eval([own], chosen)
    offered = (one for one in eval_domains(own, chosen) if cell.fusion.cls.sees in build_domain(one).offers)
    domains = (own, *offered)
    return replace(cell, eval_domains=tuple(redealt(one, cell.seed) for one in domains) if replicated else domains)


def evaluate_models(
    models: Sequence[StoredModel], chosen: Sequence[str], out: Path | None, say: Say
) -> list[DetailedRecord]:
    """The record of each model tested on what ``chosen`` means for its domain and on what it was tested on before, as a
    report reads the newest: read where there is one, else computed without any training and appended.

    Args:
        out: folder of the records; by default that of the run that kept the model.
        say: told in a line what is written where, and what is there already.

    Raises:
        UsageError: bad input, or a model that is no longer what would be trained.
        StorageError: a file could not be written; the records before it are kept.
    """
    found = []
    for model in models:
        folder = _folder(model, out)
        _check_current(model)
        cell = tested_on(model.cell, [*_tested_before(folder, model.cell), *chosen])
        known = latest(folder.records(DetailedRecord)).get(cell.key())
        if known is not None and known.status in (*DONE, "collapsed"):
            say(f"{cell}: there is a record in {folder.path}")
        else:
            say(f"{cell}: tested on {len(cell.eval_domains)} domains ...")
            known = _append(folder, model, cell)
        found.append(known)
    return found


def _tested_before(folder: RunFolder, cell: Cell) -> list[str]:
    """The domains besides its own on which the newest record of a model was tested; none where there is no record."""
    for record in reversed(folder.records(DetailedRecord)):
        if (record.fusion, record.seed) != (str(cell.fusion), cell.seed):
            continue
        names = [name for name in record.eval if name != record.domain]
        # A record names what no longer exists where it is of other code, and so of another model.
        with suppress(UsageError):
            if tested_on(cell, names).key() == record.key:
                return names
    return []


def _folder(model: StoredModel, out: Path | None) -> RunFolder:
    """Where its records go. A new folder gets the header of the run that trained it, which names the machine."""
    run = RunFolder(model.path.absolute().parent.parent)
    trained_here = model.path.absolute().parent.name == FOLDER and run.records_file.exists()
    if out is None:
        if not trained_here:
            raise UsageError(f"{model.path}: lies in no run folder; --out names one for the record")
        return run
    folder = RunFolder(out)
    if trained_here and not folder.header_file.exists() and run.header():
        folder.write_header(run.header())
    return folder


def _check_current(model: StoredModel) -> None:
    if why := model.outdated:
        raise UsageError(f"{model.path}: {why}; a record would be of what is no longer there")


def _append(folder: RunFolder, model: StoredModel, cell: Cell) -> DetailedRecord:
    with ExitStack() as stack:
        writer = stack.enter_context(folder.writer())
        # As a worker computes: sums depend on the number of threads.
        stack.enter_context(one_thread())
        try:
            evaluated = model.evaluate(cell.eval_domains)
        except DivergedError as error:
            raise UsageError(f"{model.path}: {error}") from None
        key = cell.key()
        evaluated.save(folder.scores / f"{key}.npz")
        told = {"collapse": None} | model.card.measured
        told |= {"validation": evaluated.validation_metrics, "eval": evaluated.metrics}
        return writer.write(coordinates(cell, key) | judged(told))
