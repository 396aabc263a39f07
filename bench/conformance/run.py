"""Checks in a process of their own: whatever a plug-in does to it, each check has a result."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from bench.conformance.display import CheckDisplay
from bench.conformance.subject import Result, Subject
from bench.conformance.tasks import Checking, Loading, Task, perform, prepare
from bench.errors import UsageError
from bench.processes import Ended, Worker

POLL_SECONDS = 0.25


def run_suite(loading: Loading, limit: float, display: CheckDisplay) -> Iterator[Result]:
    """Run all checks of what is loaded; yield the result of each as it comes.

    Args:
        limit: seconds that loading may take, and each check.

    Raises:
        UsageError: it cannot be loaded, or has nothing of that name.
    """
    with display, CheckProcess(loading, limit) as process:
        subjects = process.subjects()
        display.loaded(subjects)
        for subject in subjects:
            display.begins(subject)
            for result in process.results(subject):
                display.found(result)
                yield result
            display.ends(subject)


class CheckProcess:
    """The process that checks, and another in its place where a check ended it, stopped it or ran past the limit.

    Args:
        loading: what to test. limit: seconds that loading it may take, and each check.
    """

    def __init__(self, loading: Loading, limit: float) -> None:
        self._loading, self._limit = loading, limit
        self._worker: Worker | None = None
        self._unloadable = ""

    def __enter__(self) -> CheckProcess:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def subjects(self) -> list[Subject]:
        """Load the plug-in and say what there is to check.

        Raises:
            UsageError: it cannot be loaded, or has nothing of that name.
        """
        found = self._do(self._loading)
        if isinstance(found, Ended):
            raise UsageError(f"{self._loading.path} fails to load: {_words(found)}")
        if isinstance(found, UsageError):
            raise found
        return found

    def results(self, subject: Subject) -> Iterator[Result]:
        """The results of its checks, each as it comes."""
        return subject.results(partial(self._check, subject))

    def _check(self, subject: Subject, check: str) -> Result:
        if self._worker is None and not self._unloadable:
            try:
                self.subjects()
            except UsageError as error:
                self._unloadable = f"not run, since the plug-in loads no more: {error}"
        if self._unloadable:
            return subject.result(check, self._unloadable)
        outcome = self._do(Checking(subject, check))
        return subject.result(check, _words(outcome)) if isinstance(outcome, Ended) else outcome

    def _do(self, task: Task) -> Any:
        """What a task returns, or how its process ended; there is then no process."""
        worker = self._worker = self._worker or Worker(prepare, (), perform)
        worker.send(task, self._limit)
        while (outcome := worker.poll()) is None:
            worker.wait(POLL_SECONDS)
        if isinstance(outcome, Ended):
            self._worker = None
        return outcome

    def stop(self) -> None:
        """End the process and whatever the plug-in started in it."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None


def _words(ended: Ended) -> str:
    if ended.status == "timeout":
        return f"{ended.message}; --limit allows more"
    return f"raises {ended.kind}: {ended.message}" if ended.status == "error" else ended.message
