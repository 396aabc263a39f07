"""The conformance suite: every check over every fusion on every backbone."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.conformance import behaviour, contract, learning, order, portability, weights
from bench.conformance.cases import Case, CheckFailedError
from bench.errors import NotApplicableError, UsageError
from bench.fusion import FUSIONS
from bench.source import source_file

CHECKS: Mapping[str, Callable[[Case], None]] = {
    "parameters": contract.parameters,
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
        fusion: as given, with its parameters. backbone: by name.
        check: a name in ``CHECKS``, or ``builds``, or why the combination is not applicable.
        problem: what is wrong; empty if nothing is.
        expected: what a fusion with a ``known_failure`` fails, which is no problem.
    """

    fusion: str
    backbone: str
    check: str
    problem: str = ""
    expected: str = ""


def fusions_of(path: Path | str) -> list[str]:
    """Names of the registered fusions that the file ``path``, or a file in the folder ``path``, defines."""
    where = Path(path).resolve()
    files = {name: source_file(FUSIONS.get(name)) for name in FUSIONS}
    return [name for name, file in files.items() if file == where or file.parent == where]


def run_suite(fusions: Iterable[str], backbones: Iterable[str]) -> list[Result]:
    """Run all checks on all combinations.

    A combination that is not applicable gives one result without a problem. A fusion that states a ``known_failure``
    must fail a check: what it fails is expected, and to pass them all is a problem.

    Args:
        fusions: names, with parameters if wanted (``low_rank_bilinear:rank=2``).

    Raises:
        UsageError: an unknown fusion, backbone or parameter.
    """
    names = list(backbones)
    return [result for fusion in fusions for backbone in names for result in check_case(fusion, backbone)]


def check_case(fusion: str, backbone: str) -> list[Result]:
    """All checks of one fusion on one backbone; see :func:`run_suite`."""
    case = Case(FUSIONS.settle(fusion), backbone)
    try:
        built = run_check(case, "builds", _build)
    except NotApplicableError as reason:
        return [Result(fusion, backbone, f"not applicable: {reason}")]
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
        results.append(Result(str(case.fusion), backbone, "known failure", problem))
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
        problem = f"raises {type(error).__name__}{_place(error, case)}: {str(error).strip() or 'no message'}"
    return Result(str(case.fusion), case.backbone, name, problem, expected)


def _place(error: Exception, case: Case) -> str:
    """Where in the file of the fusion the error came from, if it came from there."""
    file = source_file(FUSIONS.get(case.fusion.name))
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    return f" in line {lines[-1]} of {file.name}" if lines else ""
