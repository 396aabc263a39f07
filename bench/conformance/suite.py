"""The conformance suite: every check over whatever is registered, and fusions on every backbone besides."""

from __future__ import annotations

import fnmatch
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from bench import zoo
from bench.backbones import BACKBONES
from bench.conformance import behaviour, contract, learning, order, portability, weights
from bench.conformance.cases import Case, CheckFailedError
from bench.conformance.kinds import KINDS, OF_ALL
from bench.conformance.subject import Result, Subject
from bench.errors import NotApplicableError, UsageError, message_of
from bench.fusion import FUSIONS
from bench.interrupt import pass_on_interrupt
from bench.registry import Choice
from bench.source import source_file
from bench.spec import parse_spec

CHECKS: Mapping[str, Callable[[Case], None]] = {
    "shape": contract.shape,
    "registered": weights.registered,
    "state_dict": weights.state_dict,
    "independent": behaviour.independent,
    "symmetric": behaviour.symmetric,
    "order": order.order,
    "finite": behaviour.finite,
    "signs": learning.signs,
    "overfits": learning.overfits,
    "float64": portability.float64,
    "device": portability.device,
}


def load_built_in() -> None:
    """Load whatever of any kind is built in."""
    zoo.load()
    for kind in KINDS.values():
        kind.registry.load_built_in()


def registered_in(path: Path | str) -> list[Choice[Any]]:
    """Whatever of any kind the file ``path``, or a file in the folder ``path``, registers, with its defaults."""
    where = Path(path).resolve()
    found = []
    for kind in KINDS.values():
        files = {cls.name: source_file(cls) for cls in sorted(kind.registry.classes, key=lambda cls: cls.name)}
        names = [name for name, file in files.items() if file == where or file.parent == where]
        found += [Choice(name, registry=kind.registry) for name in names]
    return found


def matching(choices: Sequence[Choice[Any]], patterns: Iterable[str]) -> list[Choice[Any]]:
    """Those of the ``choices`` that names or globs stand for.

    Raises:
        UsageError: nothing has such a name.
    """
    names = [choice.name for choice in choices]
    wanted: set[str] = set()
    for pattern in patterns:
        found = fnmatch.filter(names, pattern)
        if not found:
            raise UsageError(f"nothing here is called {pattern!r}; there is {', '.join(names)}")
        wanted |= set(found)
    return [choice for choice in choices if choice.name in wanted]


@dataclass(frozen=True)
class Examination:
    """A subject in this process: its checks, ready to run, and the class that they judge."""

    subject: Subject
    cls: type
    checks: Mapping[str, Callable[[], object]]

    def run(self, check: str) -> Result:
        """Run one check; whatever it raises becomes the problem, but for a real interrupt.

        A check that a fusion with a ``known_failure`` fails is marked and no problem. An error in its code still is
        one.
        """
        try:
            self.checks[check]()
        except CheckFailedError as failure:
            if self.subject.known_failure:
                return self.subject.result(f"{check} (known failure)", expected=str(failure))
            return self.subject.result(check, str(failure))
        except NotApplicableError as reason:
            return self.subject.result(check, skipped=message_of(reason) or "for no stated reason")
        except BaseException as error:
            pass_on_interrupt(error)
            return self.subject.result(check, _raised(error, self.cls))
        return self.subject.result(check)


def subjects(choices: Iterable[Choice[Any]], backbones: Iterable[str]) -> list[Subject]:
    """What there is to check: each choice by itself, and fusions on each of the backbones.

    Raises:
        UsageError: an unknown backbone.
    """
    names = list(backbones)
    for name in names:
        BACKBONES.get(name)
    found = []
    for choice in choices:
        found.append(examine_choice(choice).subject)
        if choice.registry is FUSIONS:
            found += [examine_case(str(choice), name).subject for name in names]
    return found


def examine(subject: Subject) -> Examination:
    """The same subject in this process, where what it names is registered."""
    if subject.backbone:
        return examine_case(subject.name, subject.backbone)
    spec = parse_spec(subject.name)
    return examine_choice(Choice(spec.name, spec.params, registry=KINDS[subject.kind].registry))


def examine_choice(choice: Choice[Any]) -> Examination:
    """The checks of its kind on one choice; of a fusion, those that need no backbone."""
    kind = KINDS[choice.registry.kind]
    built = cache(partial(kind.build, choice))
    checks: dict[str, Callable[[], object]]
    try:
        choice.registry.settle(str(choice))
    except UsageError as reason:
        checks = {"builds": partial(_refuse, str(reason))}
    else:
        checks = {name: partial(check, choice) for name, check in OF_ALL.items()}
        checks["builds"] = built
        checks |= {name: partial(_on_built, check, built) for name, check in kind.checks.items()}
    return Examination(Subject(kind.registry.kind, str(choice), "", tuple(checks)), choice.cls, checks)


def examine_case(fusion: str, backbone: str) -> Examination:
    """All checks of one fusion on one backbone."""
    case = Case(FUSIONS.settle(fusion), backbone)
    cls = FUSIONS.get(case.fusion.name)
    checks: dict[str, Callable[[], object]] = {"builds": lambda: weights.check_kept(case.model.fusion)}
    checks |= {name: partial(check, case) for name, check in CHECKS.items()}
    return Examination(Subject(FUSIONS.kind, fusion, backbone, tuple(checks), cls.known_failure), cls, checks)


def check_choice(choice: Choice[Any]) -> list[Result]:
    """Run what :func:`examine_choice` finds, in this process."""
    examination = examine_choice(choice)
    return list(examination.subject.results(examination.run))


def check_case(fusion: str, backbone: str) -> list[Result]:
    """Run what :func:`examine_case` finds, in this process."""
    examination = examine_case(fusion, backbone)
    return list(examination.subject.results(examination.run))


def _on_built(check: Callable[[Any], None], built: Callable[[], Any]) -> None:
    check(built())


def _refuse(reason: str) -> None:
    raise NotApplicableError(reason)


def _raised(error: BaseException, cls: type) -> str:
    """What an error says, and the line in the file of the class that it came from, if it came from there."""
    file = source_file(cls)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    place = f" in line {lines[-1]} of {file.name}" if lines else ""
    return f"raises {type(error).__name__}{place}: {message_of(error).strip() or 'no message'}"
