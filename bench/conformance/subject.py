"""What is checked and what comes of it, in the words of both processes: the one that checks and the one that waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

from bench.text import printable

# Where one of these fails, all that follow would only repeat it.
FIRST = ("builds", "shape")
LONGEST = 2_000


@dataclass(frozen=True)
class Result:
    """Outcome of one check.

    Attributes:
        kind: of what is tested. name: as given, with its parameters. backbone: of a fusion, where the check needs one.
        check: its name.
        problem: what is wrong; empty if nothing is.
        expected: what a fusion with a ``known_failure`` fails, which is no problem.
        skipped: why it is not applicable.
    """

    kind: str
    name: str
    backbone: str
    check: str
    problem: str = ""
    expected: str = ""
    skipped: str = ""

    def __post_init__(self) -> None:
        # Much of it is the plug-in's own words.
        for field in fields(self):
            object.__setattr__(self, field.name, printable(getattr(self, field.name), LONGEST))


@dataclass(frozen=True)
class Subject:
    """What is checked: something registered, or a fusion on a backbone.

    Attributes:
        kind: its kind. name: as given, with its parameters. backbone: empty where the checks need none.
        checks: names of the checks, in their order.
        known_failure: that it states; it must then fail a check.
    """

    kind: str
    name: str
    backbone: str
    checks: tuple[str, ...]
    known_failure: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" on {self.backbone}" if self.backbone else "")

    def result(self, check: str, problem: str = "", expected: str = "", skipped: str = "") -> Result:
        """The outcome of a check of it."""
        return Result(self.kind, self.name, self.backbone, check, problem, expected, skipped)

    def results(self, run: Callable[[str], Result]) -> Iterator[Result]:
        """What ``run`` finds for each check, as far as the checks can be told apart.

        What is not applicable is one result without a problem. A fusion that states a ``known_failure`` must fail a
        check: what it fails is expected, and to pass them all is a problem.
        """
        has_failed = False
        for check in self.checks:
            result = run(check)
            yield result
            failed = bool(result.problem or result.expected)
            if check in FIRST and (failed or result.skipped):
                return
            has_failed = has_failed or failed
        if self.known_failure and not has_failed:
            wrong = f"stated, but every check passes: {self.known_failure}"
            yield self.result("known failure", f"{wrong}; correct the statement, or the check that misses it")
