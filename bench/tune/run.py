"""Runs a tuning: trials, the choice on validation, and the test before and after on fresh replicates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from bench import zoo
from bench.atomic import write_text_atomically
from bench.errors import UsageError
from bench.fusion import FUSIONS
from bench.lettering import names_as_they_are
from bench.plots.gallery import save
from bench.records.folder import RunFolder, latest
from bench.records.record import DetailedRecord
from bench.sweep.config import SweepConfig
from bench.sweep.run import run_sweeps
from bench.sweep.summary import FAILED, OK
from bench.text import count_of, say
from bench.training.recipe import declared_recipe
from bench.tune.as_json import render_json
from bench.tune.best import with_recipe, write_best
from bench.tune.picture import draw_sensitivity
from bench.tune.result import Board, Records, boards_of
from bench.tune.space import Space
from bench.tune.table import render
from bench.tune.trials import (
    ANSWERS,
    Subject,
    Tuned,
    by_subject,
    check_metric,
    read_trials,
    trial_configs,
    trials_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FRESH = 5  # replicates of the test, where their number is not given


@dataclass(frozen=True)
class Tuning:
    """What is tried: ``trials`` recipes of a ``space`` in all (None: its grid), on so many ``replicates`` each, judged
    by the metric ``select``."""

    space: Space
    trials: int | None
    select: str
    replicates: int


@dataclass(frozen=True)
class End:
    """How a tuning ended: the exit code, and the table of what it gained where it came so far."""

    code: int
    table: str = ""


def tune(config: SweepConfig, tuning: Tuning, command: Sequence[str], console: Console, dry_run: bool = False) -> End:
    """Run what has no record yet, and tell what all of it shows.

    Trials are records in ``trials/run`` of the folder of ``config``, tests those in ``default`` and ``tuned``. Recipes
    are chosen by the validation pairs of trials alone; no test pair is looked at before they stand.

    Args:
        command: the command line, for the headers and the hint how to resume.
        dry_run: stop after the plan of the trials.

    Raises:
        UsageError: bad input; nothing was run or lost.
    """
    check_metric(tuning.select)
    config = _settled(config, console)
    trials = trials_of(tuning.space, tuning.trials)
    configs = trial_configs(config, trials, tuning.replicates)
    say(console, f"trials: {count_of(len(trials), 'recipe')}, the same for every fusion", "bold")
    for trial in trials if dry_run else ():
        say(console, f"  {trial.number}: {trial}")
    code = run_sweeps(configs, command, console, dry_run)
    if dry_run or code not in (OK, FAILED):
        return End(code)
    tuned = read_trials(configs, trials, tuning.select)
    files = write_best(config, tuned, tuning.select, Path(config.out, "best"))
    say(console, f"wrote {count_of(len(files), 'recipe')} to {Path(config.out, 'best')}")
    codes = [OK if {one.status for own in tuned for one in own.outcomes} <= ANSWERS else FAILED]
    before, after = _tests(config, tuned)
    for what, part in (("default recipe", before), ("chosen recipes", after)):
        if part:
            say(console, f"test of the {what}: {count_of(config.replicates or FRESH, 'fresh replicate')}", "bold")
            codes.append(run_sweeps(part, command, console))
            if codes[-1] not in (OK, FAILED):
                return End(codes[-1])
    boards = _boards(config, tuning, tuned)
    table = render(boards)
    write_text_atomically(Path(config.out, "tuning.md"), table)
    write_text_atomically(Path(config.out, "tuning.json"), render_json(boards))
    for file, figure in _pictures(config, tuning, tuned):
        save(figure, file)
        say(console, f"wrote {file}")
    return End(max(codes), table)


def read_boards(config: SweepConfig, tuning: Tuning, console: Console) -> list[Board]:
    """What the records of a tuning in the folder of ``config`` say; nothing is run.

    Raises:
        UsageError: bad input, or records that cannot be read.
    """
    config = _settled(config, console)
    trials = trials_of(tuning.space, tuning.trials)
    tuned = read_trials(trial_configs(config, trials, tuning.replicates), trials, tuning.select)
    return _boards(config, tuning, tuned)


def _boards(config: SweepConfig, tuning: Tuning, tuned: Sequence[Tuned]) -> list[Board]:
    before, after = map(_read, _tests(config, tuned))
    return boards_of(tuned, before, after, tuning.select, config.equivalence_margin / 100)


def _settled(config: SweepConfig, console: Console) -> SweepConfig:
    """The configuration with its replicates, without references and controls, which no recipe is to make better."""
    zoo.load(config.include)
    found = FUSIONS.resolve(config.fusion)
    fusions = tuple(str(one) for one in found if one.cls.role == "fusion")
    others = [str(one) for one in found if one.cls.role != "fusion"]
    if others:
        say(console, f"not tuned: {', '.join(others)}: references and controls are not compared")
    if not fusions:
        raise UsageError(f"--fusion {','.join(config.fusion)}: no fusion that could be tuned")
    return config.model_copy(update={"fusion": fusions, "replicates": config.replicates or FRESH})


def _tests(config: SweepConfig, tuned: Sequence[Tuned]) -> tuple[list[SweepConfig], list[SweepConfig]]:
    """The configurations of the test: under the default recipe, and under those chosen that are another one."""
    default = config.model_copy(update={"out": str(Path(config.out, "default"))})
    own = config.model_copy(update={"out": str(Path(config.out, "tuned"))})
    return [default], [with_recipe(own, one) for one in tuned if one.is_changed]


def _read(configs: Sequence[SweepConfig]) -> dict[Subject, Records]:
    """The records of configurations that were run in one folder."""
    if not configs:
        return {}
    known = latest(RunFolder(Path(configs[0].out)).records(DetailedRecord))
    return {subject: records for config in configs for subject, records in by_subject(config, known).items()}


def _pictures(config: SweepConfig, tuning: Tuning, tuned: Iterable[Tuned]) -> Iterator[tuple[Path, Figure]]:
    """A picture of the trials for each domain and backbone, and the file it belongs in."""
    tables = [(table, list(members)) for table, members in groupby(tuned, key=lambda one: one.subject[:2])]
    for number, ((domain, backbone), members) in enumerate(tables):
        recipe = declared_recipe(backbone, config.protocol, config.recipe).model_dump()
        title = f"Trials on {domain} · {backbone} · {config.protocol}"
        with names_as_they_are():
            figure = draw_sensitivity(title, members, tuning.space, recipe, tuning.select)
        name = "sensitivity" if len(tables) == 1 else f"sensitivity-{number + 1}"
        yield Path(config.out, f"{name}.png"), figure
