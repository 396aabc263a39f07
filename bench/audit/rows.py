"""One row of an audit, and the rule that accepts it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

Level = Literal["pair", "single"]

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
        n: test examples, or what was counted through.
        value: accuracy, or the share that was counted; None where nothing was measured.
        interval: 95 % Wilson interval of an accuracy.
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
    interval: tuple[float, float] | None = None
    limit: float | None = None
    note: str = ""
    seconds: float = 0.0


def wilson(hits: int, n: int, level: float = ACCEPTED) -> tuple[float, float]:
    """Wilson score interval of a share. Wilson, 1927."""
    interval = binomtest(hits, n).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def verdict(hits: int, n: int, chance: float, limit: float) -> Verdict:
    """Accept when the 95 % interval ends below the limit; call a leak what is not accepted and surely above chance.

    Surely: the 99.9 % interval lies above it. An audit has some twenty rows, and with 95 % every other clean domain
    would show a leak. What is neither may be a leak or bad luck, and more test pairs tell.
    """
    if wilson(hits, n)[1] < limit:
        return Verdict.OK
    return Verdict.LEAK if wilson(hits, n, LEAKING)[0] > chance else Verdict.UNDECIDED


def judged(baseline: str, what: str, level: Level, hits: NDArray[np.bool_], chance: float = 0.5) -> Row:
    """A baseline that must stay at chance.

    Args:
        hits: (N,) bool, where it was right.
        chance: accuracy of a guess, 1 / k with k classes. The margin above it is the same for any chance level:
            1.5 points on pairs, 2 points on single images.
    """
    right, n, limit = int(hits.sum()), len(hits), chance + MARGIN[level]
    return Row(baseline, what, verdict(right, n, chance, limit), level, n, right / n, wilson(right, n), limit)


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
