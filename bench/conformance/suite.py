"""The conformance suite: every check over whatever is registered, and fusions on every backbone besides."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.conformance import behaviour, contract, learning, order, portability, weights
from bench.conformance.cases import Case, CheckFailedError
from bench.conformance.kinds import KINDS, OF_ALL
from bench.errors import NotApplicableError, UsageError
from bench.fusion import FUSIONS
from bench.registry import Choice
from bench.source import source_file

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


@dataclass(frozen=True)
class Result:
    """Outcome of one check.

    Attributes:
        kind: of what is tested. name: as given, with its parameters. backbone: of a fusion, where the check needs one.
        check: its name, or ``builds``, or why the rest is not applicable.
        problem: what is wrong; empty if nothing is.
        expected: what a fusion with a ``known_failure`` fails, which is no problem.
    """

    kind: str
    name: str
    backbone: str
    check: str
    problem: str = ""
    expected: str = ""


def registered_in(path: Path | str) -> list[Choice[Any]]:
    """Whatever of any kind the file ``path``, or a file in the folder ``path``, registers, with its defaults."""
    where = Path(path).resolve()
    found = []
    for kind in KINDS.values():
        files = {cls.name: source_file(cls) for cls in sorted(kind.registry.classes, key=lambda cls: cls.name)}
        names = [name for name, file in files.items() if file == where or file.parent == where]
        found += [Choice(name, registry=kind.registry) for name in names]
    return found


def run_suite(choices: Iterable[Choice[Any]], backbones: Iterable[str]) -> list[Result]:
    """Run all checks: those of its kind on everything, and on fusions those that need a backbone with each of them.

    A combination that is not applicable gives one result without a problem. A fusion that states a ``known_failure``
    must fail a check: what it fails is expected, and to pass them all is a problem.

    Raises:
        UsageError: an unknown backbone.
    """
    names, results = list(backbones), []
    for choice in choices:
        results += check_choice(choice)
        if choice.registry is FUSIONS:
            results += [result for backbone in names for result in check_case(str(choice), backbone)]
    return results


def check_choice(choice: Choice[Any]) -> list[Result]:
    """The checks of its kind on one choice; of a fusion, those that need no backbone."""
    kind = KINDS[choice.registry.kind]

    def run(check: str, act: Callable[[Any], Any], subject: Any) -> Any:
        """What ``act`` returns, with its outcome among the results."""
        outcome, problem = None, ""
        try:
            outcome = act(subject)
        except CheckFailedError as failure:
            problem = str(failure)
        except NotApplicableError as reason:
            check = f"not applicable: {reason}"
        except Exception as error:
            problem = _raised(error, choice.cls)
        results.append(Result(kind.registry.kind, str(choice), "", check, problem))
        return outcome

    results: list[Result] = []
    try:
        kind.registry.settle(str(choice))
    except UsageError as reason:
        return [Result(kind.registry.kind, str(choice), "", f"not applicable: {reason}")]
    for name, check in OF_ALL.items():
        run(name, check, choice)
    subject = run("builds", kind.build, choice)
    for name, check in kind.checks.items() if subject is not None else ():
        run(name, check, subject)
    return results


def check_case(fusion: str, backbone: str) -> list[Result]:
    """All checks of one fusion on one backbone; see :func:`run_suite`."""
    case = Case(FUSIONS.settle(fusion), backbone)
    try:
        built = run_check(case, "builds", _build)
    except NotApplicableError as reason:
        return [Result(FUSIONS.kind, fusion, backbone, f"not applicable: {reason}")]
    if built.problem or built.expected:
        return [built]
    results = []
    for name in CHECKS:
        results.append(run_check(case, name))
        if name == "shape" and results[-1].problem:
            break  # all others would only repeat it
    failure = FUSIONS.get(case.fusion.name).known_failure
    if failure and not any(result.problem or result.expected for result in results):
        problem = f"stated, but every check passes: {failure}; correct the statement, or the check that misses it"
        results.append(Result(FUSIONS.kind, str(case.fusion), backbone, "known failure", problem))
    return results


def _build(case: Case) -> None:
    weights.check_kept(case.model.fusion)


def run_check(case: Case, name: str, check: Callable[[Case], None] | None = None) -> Result:
    """Run one check by name, or ``check`` under that name; whatever it raises becomes the problem.

    A check that a fusion with a ``known_failure`` fails is marked and no problem. An error in its code still is one.
    """
    problem = expected = ""
    try:
        (check or CHECKS[name])(case)
    except CheckFailedError as failure:
        if FUSIONS.get(case.fusion.name).known_failure:
            name, expected = f"{name} (known failure)", str(failure)
        else:
            problem = str(failure)
    except (NotApplicableError, UsageError):
        raise
    except Exception as error:
        problem = _raised(error, FUSIONS.get(case.fusion.name))
    return Result(FUSIONS.kind, str(case.fusion), case.backbone, name, problem, expected)


def _raised(error: Exception, cls: type) -> str:
    """What an error says, and the line in the file of the class that it came from, if it came from there."""
    file = source_file(cls)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    place = f" in line {lines[-1]} of {file.name}" if lines else ""
    return f"raises {type(error).__name__}{place}: {str(error).strip() or 'no message'}"
