"""What a user sees while checks run: a live display on a terminal, plain lines elsewhere. All of it on stderr."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.conformance.subject import Result, Subject
from bench.text import printable, say


class CheckDisplay:
    """Counts subjects that are done, a line for each, and shows on a terminal the one that is being checked."""

    def __init__(self, console: Console) -> None:
        self.console, self._total, self._done = console, 0, 0
        self._since, self._results = 0.0, list[Result]()
        what = TextColumn("{task.description}", markup=False)
        self._bar = Progress(
            what, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console, transient=True,
            disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task("loading", total=None)

    def __enter__(self) -> CheckDisplay:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def loaded(self, subjects: Sequence[Subject]) -> None:
        """This is what there is to check."""
        self._total = len(subjects)
        self._bar.update(self._task, total=sum(len(subject.checks) for subject in subjects))

    def begins(self, subject: Subject) -> None:
        """Its checks come next."""
        self._since, self._subject, self._results = time.monotonic(), subject, []
        self._show()

    def found(self, result: Result) -> None:
        """One more of its checks has a result."""
        self._results.append(result)
        self._bar.advance(self._task)
        self._show()

    def ends(self, subject: Subject) -> None:
        """All its checks have a result, but for those that could only repeat a failure."""
        self._done += 1
        self._bar.advance(self._task, len(subject.checks) - len(self._results))
        failed = [one.check for one in self._results if one.problem]
        found = f"failed {', '.join(failed)}" if failed else f"{len(self._results)} checks"
        line = f"[{self._done}/{self._total}] {subject}: {found}, {time.monotonic() - self._since:.1f} s"
        style = "red" if failed else "green"
        say(self.console, line, style)

    def _show(self) -> None:
        left = self._subject.checks[len(self._results) :]
        self._bar.update(self._task, description=printable(": ".join([str(self._subject), *left[:1]])))
