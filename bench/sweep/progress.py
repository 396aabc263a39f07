"""What a user sees while a sweep runs: a live display on a terminal, plain lines elsewhere. All of it on stderr."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from bench.metrics import metric_position
from bench.records.record import Record, in_short
from bench.sweep.clock import Clock, in_words
from bench.text import printable, say

if TYPE_CHECKING:
    from bench.sweep.cell import Cell

BARS = "▁▂▃▄▅▆▇█"
STYLES = {"ok": "green", "not_applicable": "dim"}
# CI systems end what is silent for longer.
HEARTBEAT_SECONDS = 60.0
# Of those at work, where no live display shows them.
MOST_TOLD = 20
# The line that counts the rest of the rows, the bar, and the cursor.
LINES_BELOW = 3
FEW_PAIRS = 100
# Of a bundle, behind the name of its first cell.
OTHERS = re.compile(r" and \d+ more$")


@contextmanager
def news_folder(run: Path) -> Iterator[Path]:
    """Where the workers of a run leave news of what they are at; it is gone when the run ends, or the next one does."""
    folder = run.absolute() / ".news"
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sparkline(values: list[float], low: float) -> str:
    """Values as a row of bars between ``low`` and 1."""
    scaled = [(min(max(value, low), 1.0) - low) / (1 - low) for value in values]
    return "".join(BARS[round(value * (len(BARS) - 1))] for value in scaled)


class SweepDisplay:
    """Counts finished cells and shows the running ones with their training accuracy so far."""

    def __init__(self, console: Console, cells: Collection[Cell], news: Path, clock: Clock) -> None:
        self.console, self.total, self._news, self._clock, self._done = console, len(cells), news, clock, 0
        self._recipes = recipes_apart(cells)
        self._ended = set[str]()
        self._bar = Progress(
            TextColumn("cells"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"), console=console,
        )  # fmt: skip
        self._task = self._bar.add_task("cells", total=self.total, left=self._left())
        self._spoke = time.monotonic()
        self._live = Live(self, console=console, refresh_per_second=4, transient=True) if console.is_terminal else None

    def __enter__(self) -> SweepDisplay:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live:
            self._live.stop()

    def __rich__(self) -> RenderableType:
        running = Table.grid(padding=(0, 2))
        at_work = self._current()
        # A cluster does more at a time than a terminal has lines.
        room = max(1, self.console.height - LINES_BELOW)
        for news in at_work[:room]:
            curve = sparkline(news["curve"], low=0.0 if news["kind"] == "warmup" else 0.5)
            running.add_row(Text(printable(_name(news))), f"{news['share']:4.0%}", curve, f"{news['curve'][-1]:.3f}")
        if len(at_work) > room:
            running.add_row(f"and {len(at_work) - room:,} more")
        return Group(running, self._bar)

    def tick(self) -> None:
        """Called a few times a second: says what is being done where no live display shows it and nothing was said for
        a minute."""
        if self._live is None and time.monotonic() - self._spoke > HEARTBEAT_SECONDS:
            at_work = self._current()
            for news in at_work[:MOST_TOLD]:
                self._line(f"... {_name(news)}: {news['share']:.0%}", "dim")
            if len(at_work) > MOST_TOLD:
                self._line(f"... and {len(at_work) - MOST_TOLD:,} more at work", "dim")
            self._spoke = time.monotonic()

    def _current(self) -> list[dict[str, Any]]:
        """News of what is at work; those of what ended are dropped, whose process may be dead or have nothing to do."""
        found = []
        # The live display asks from a thread of its own.
        ended, self._ended = self._ended, set()
        for path in sorted(self._news.glob("*.json")):
            news = _read(path)
            if news and OTHERS.sub("", str(news["cell"])) in ended:
                path.unlink(missing_ok=True)
            elif news:
                found.append(news)
        return found

    def finished(self, cell: Cell, record: Record, said: Sequence[str] = ()) -> None:
        """One more cell has a record, and observers ``said`` something about it."""
        self._done += 1
        self._ended.add(str(cell))
        self._clock.finished(cell, record)
        self._bar.update(self._task, completed=self._done, left=self._left())
        left = "" if self._live else self._left()
        line = f"[{self._done}/{self.total}] {cell}{self._recipes.get(cell, '')}: {describe(record)}"
        self._line(" · ".join(filter(None, [line, left])), STYLES.get(record.status, "red"))
        for text in said:
            self._line(text, "none")

    def warmed_up(self, cell: Cell, result: Mapping[str, Any]) -> None:
        """A warm-up ended; where it failed, the cells that need it say so in their records."""
        self._ended.add(str(cell))
        failed = result["status"] != "ok"
        self._clock.warmed_up(cell, None if failed else result["warmup_seconds"])
        self._bar.update(self._task, left=self._left())
        ended = [result["status"], *in_short(result["error"])] if failed else [f"{result['warmup_seconds']:.0f} s"]
        which = "" if cell.repeats == "seed" else f" of replicate {cell.seed}"
        domain = cell.name_of(cell.warmup.domain)
        self._line(f"warm-up {cell.warmup.task}{which} of {cell.backbone} on {domain}: {': '.join(ended)}", "cyan")
        for text in result.get("said", ()):
            self._line(text, "none")

    def _left(self) -> str:
        seconds = self._clock.left().seconds
        return "" if seconds is None else f"{in_words(seconds)} left"

    def _line(self, text: str, style: str) -> None:
        self._spoke = time.monotonic()
        say(self.console, text, style)


def recipes_apart(cells: Iterable[Cell]) -> dict[Cell, str]:
    """`` · optimizer=sgd, lr=0.01`` of the cells that go by one name, as the trials of a tuning do: what their recipes
    differ in."""
    by_name: dict[str, list[Cell]] = {}
    for cell in cells:
        by_name.setdefault(str(cell), []).append(cell)
    found: dict[Cell, str] = {}
    for same in by_name.values():
        recipes = [cell.recipe.model_dump() for cell in same]
        differ = [name for name in recipes[0] if any(recipe[name] != recipes[0][name] for recipe in recipes)]
        for cell, recipe in zip(same, recipes, strict=True):
            found[cell] = "".join(f"{', ' if n else ' · '}{name}={recipe[name]}" for n, name in enumerate(differ))
    return found


def describe(record: Record) -> str:
    """A record in a few words."""
    if record.status != "ok":
        return record.ending
    tested = record.eval[record.domain]
    shown = {"accuracy": tested.values[metric_position("accuracy")], "AUC": tested.values[metric_position("auc")]}
    told = ", ".join(f"{name} {value:.3f}" for name, value in shown.items() if value is not None)
    # The trials of a tuning see hardly any test pairs: nobody is to read a result from these.
    few = f" on {tested.pairs} pairs" if told and tested.pairs < FEW_PAIRS else ""
    return ", ".join(filter(None, [f"{told}{few}", f"{record.times['total']:.1f} s"]))


def _name(news: Mapping[str, Any]) -> str:
    return ("warm-up of " if news["kind"] == "warmup" else "") + str(news["cell"])


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return None
