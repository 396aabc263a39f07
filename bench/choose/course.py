"""The course of a race, told again from its records: who left after which replicate, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.choose.race import Array, all_equivalent, surely_worse

# What became of a fusion in a replicate: its score, or why it has none.
Outcome = float | str
WORSE = "surely worse"
# One warm-up may go wrong for all; more than that is no accident of a replicate.
MOST_VOID = 3


@dataclass(frozen=True)
class Left:
    """That a fusion left after so many replicates, and why: ``WORSE``, or how its cell failed."""

    after: int
    reason: str


@dataclass(frozen=True)
class Course:
    """A race so far.

    Attributes:
        entered: fusions in the order given. numbers: of the replicates that all who were left have finished.
        void: numbers of those in which nobody had a score, which tell nothing of who is better.
        values: (replicates, fusions), nan from where a fusion has left or failed.
        left: who is not in it any more.
    """

    entered: tuple[str, ...]
    numbers: tuple[int, ...]
    void: tuple[int, ...]
    first: int
    values: Array
    left: Mapping[str, Left]
    direction: int

    @property
    def next(self) -> int:
        """Number of the replicate that comes next."""
        return self.first + len(self.numbers) + len(self.void)

    @property
    def staying(self) -> tuple[str, ...]:
        """Who is left, best mean first."""
        return tuple(one for one in self.ranked if one not in self.left)

    @cached_property
    def ranked(self) -> tuple[str, ...]:
        """All fusions: those that stayed longest first, then by their mean."""

        def order(fusion: str) -> tuple[float, float]:
            gone = self.left.get(fusion)
            mean = self.mean(fusion)
            return -gone.after if gone else -np.inf, -self.direction * mean if np.isfinite(mean) else np.inf

        return tuple(sorted(self.entered, key=order))

    @property
    def runner_up(self) -> str | None:
        """The best of those that were surely worse; None where there is none."""
        return next((one for one in self.ranked if one in self.left and self.left[one].reason == WORSE), None)

    def scores(self, fusion: str) -> Array:
        """Its scores, one per replicate that it finished in the race; none of a fusion that was not in it."""
        if fusion not in self.entered:
            return np.empty(0)
        own = self.values[:, self.entered.index(fusion)]
        return np.asarray(own[~np.isnan(own)])

    def mean(self, fusion: str) -> float:
        """Mean score over its replicates; nan without any."""
        own = self.scores(fusion)
        return float(own.mean()) if len(own) else float("nan")

    def stands(self, margin: float) -> bool:
        """Whether more replicates would change nothing: one is left, or all who are left are equivalent."""
        kept = [self.entered.index(one) for one in self.staying]
        return all_equivalent(self.values[:, kept], margin)


def follow(entered: Sequence[str], outcomes: Mapping[tuple[str, int], Outcome], first: int, direction: int) -> Course:
    """Run the race over what is known, replicate by replicate from number ``first`` on.

    Who has no score in a replicate leaves before it is judged by it, unless nobody has one: such a replicate is void,
    and only at ``MOST_VOID`` of them do all leave. A replicate counts once all who are left have finished it.
    """
    left: dict[str, Left] = {}
    rows: dict[int, Array] = {}
    void: list[int] = []
    while staying := [one for one in entered if one not in left]:
        number = first + len(rows) + len(void)
        if any((one, number) not in outcomes for one in staying):
            break
        found = {one: outcomes[one, number] for one in staying}
        scored = {one: value for one, value in found.items() if isinstance(value, float)}
        if not scored:
            void.append(number)
        else:
            rows[number] = np.array([scored.get(one, np.nan) for one in entered])
        if scored or len(void) == MOST_VOID:
            left |= {one: Left(len(rows), why) for one, why in found.items() if isinstance(why, str)}
        if scored:
            is_left = np.array([one in left for one in entered])
            judged = np.where(is_left, np.nan, np.array(list(rows.values())))
            worse = surely_worse(judged, len(entered), direction)
            left |= {one: Left(len(rows), WORSE) for one, is_out in zip(entered, worse, strict=True) if is_out}
    values = np.array(list(rows.values())).reshape(len(rows), len(entered))
    return Course(tuple(entered), tuple(rows), tuple(void), first, values, left, direction)
