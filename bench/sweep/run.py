"""Runs a sweep: plan, workers, records, summary."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import zoo
from bench.errors import UsageError
from bench.fusion import FUSIONS
from bench.records.folder import RecordWriter, RunFolder, latest
from bench.records.record import DONE, SCHEMA, Attempt, Record
from bench.spec import parse_spec
from bench.sweep.bundle import bundles, describe_passes
from bench.sweep.cell import domain_identity
from bench.sweep.config import SweepConfig, seconds
from bench.sweep.execution import Execution, default_jobs, find_device
from bench.sweep.executors import Executor, InlineExecutor, PoolExecutor, Result
from bench.sweep.interrupt import Interrupt
from bench.sweep.memory_format import choose_formats
from bench.sweep.observer import Observer
from bench.sweep.observers import chosen_observers, left_out
from bench.sweep.outcome import failure
from bench.sweep.plan import Plan, Planned, expected_minutes, make_plan
from bench.sweep.progress import SweepDisplay
from bench.sweep.provenance import provenance
from bench.sweep.worker import Task, Workplace

OK, FAILED, INTERRUPTED = 0, 3, 130


def run_sweep(config: SweepConfig, command: Sequence[str], console: Console, dry_run: bool = False) -> int:
    """Run what ``config`` asks for and is not done yet.

    Args:
        command: the command line, for ``run.json`` and for the hint how to resume.
        console: where the plan, the progress and the summary go (stderr).
        dry_run: stop after the plan.

    Returns:
        Exit code: 0 when every cell is done, 3 when any failed, 130 after Ctrl-C.

    Raises:
        UsageError: bad input; nothing was run or lost.
    """
    zoo.load(config.include)
    for plugin in zoo.broken_plugins():
        console.print(
            f"warning: {plugin.path} is left out: {plugin.error}",
            style="yellow",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    folder = RunFolder(Path(config.out))
    records = folder.records(Attempt)
    observers = chosen_observers(config, folder)
    known = latest(records)
    plan = make_plan(config, known)
    device = find_device(config.device)
    jobs = default_jobs(device, config.threads) if config.jobs is None else config.jobs
    console.print(plan.summary(expected_minutes(plan, records, jobs)), style="bold", highlight=False, soft_wrap=True)
    for line in (*plan.unmatched(), *filter(None, [left_out(observers, plan)])):
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    if dry_run:
        for planned in plan.cells:
            reason = f" ({planned.reason})" if planned.reason else ""
            console.print(
                f"  {planned.state:>14}  {planned.cell}{reason}", markup=False, highlight=False, soft_wrap=True
            )
        return OK
    with folder.writer() as writer:
        todo = [planned.cell for planned in plan.having("to run")]
        formats = choose_formats(todo, config.threads, device, config.include)
        execution = Execution(device, formats, config.seeds_together)
        for backbone, chosen in execution.memory_formats.items():
            console.print(f"  {backbone} computes in {chosen}: faster on this machine", highlight=False, soft_wrap=True)
        _write_header(folder, config, jobs, execution, command)
        interrupted = _work_off(plan, known, config, folder, writer, jobs, execution, observers, console)
    if interrupted:
        console.print(
            f"interrupted; everything finished is saved. Resume with: {shlex.join(command)}",
            style="bold",
            markup=False,
            soft_wrap=True,
        )
        return INTERRUPTED
    return _summarise(plan, folder, command, console)


def _work_off(
    plan: Plan,
    known: Container[str],
    config: SweepConfig,
    folder: RunFolder,
    writer: RecordWriter,
    jobs: int,
    execution: Execution,
    observers: tuple[Observer, ...],
    console: Console,
) -> bool:
    """Run the cells of the plan that are to run, and write down those that cannot be, unless they are ``known``.

    Returns whether Ctrl-C ended it.
    """
    for planned in plan.having("not applicable"):
        if planned.key not in known:
            _write(writer, planned, failure("not_applicable", "NotApplicableError", planned.reason))
    todo = {planned.cell: planned for planned in plan.having("to run")}
    if not todo:
        return False
    warmups = [Task("warmup", (cell,), (todo[cell].key,)) for cell in plan.missing_warmups()]
    bundled = bundles(todo, execution)
    if execution.seeds_together > 1:
        console.print(f"  {describe_passes(bundled)}", highlight=False, soft_wrap=True)
    tasks = warmups + [Task("cell", cells, tuple(todo[cell].key for cell in cells)) for cells in bundled]
    with (
        tempfile.TemporaryDirectory() as news,
        SweepDisplay(console, len(todo), Path(news)) as display,
        Interrupt() as interrupt,
    ):
        place = Workplace(config.include, config.threads, folder.scores, Path(news), os.getpid(), execution, observers)
        try:
            for task, results in _executor(place, jobs, config).run(tasks, interrupt.check):
                if task.kind == "warmup":
                    display.warmed_up(task.cell, results[0])
                    continue
                for cell, result in zip(task.cells, results, strict=True):
                    said = result.pop("said", ())
                    display.finished(cell, _write(writer, todo[cell], result), said)
        except KeyboardInterrupt:
            return True
    for observer in observers:
        console.print(observer.hint, markup=False, highlight=False, soft_wrap=True)
    return False


def _executor(place: Workplace, jobs: int, config: SweepConfig) -> Executor:
    if jobs == 0:
        return InlineExecutor(place)
    return PoolExecutor(place, jobs, seconds(config.timeout))


def _write(writer: RecordWriter, planned: Planned, result: Result) -> Record:
    """Write what an attempt left. A result that makes no record, as a plug-in may cause, is a failed attempt."""
    fields = _coordinates(planned)
    try:
        return writer.write(fields | result)
    except UsageError as error:
        return writer.write(fields | failure("error", "InvalidRecord", str(error)))


def _coordinates(planned: Planned) -> dict[str, Any]:
    """The fields of a record that are known before the cell runs."""
    cell = planned.cell
    fusion = FUSIONS.get(parse_spec(cell.fusion).name)
    matching = {"matching": asdict(planned.sized)} if planned.sized else {}
    return {
        "key": planned.key,
        "fusion": cell.fusion,
        "family": fusion.family,
        "symmetric": fusion.symmetric,
        "backbone": cell.backbone,
        "domain": cell.domain,
        "seed": cell.seed,
        "protocol": cell.protocol,
        "warmup": {"task": cell.warmup if cell.warmup_identity() else "none"},
        "recipe": cell.recipe.model_dump(),
        "recipe_id": cell.recipe_id(),
        "data": {name: _data(name) for name in cell.eval_domains},
        "eval": {},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        **matching,
    }


def _data(domain: str) -> dict[str, Any]:
    """What names the test set of a domain: its version, and the content of a user's files."""
    identity = domain_identity(domain)
    return {"version": identity["version"], **({"content": identity["content"]} if identity["content"] else {})}


