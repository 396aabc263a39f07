"""Runs a sweep: plan, workers, records, summary."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from bench import zoo
from bench.errors import StorageError, UsageError, in_a_line
from bench.executors import EXECUTORS, Executor
from bench.executors.tasks import start_of
from bench.interrupt import Interrupt, pass_on_interrupt
from bench.observers import Observer, ask, build_observers, choose_observers
from bench.records.folder import RecordWriter, RunFolder, latest
from bench.records.load import Run, damage
from bench.records.record import SCHEMA, Attempt, DetailedRecord
from bench.sweep.bundle import bundles, describe_passes
from bench.sweep.cell import Cell
from bench.sweep.clock import Clock, Estimate, in_words
from bench.sweep.config import SweepConfig, seconds
from bench.sweep.config_values import read_part
from bench.sweep.coordinates import coordinates
from bench.sweep.eval_domains import fitting_none
from bench.sweep.execution import Execution
from bench.sweep.memory_format import choose_formats
from bench.sweep.outcome import failure
from bench.sweep.part import part_of
from bench.sweep.plan import Plan, Planned, make_plans
from bench.sweep.progress import SweepDisplay, news_folder, recipes_apart
from bench.sweep.provenance import provenance
from bench.sweep.run_copy import RunCopy
from bench.sweep.store import Store
from bench.sweep.summary import OK, summarise
from bench.sweep.worker import Result, Task, Workplace
from bench.text import count_of, say, without_home

INTERRUPTED = 130
LONG = 120.0  # seconds, from which a sweep is looked at on the way


def run_sweep(config: SweepConfig, command: Sequence[str], console: Console, dry_run: bool = False) -> int:
    """Run what ``config`` asks for and is not done yet.

    Args:
        command: the command line, for ``run.json`` and for the hint how to resume.
        console: where the plan, the progress and the summary go (stderr).
        dry_run: stop after the plan.

    Returns:
        Exit code: 0 when every cell is done, 3 when any failed, 130 after Ctrl-C, 143 after SIGTERM.

    Raises:
        UsageError: bad input; nothing was run or lost.
        StorageError: a file could not be written; what was finished before is kept.
    """
    return run_sweeps([config], command, console, dry_run)


def run_sweeps(configs: Sequence[SweepConfig], command: Sequence[str], console: Console, dry_run: bool = False) -> int:
    """As :func:`run_sweep`, several configurations as one sweep in one folder. They differ in what is run alone: the
    first says where and how, and is the one that the header holds.
    """
    config = configs[0]
    zoo.load(config.include)
    for plugin in zoo.broken_plugins():
        say(console, f"warning: {plugin.path} is left out: {plugin.error}", "yellow")
    folder = RunFolder(Path(config.out))
    size = folder.size
    records, damaged = folder.read(Attempt)
    for line in damage([Run(folder.path, folder.header(), (), damaged)]):
        say(console, f"warning: {line}")
    executor, chosen = EXECUTORS.settle(config.chosen_executor), choose_observers(config.chosen_observers)
    observers = build_observers(chosen, folder.path)
    known = latest(records)
    plan = make_plans(configs, known)
    whole = plan
    if config.part:
        cells, plan = len(plan.cells), part_of(plan, *read_part(config.part))
        say(console, f"part {config.part}: {len(plan.cells):,} of {count_of(cells, 'cell')}", "bold")
    device = executor.cls.find_device(config.device)
    jobs = executor.cls.count_jobs(config.jobs, device, config.threads)
    clock = Clock(plan, records, jobs, device)
    _tell(plan, config, clock.left(), _left_out(observers, plan), console)
    if dry_run:
        recipes = recipes_apart(planned.cell for planned in plan.cells)
        for planned in plan.cells:
            reason = f" ({planned.reason})" if planned.reason else ""
            say(console, f"  {planned.state:>14}  {planned.cell}{recipes[planned.cell]}{reason}")
        return OK
    store = Store(config.store) if config.store else None
    if store:
        store.check()
    with folder.writer() as writer, news_folder(folder.path) as news, _told_what_is_kept(folder, command):
        is_current = folder.size <= size
        if is_current:
            execution = _execution(config, _asked(whole, plan), device, console)
            limit = seconds(config.warmup_timeout)
            own = folder.path.absolute()
            place = Workplace(config.include, config.threads, own, news, execution, chosen, limit, config.store)
            runs_on = executor.build(place, jobs, seconds(config.timeout))
            # What was declared before its cells ran stays as it was declared.
            unknown = any(one.key not in known for one in plan.having("not applicable"))
            if plan.having("to run") or unknown or "config" not in folder.header():
                _write_header(folder, config, len(plan.cells), jobs, execution, command)
            copy = RunCopy(store, folder, config.part) if store else None
            with copy.kept(partial(say, console)) if copy else nullcontext():
                code = _work_off(plan, known, runs_on, place, writer, observers, console, clock)
                if code:
                    resume = f"Resume with: {shlex.join(command)}"
                    say(console, f"interrupted; everything finished is saved. {resume}", "bold")
                else:
                    code = summarise(plan, folder, command, console)
    if not is_current:
        # Another command has written here since the records were read: what it finished is not done again.
        return run_sweeps(configs, command, console)
    return code


def _tell(plan: Plan, config: SweepConfig, time: Estimate, left_out: str, console: Console) -> None:
    """Say what is to be done, how long it takes, and what to know before."""
    say(console, plan.summary(in_words(time.seconds) if time.seconds is not None else ""), "bold")
    notes = [time.basis, *plan.notes(), left_out]
    notes += fitting_none(dict.fromkeys(one.cell.domain for one in plan.cells), config.eval)
    several = config.seeds_together == 1 and len({one.cell.seed for one in plan.having("to run")}) > 1
    if several and (time.seconds is None or time.seconds > LONG):
        first = "replicate" if config.replicates else "seed"
        notes.append(f"all of a {first} first: then bench report {shlex.quote(config.out)} has a whole table")
    if config.chosen_executor == "inline" and (config.timeout or config.warmup_timeout):
        notes.append("executor inline knows no timeout: what does not end is not ended")
    for line in filter(None, notes):
        say(console, f"  {line}")


def _asked(whole: Plan, plan: Plan) -> list[Cell]:
    """The cells of the backbones that ``plan`` has to run, in all parts, done or not: a memory format is chosen by
    them, so that it does not depend on where a sweep was interrupted or divided."""
    needed = {planned.cell.backbone for planned in plan.having("to run")}
    cells = (planned.cell for planned in whole.cells if planned.state != "not applicable")
    return [cell for cell in cells if cell.backbone in needed]


def _execution(config: SweepConfig, cells: Sequence[Cell], device: str, console: Console) -> Execution:
    formats = choose_formats(cells, config.threads, device, partial(say, console), config.include)
    for backbone, layout in formats.items():
        say(console, f"  {backbone} computes in {layout}: faster on this machine")
    return Execution(device, formats, config.seeds_together, config.checks)


def _work_off(
    plan: Plan,
    known: Container[str],
    executor: Executor,
    place: Workplace,
    writer: RecordWriter,
    observers: tuple[Observer, ...],
    console: Console,
    clock: Clock,
) -> int:
    """Run the cells of the plan that are to run, and write down those that cannot be, unless they are ``known``.

    Returns the exit code of the interrupt that ended it; 0 where none did.
    """

    def keep(planned: Planned, result: Result) -> tuple[DetailedRecord, list[str]]:
        """Write a record and show it to the observers; returns it with what was said about the cell."""
        said = result.pop("said", [])
        record = _write(writer, planned, result)
        return record, [*said, *ask(observers, lambda one: one.read(deepcopy(record)))]

    for planned in plan.having("not applicable"):
        if planned.key not in known:
            for line in keep(planned, failure("not_applicable", "NotApplicableError", planned.reason))[1]:
                say(console, line)
    todo = {planned.cell: planned for planned in plan.having("to run")}
    if not todo:
        return OK
    warmups = [Task("warmup", (cell,), (todo[cell].key,)) for cell in plan.missing_warmups()]
    bundled = bundles(todo, place.execution)
    if place.execution.seeds_together > 1:
        say(console, f"  {describe_passes(bundled)}")
    tasks = warmups + [Task("cell", cells, tuple(todo[cell].key for cell in cells)) for cells in bundled]
    _offer(place, tasks, console)
    with SweepDisplay(console, tuple(todo), place.progress, clock) as display, Interrupt() as interrupt:

        def poll() -> None:
            interrupt.check()
            display.tick()

        try:
            with closing(_results(executor, tasks, poll, partial(say, console))) as done:
                for task, results in done:
                    if task.kind == "warmup":
                        display.warmed_up(task.cell, _saved(results[0]))
                        _offer(place, [task], console)
                        continue
                    for cell, result in zip(task.cells, results, strict=True):
                        display.finished(cell, *keep(todo.pop(cell), _saved(result)))
        except KeyboardInterrupt as error:
            return getattr(error, "exit_code", INTERRUPTED)
        for planned in todo.values():
            lost = failure("killed", "NoResultError", f"executor {executor.name} ended without its result")
            display.finished(planned.cell, *keep(planned, lost))
    for line in ask(observers, lambda one: one.hint):
        say(console, line)
    return OK


def _offer(place: Workplace, tasks: Iterable[Task], console: Console) -> None:
    """Put the warm-ups of tasks, as far as this machine has them, into the store, if there is one."""
    if place.store:
        store = Store(place.store)
        for start in dict.fromkeys(filter(None, map(start_of, tasks))):
            store.offer(start, partial(say, console))


def _results(
    executor: Executor, tasks: Sequence[Task], on_poll: Callable[[], None], say: Callable[[str], None]
) -> Generator[tuple[Task, list[Result]]]:
    """What the executor yields; where it fails itself, as that of a plug-in may, it is said and there is no more."""
    try:
        yield from executor.run(tasks, on_poll)
    except (UsageError, GeneratorExit):
        raise
    except BaseException as error:
        pass_on_interrupt(error)
        say(f"executor {executor.name} failed: {in_a_line(error)}")


def _saved(result: Result) -> Result:
    """The result; raises ``StorageError`` where what belongs to it could not be written."""
    if "unsaved" in result:
        raise StorageError(result["unsaved"])
    return result


@contextmanager
def _told_what_is_kept(folder: RunFolder, command: Sequence[str]) -> Iterator[None]:
    """What ends the sweep midway says that nothing is lost and how to go on."""
    before = folder.size
    try:
        yield
    except UsageError as error:
        if folder.size == before and not isinstance(error, StorageError):
            raise
        kept = f"all that was finished is kept in {folder.path}, and the same command goes on: {shlex.join(command)}"
        raise type(error)(f"{error}; {kept}") from None


def _left_out(observers: Sequence[Observer], plan: Plan) -> str:
    """One line for the cells that have a record, and are not run again to be looked at; empty where there are none."""
    known = len(plan.having("done")) + len(plan.having("failed"))
    if not observers or not known:
        return ""
    names = " and ".join(observer.name for observer in observers)
    cells = count_of(known, "cell has a record and is", "cells have a record and are")
    return f"{cells} not run again for {names}; another --out would run them"


def _write(writer: RecordWriter, planned: Planned, result: Result) -> DetailedRecord:
    """Write what an attempt left. A result that makes no record, as a plug-in may cause, is a failed attempt."""
    sized = planned.sized
    matching = {"matching": vars(sized) | {"fusion": str(sized.fusion)}} if sized else {}
    fields = coordinates(planned.cell, planned.key) | matching
    try:
        return writer.write(fields | result)
    except StorageError:
        raise
    except UsageError as error:
        return writer.write(fields | failure("error", "InvalidRecord", str(error)))


def _write_header(
    folder: RunFolder, config: SweepConfig, cells: int, jobs: int | None, execution: Execution, command: Sequence[str]
) -> None:
    before = dict(folder.header())
    earlier = before.pop("earlier", [])
    sessions = [*earlier, before] if before else earlier
    folder.write_header(
        {
            "schema": SCHEMA,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": without_home(shlex.join(command)),
            "config": json.loads(without_home(json.dumps({**config.model_dump(), "jobs": jobs}, ensure_ascii=False))),
            "cells": cells,
            "threads": config.threads,
            "precision": config.recipe.get("precision", "float32"),
            **asdict(execution),
            **provenance(),
            "earlier": sessions,
        }
    )
