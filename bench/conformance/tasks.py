"""What runs in the process that checks. Importing this module imports nothing heavy, and no plug-in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.conformance.subject import Result, Subject
from bench.errors import UsageError, message_of

if TYPE_CHECKING:
    from bench.conformance.suite import Examination


@dataclass(frozen=True)
class Loading:
    """The task that comes first in every process: load what is tested, and find what there is to check.

    Attributes:
        path: file or folder. backbones: for fusions; where there are none, those that have a name.
        only: names and globs of what to check; where there are none, all.
    """

    path: Path
    backbones: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    def perform(self) -> list[Subject] | UsageError:
        """The subjects, or why there are none."""
        try:
            return self._subjects()
        except UsageError as error:
            return UsageError(message_of(error))

    def _subjects(self) -> list[Subject]:
        from bench import zoo
        from bench.backbones import BACKBONES
        from bench.conformance.kinds import KINDS
        from bench.conformance.suite import matching, registered_in, subjects

        zoo.load([self.path])
        for plugin in zoo.broken_plugins():
            if plugin.path.is_relative_to(self.path.resolve()):
                raise UsageError(f"{plugin.path} fails to load: {plugin.error}")
        found = registered_in(self.path)
        if not found:
            kinds = ", ".join(KINDS)
            raise UsageError(f"{self.path}: registers nothing; expected a class decorated as one of {kinds}")
        return subjects(matching(found, self.only or "*"), self.backbones or list(BACKBONES))


@dataclass(frozen=True)
class Checking:
    """The task to run one check."""

    subject: Subject
    check: str

    def perform(self) -> Result:
        """The outcome."""
        return _examine(self.subject).run(self.check)


Task = Loading | Checking


def prepare() -> None:
    """Load all that is not the plug-in's, for that takes longer than most checks."""
    from bench.conformance.suite import load_built_in

    load_built_in()


def perform(task: Task) -> object:
    """Do one task."""
    return task.perform()


@lru_cache(maxsize=1)
def _examine(subject: Subject) -> Examination:
    """The subject of this check and the last: what its checks share is built once."""
    from bench.conformance.suite import examine

    return examine(subject)
