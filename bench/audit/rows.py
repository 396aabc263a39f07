"""One row of an audit, and the rule that accepts it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from scipy.stats import t as student

Level = Literal["pair", "single"]
Interval = tuple[float, float]

ACCEPTED, LEAKING = 0.95, 0.999
MARGIN: dict[Level, float] = {"pair": 0.015, "single": 0.02}
MAX_SHARE = 1e-6


class Verdict(StrEnum):
    """What a row says about the domain."""

    OK = "ok"
    LEAK = "leak"
    UNDECIDED = "undecided (N too small)"
    INFORMATIVE = "informative"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Row:
    """One figure of an audit.

    Attributes:
        baseline: which of the baselines it belongs to. what: what is predicted from what, and by which model.
        level: pairs or single images; None for counts.
        n: test examples, repetitions, or what was counted through.
        value: accuracy, or the share that was counted; None where nothing was measured.
        interval: 95 % interval, Wilson's for an accuracy.
        limit: what the upper end of the interval, or the counted share, must stay below.
        note: reason or detail.
        seconds: time it took.
    """

    baseline: str
    what: str
    verdict: Verdict
    level: Level | None = None
    n: int = 0
    value: float | None = None
    interval: Interval | None = None
    limit: float | None = None
    note: str = ""
    seconds: float = 0.0


def wilson(hits: int, n: int, level: float = ACCEPTED) -> Interval:
    """Wilson score interval of a share. Wilson, 1927."""
    interval = binomtest(hits, n).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def mean_interval(values: NDArray[np.float64], level: float = ACCEPTED) -> Interval:
    """Student's t interval of the mean of independent accuracies."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    if not error:
        # SciPy has no interval of width 0, and a leak that every repetition finds whole must not be left undecided.
        return float(values.mean()), float(values.mean())
    low, high = student.interval(level, len(values) - 1, values.mean(), error)
    return float(low), float(high)


def verdict(accepted: Interval, leaking: Interval, chance: float, limit: float) -> Verdict:
    """Accept when the 95 % interval ends below the limit; call a leak what is not accepted and surely above chance.

    Surely: the 99.9 % interval lies above it. An audit has some twenty rows, and with 95 % every other clean domain
    would show a leak. What is neither may be a leak or bad luck, and more test pairs tell.
    """
    if accepted[1] < limit:
        return Verdict.OK
    return Verdict.LEAK if leaking[0] > chance else Verdict.UNDECIDED


def judged(baseline: str, what: str, level: Level, hits: NDArray[np.bool_], chance: float = 0.5) -> Row:
    """A baseline that must stay at chance.

    Args:
        hits: (N,) bool, where it was right.
        chance: accuracy of a guess, 1 / k with k classes. The margin above it is the same for any chance level:
            1.5 points on pairs, 2 points on single images.
    """
    right, n, limit = int(hits.sum()), len(hits), chance + MARGIN[level]
    found = verdict(wilson(right, n), wilson(right, n, LEAKING), chance, limit)
    return Row(baseline, what, found, level, n, right / n, wilson(right, n), limit)


def judged_mean(baseline: str, what: str, level: Level, accuracies: NDArray[np.float64], chance: float = 0.5) -> Row:
    """A baseline whose mean over independent repetitions must stay at chance; ``n`` counts the repetitions."""
    interval, limit = mean_interval(accuracies), chance + MARGIN[level]
    found = verdict(interval, mean_interval(accuracies, LEAKING), chance, limit)
    return Row(baseline, what, found, level, len(accuracies), float(accuracies.mean()), interval, limit)


def informative(baseline: str, what: str, level: Level, hits: NDArray[np.bool_], note: str) -> Row:
    """An accuracy that is reported and not judged."""
    interval = wilson(int(hits.sum()), len(hits))
    return Row(baseline, what, Verdict.INFORMATIVE, level, len(hits), float(hits.mean()), interval, note=note)


def counted(baseline: str, what: str, found: int, n: int, max_share: float = 0.0) -> Row:
    """Something of which at most ``max_share`` may occur among ``n``."""
    share = found / n
    outcome = Verdict.OK if share <= max_share else Verdict.LEAK
    return Row(baseline, what, outcome, n=n, value=share, limit=max_share, note=f"{found:,} of {n:,}")


def not_applicable(baseline: str, reason: str) -> Row:
    """A baseline that this domain has nothing for."""
    return Row(baseline, "", Verdict.NOT_APPLICABLE, note=reason)
