"""One row of an audit, and the rule that accepts it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from bench.stats.intervals import LEVEL, wilson
from bench.stats.paired import mean_of

Level = Literal["pair", "single"]
Interval = tuple[float, float]
Hits = NDArray[np.bool_]

HEADER = ("baseline", "row", "level", "accuracy %", "95 % interval", "limit", "verdict", "s")
LEAKING = 0.999
MARGIN: dict[Level, float] = {"pair": 0.015, "single": 0.02}
# Of one accuracy over another, which is less certain than either.
LIFT_MARGIN = 0.02
MAX_SHARE = 1e-6


class Verdict(StrEnum):
    """What a row says about the domain. What is flagged wants a look, and fails no audit."""

    OK = "ok"
    FLAGGED = "flagged"
    LEAK = "leak"
    UNDECIDED = "undecided (N too small)"
    INFORMATIVE = "informative"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Row:
    """One figure of an audit.

    Attributes:
        what: what is predicted from what, and by which model.
        level: pairs or single images; None for counts.
        n: test examples, repetitions, or what was counted through.
        value: accuracy, or the share that was counted; None where nothing was measured.
        interval: 95 % interval, Wilson's for an accuracy.
        limit: what the upper end of the interval, or the counted share, must stay below.
        note: reason or detail.
        more: how many times as many pairs would decide it if the accuracy stayed; None where it is decided.
        baseline: whose row it is. seconds: time it took. The audit fills in both.
    """

    what: str
    verdict: Verdict
    level: Level | None = None
    n: int = 0
    value: float | None = None
    interval: Interval | None = None
    limit: float | None = None
    note: str = ""
    more: float | None = None
    baseline: str = ""
    seconds: float = 0.0

    @property
    def cells(self) -> tuple[str, ...]:
        """What the columns of ``HEADER`` show."""
        value = _percent(self.value) if self.level else self.note
        interval = f"{_percent(self.interval[0])} to {_percent(self.interval[1])}" if self.interval else ""
        noted = f"{self.verdict}: {self.note}" if self.note and (self.level or self.value is None) else self.verdict
        if self.verdict is Verdict.NOT_APPLICABLE:
            value = ""
        return self.baseline, self.what, self.level or "", value, interval, self._limit, noted, f"{self.seconds:.1f}"

    @property
    def _limit(self) -> str:
        if self.limit is None:
            return ""
        return f"< {_percent(self.limit)}" if self.level else f"<= {self.limit:g}"


def verdict(accepted: Interval, leaking: Interval, chance: float, limit: float) -> Verdict:
    """Accept when the 95 % interval ends below the limit; call a leak what is not accepted and surely above chance.

    Surely: the 99.9 % interval lies above it. An audit has some twenty rows, and with 95 % every other clean domain
    would show a leak. What is neither may be a leak or bad luck, and more test pairs tell.
    """
    if accepted[1] < limit:
        return Verdict.OK
    return Verdict.LEAK if leaking[0] > chance else Verdict.UNDECIDED


def judged(what: str, level: Level, hits: NDArray[np.bool_], chance: float = 0.5) -> Row:
    """A baseline that must stay at chance.

    Args:
        hits: (N,) bool, where it was right.
        chance: accuracy of a guess, 1 / k with k classes. The margin above it is the same for any chance level:
            1.5 points on pairs, 2 points on single images.
    """
    right, n = int(hits.sum()), len(hits)
    intervals = wilson(right, n), wilson(right, n, LEAKING)
    return _judged(what, level, n, right / n, intervals, chance, MARGIN[level])


def judged_mean(what: str, accuracies: NDArray[np.float64]) -> Row:
    """A baseline on pairs whose mean over independent repetitions must stay at chance; ``n`` counts these."""
    return _judged_mean(what, accuracies, 0.5, MARGIN["pair"])


def informative(what: str, level: Level, hits: NDArray[np.bool_], note: str) -> Row:
    """An accuracy that is reported and not judged."""
    interval = wilson(int(hits.sum()), len(hits))
    return Row(what, Verdict.INFORMATIVE, level, len(hits), float(hits.mean()), interval, note=note)


def difference(hits: Hits, other: Hits, level: float = LEVEL) -> Interval:
    """Interval of the accuracy of ``hits`` over that of ``other``, which were counted on other examples, or on the same
    ones again: where both are right together that is wider than it has to be."""
    lift = hits.mean() - other.mean()
    half = norm.ppf((1 + level) / 2) * np.sqrt(sum(one.mean() * (1 - one.mean()) / len(one) for one in (hits, other)))
    return float(lift - half), float(lift + half)


def judged_lift(what: str, hits: Hits, control: Hits) -> Row:
    """An accuracy that must not lie above that of a control, in points of the difference.

    Args:
        hits, control: (N,) and (M,) bool, where the baseline was right, and where the same was on the control.
    """
    intervals = difference(hits, control), difference(hits, control, LEAKING)
    lift = float(hits.mean() - control.mean())
    return _judged(what, "pair", len(hits), lift, intervals, 0.0, LIFT_MARGIN)


def judged_gain(what: str, hits: Hits, without: Hits) -> Row:
    """The accuracy of a baseline that must not lie above that of the same baseline ``without`` a part of what it saw,
    on the same examples, (N,) bool each: what it gained by that part."""
    return _judged_mean(what, hits.astype(np.float64) - without, 0.0, LIFT_MARGIN)


def _judged_mean(what: str, values: NDArray[np.float64], chance: float, margin: float) -> Row:
    of = mean_of(values)
    mean, halves = of.value.item(), (of.half_width(confidence).item() for confidence in (LEVEL, LEAKING))
    accepted, leaking = ((mean - half, mean + half) for half in halves)
    return _judged(what, "pair", len(values), mean, (accepted, leaking), chance, margin)


def _judged(
    what: str, level: Level, n: int, value: float, intervals: tuple[Interval, Interval], chance: float, margin: float
) -> Row:
    accepted, leaking = intervals
    limit = chance + margin
    found = verdict(accepted, leaking, chance, limit)
    more = None
    if found is Verdict.UNDECIDED:
        # Widths shrink with the root of the number of pairs: it is accepted at last, or it is a leak.
        widths = [(accepted[1] - value, limit - value), (value - leaking[0], value - chance)]
        more = min((half / room) ** 2 for half, room in widths if room > 0)
    return Row(what, found, level, n, value, accepted, limit, more=more)


def lifted(what: str, hits: Hits, control: Hits, else_note: str) -> Row:
    """An accuracy that should lie above that of a control; where it does not surely, that is flagged with a note."""
    accepted = difference(hits, control)
    is_above = accepted[0] > 0
    found, note = (Verdict.INFORMATIVE, "") if is_above else (Verdict.FLAGGED, else_note)
    return Row(what, found, "pair", len(hits), float(hits.mean() - control.mean()), accepted, note=note)


def flagged(row: Row) -> Row:
    """The row of what no model is shown, or of what may be so by nature: it fails no audit. Where it would be a leak it
    is flagged, and what is undecided is reported as such."""
    if row.verdict is Verdict.UNDECIDED:
        return replace(row, verdict=Verdict.INFORMATIVE, note=Verdict.UNDECIDED.value)
    return replace(row, verdict=Verdict.FLAGGED) if row.verdict is Verdict.LEAK else row


def counted(what: str, found: int, n: int, max_share: float = 0.0) -> Row:
    """Something of which at most ``max_share`` may occur among ``n``."""
    share = found / n
    outcome = Verdict.OK if share <= max_share else Verdict.LEAK
    return Row(what, outcome, n=n, value=share, limit=max_share, note=f"{found:,} of {n:,}")


def not_applicable(reason: str) -> Row:
    """A baseline that this domain has nothing for."""
    return Row("", Verdict.NOT_APPLICABLE, note=reason)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f}"
