"""Parameter matching: fusion and head sized to one budget, as far as a fusion has a size to choose."""

from __future__ import annotations

import inspect
import math
import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bench.errors import NotApplicableError, UsageError
from bench.fusion import FUSIONS, FeatureSpec, Fusion
from bench.model import count_joint
from bench.registry import Choice
from bench.spec import Spec

# Constructor parameters that set the size of a fusion, in the order in which they are tried.
SIZES = ("width", "rank", "hidden", "perspectives")
# A width must be divisible by these, where a fusion has them.
DIVISORS = ("heads", "chunks")
HEAD, HEAD_WIDTHS = "head", range(16, 1025)
STEP, MOST_CHANGE = 4, 8  # widths that are multiples of 4, at most 8 times as large or small as the default
Knob = tuple[str, Sequence[int]]


@dataclass(frozen=True)
class Matching:
    """What was asked for: ``5%`` of the median of the sweep's fusions, or ``5%:60000`` parameters."""

    tolerance: float
    budget: int | None = None

    @classmethod
    def parse(cls, text: str) -> Matching:
        """Read ``5%`` or ``5%:60000``; anything else raises ``ValueError``."""
        match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*(?::\s*([0-9]{1,12})\s*)?", text)
        if not match or not 0 < float(match[1]) < 100 or (match[2] and not int(match[2])):
            raise ValueError(
                f"{text!r} is not a tolerance; expected 5% (of the median of the fusions) or 5%:60000 (parameters)"
            )
        return cls(float(match[1]) / 100, int(match[2]) if match[2] else None)


@dataclass(frozen=True)
class Sized:
    """A fusion sized to a budget.

    Attributes:
        fusion: name with the parameters that were chosen.
        parameters: of fusion and head. budget: what they should be.
        problem: why they are further from the budget than the tolerance; empty where they are not.
    """

    fusion: Choice[Fusion]
    parameters: int
    budget: int
    tolerance: float
    problem: str = ""


def match_parameters(
    fusions: Iterable[Choice[Fusion]], matching: Matching, features: FeatureSpec
) -> dict[Choice[Fusion], Sized]:
    """Sizes of those of ``fusions`` that apply and are compared, by the one given; controls and references keep theirs.

    One parameter is changed where that is enough, a size of the fusion rather than the hidden units of the shared head,
    and more where it is not. What the user set stays as it is.
    """
    return dict(_matched(tuple((fusion, fusion.cls) for fusion in fusions), matching, features))


# One plan for each recipe that is tried asks the same. A plug-in that was read again is another class of its name.
@lru_cache(maxsize=64)
def _matched(
    fusions: tuple[tuple[Choice[Fusion], type[Fusion]], ...], matching: Matching, features: FeatureSpec
) -> Mapping[Choice[Fusion], Sized]:
    counts: dict[Choice[Fusion], int] = {}
    for fusion, cls in fusions:
        if cls.role == "fusion":
            try:
                counts[fusion] = count_joint(fusion, features)
            except NotApplicableError:
                continue
    if not counts:
        return {}
    budget = matching.budget or round(statistics.median(counts.values()))

    def count(spec: Spec) -> int:
        return count_joint(spec, features)

    return {fusion: _size(fusion, budget, matching.tolerance, count) for fusion in counts}


def _size(spec: Spec, budget: int, tolerance: float, count: Callable[[Spec], int]) -> Sized:
    """The first candidate within the tolerance, or else the closest."""
    knobs = _knobs(spec, count)
    found: list[tuple[Spec, int]] = []
    for candidate in _candidates(spec, knobs, budget, count):
        found.append((candidate, count(candidate)))
        if abs(found[-1][1] - budget) <= tolerance * budget:
            return Sized(FUSIONS.settle(str(candidate)), found[-1][1], budget, tolerance)
    closest, parameters = min(found, key=lambda one: abs(one[1] - budget))
    names = " and ".join(name for name, _ in knobs)
    problem = f"its {names} can come no closer" if names else "it has no size to choose"
    return Sized(FUSIONS.settle(str(closest)), parameters, budget, tolerance, problem)


def _candidates(spec: Spec, knobs: Sequence[Knob], budget: int, count: Callable[[Spec], int]) -> Iterator[Spec]:
    """As it is, then with one parameter chosen, then with two and more, each on top of an earlier candidate."""
    layer = [(spec, knobs)]
    while layer:
        yield from (candidate for candidate, _ in layer)
        layer = [
            (_closest(candidate, name, values, budget, count), left[position + 1 :])
            for candidate, left in layer
            for position, (name, values) in enumerate(left)
        ]


def _knobs(spec: Spec, count: Callable[[Spec], int]) -> list[Knob]:
    """Parameters that set the size, with their values in ascending order."""
    cls = FUSIONS.get(spec.name)
    defaults = {name: p.default for name, p in inspect.signature(cls).parameters.items() if type(p.default) is int}
    divisors = [int(spec.params.get(name, defaults[name])) for name in DIVISORS if name in defaults]
    knobs: list[Knob] = []
    for name in SIZES:
        if name in defaults and name not in spec.params:
            step = math.lcm(*divisors, STEP if defaults[name] >= MOST_CHANGE * STEP else 1)
            lowest = max(step, defaults[name] // MOST_CHANGE // step * step)
            knobs.append((name, range(lowest, MOST_CHANGE * defaults[name] + 1, step)))
    if HEAD not in spec.params:
        try:
            count(_with(spec, HEAD, HEAD_WIDTHS[0]))
        except UsageError:
            return knobs  # no shared head
        knobs.append((HEAD, HEAD_WIDTHS))
    return knobs


def _closest(spec: Spec, name: str, values: Sequence[int], budget: int, count: Callable[[Spec], int]) -> Spec:
    """``spec`` with the value that comes closest to the budget; the count rises with the value."""
    low, high = 0, len(values) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if count(_with(spec, name, values[middle])) < budget:
            low = middle
        else:
            high = middle
    return min(
        (_with(spec, name, values[position]) for position in (low, high)), key=lambda one: abs(count(one) - budget)
    )


def _with(spec: Spec, name: str, value: int) -> Spec:
    return Spec(spec.name, {**spec.params, name: value})