def _write_header(
    folder: RunFolder, config: SweepConfig, jobs: int, execution: Execution, command: Sequence[str]
) -> None:
    before = dict(folder.header())
    earlier = before.pop("earlier", [])
    sessions = [*earlier, before] if before else earlier
    folder.write_header(
        {
            "schema": SCHEMA,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": shlex.join(command),
            "config": {**config.model_dump(), "jobs": jobs},
            "threads": config.threads,
            "precision": config.recipe.get("precision", "float32"),
            **asdict(execution),
            **provenance(),
            "earlier": sessions,
        }
    )


def _summarise(plan: Plan, folder: RunFolder, command: Sequence[str], console: Console) -> int:
    known = latest(folder.records(Attempt))
    final = [(planned, known[planned.key]) for planned in plan.cells]
    counts = Counter(record.status for _, record in final)
    parts = [f"{count} {status.replace('_', ' ')}" for status, count in counts.most_common()]
    console.print(
        f"{len(final)} cells: {', '.join(parts)} · {folder.path}", style="bold", highlight=False, soft_wrap=True
    )
    failed = [(planned, record) for planned, record in final if record.status not in DONE]
    for planned, record in failed:
        console.print(f"  {planned.cell}: {record.ending}", style="red", markup=False, highlight=False, soft_wrap=True)
    if failed:
        statuses = ",".join(sorted({record.status for _, record in failed}))
        console.print(
            f"run them again with: {shlex.join(command)} --retry {statuses}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return FAILED
    return OK
