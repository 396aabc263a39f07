"""Verdicts: what mean differences show, in a word, each kind of test adjusted over all that were asked together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.errors import UsageError
from bench.metrics import METRICS, NEITHER
from bench.records.blocks import Array, by_conditions, score_table, shared_by
from bench.records.entries import Entry
from bench.records.margins import MARGIN
from bench.records.record import Repeats
from bench.stats.improvement import Improvement, improvement
from bench.stats.intervals import FEWEST_SEEDS
from bench.stats.multiplicity import holm
from bench.stats.pair_error import PairCovariances
from bench.stats.paired import NOTHING, Paired, Shared, all_paired, all_sign_flip_p, all_within, blocks_to_flip
from bench.stats.power import ALPHA, detectable_effect

Word = Literal["better", "worse", "equivalent", "inconclusive", "too few seeds"]


@dataclass(frozen=True)
class Difference:
    """What is asked about one fusion under one backbone: ``values`` (blocks,), and what these blocks share."""

    fusion: str
    backbone: str
    values: Array
    shared: Shared = NOTHING


@dataclass(frozen=True)
class Verdict:
    """What the differences of one fusion under one backbone show.

    Attributes:
        paired: of fusion minus baseline, in the unit of the metric, whichever direction is better.
        p_holm: of the paired t test, adjusted over the family; nan where too few seeds are shared.
        p_equivalent: of two one-sided t tests against the margin, adjusted over the family.
        p_sign_flip: of the sign-flip test, adjusted over the family, which assumes no form of the noise.
        is_disputed: whether the sign-flip test could reject with so many blocks and says otherwise than the word.
        smallest_detectable: difference found 4 times in 5 at the first step of Holm, given the spread seen here; nan
            where too few blocks are shared.
        improvement: how often the fusion was better than the baseline.
        family: how many comparisons were tested together.
        word: as programs compare it, whatever the blocks are; :meth:`told` is what readers see.
    """

    fusion: str
    backbone: str
    paired: Paired
    p_holm: float
    p_equivalent: float
    p_sign_flip: float
    word: Word
    is_disputed: bool
    smallest_detectable: float
    improvement: Improvement
    family: int

    def told(self, repeats: Repeats) -> str:
        """The word, of verdicts over such repetitions."""
        return self.word.replace("seed", repeats)


def compare_to_baseline(
    entries: Iterable[Entry], baseline: str, metric: str, domain: str, margin: float = MARGIN
) -> list[Verdict]:
    """Compare every fusion with ``baseline`` over shared blocks; the family of tests is all of these comparisons.

    Args:
        entries: of one table; references and controls among them are not compared.
        domain: evaluated domain. margin: in the unit of the metric.

    Raises:
        UsageError: neither direction of the metric is better, or ``baseline`` has no score on ``domain``.
    """
    direction = direction_of(metric)
    known = [entry for entry in entries if entry.role == "fusion"]
    if not any(domain in entry.quality for entry in known if entry.group.fusion == baseline):
        names = ", ".join(sorted({entry.group.fusion for entry in known if domain in entry.quality}))
        raise UsageError(f"--baseline {baseline}: no score on {domain}; fusions that have one: {names or 'none'}")
    found = []
    for members in by_conditions(known):
        scores = score_table(members, [(domain, metric)])[..., 0]
        found += against(members, scores, baseline, shared_by(members, domain, metric))
    return judge(found, direction, margin)


def against(entries: Sequence[Entry], values: Array, baseline: str, shared: PairCovariances) -> list[Difference]:
    """``values`` (rows, entries) of all others minus those of ``baseline``, over the rows that both have; none where it
    is not among the entries.

    Args:
        shared: what the rows share.
    """
    base = next((place for place, entry in enumerate(entries) if entry.group.fusion == baseline), None)
    if base is None:
        return []
    return [
        difference_of(entry, values[:, place] - values[:, base], shared.apart(place, base))
        for place, entry in enumerate(entries)
        if place != base
    ]


def difference_of(entry: Entry, values: Array, shared: Shared) -> Difference:
    """What is asked about an entry; nan are rows without a value."""
    return Difference(entry.group.fusion, entry.group.backbone, values[~np.isnan(values)], shared)


def direction_of(metric: str) -> int:
    """1 where higher is better, -1 where lower is; anything else raises ``UsageError``."""
    direction = METRICS.get(metric).direction
    if direction == NEITHER:
        raise UsageError(f"--metric {metric}: more is neither better nor worse, so nothing can be compared by it")
    return direction


def judge(found: Sequence[Difference], direction: int, margin: float) -> list[Verdict]:
    """A verdict on each of the differences, which are one family.

    One is ``equivalent`` where both one-sided t tests against ``±margin`` reject, else ``better`` or ``worse`` where
    the paired t test rejects, else ``inconclusive``; each kind of test is adjusted over the family at 5 % (Holm). From
    fewer than ``FEWEST_SEEDS`` blocks nothing is inferred.

    Args:
        direction: -1 if lower is better. margin: in the unit of the differences.
    """
    means = all_paired([one.values for one in found], [one.shared for one in found])
    tested = [mean.n >= FEWEST_SEEDS for mean in means]
    family = sum(tested)

    def adjusted(every: Iterable[float]) -> list[float]:
        return holm([p if own else math.nan for p, own in zip(every, tested, strict=True)]).tolist()

    p_holm = adjusted(mean.p for mean in means)
    p_equivalent = adjusted(all_within(means, margin).tolist())
    flipped_p = iter(all_sign_flip_p([one.values for one, own in zip(found, tested, strict=True) if own]))
    p_sign_flip = adjusted(next(flipped_p) if own else math.nan for own in tested)
    needed = blocks_to_flip(family, ALPHA)
    verdicts = []
    for one, mean, different, same, flipped in zip(found, means, p_holm, p_equivalent, p_sign_flip, strict=True):
        word = _word(mean, different, same, direction)
        says_apart = {"better": True, "worse": True, "inconclusive": False}.get(word)
        verdicts.append(
            Verdict(
                fusion=one.fusion,
                backbone=one.backbone,
                paired=mean,
                p_holm=different,
                p_equivalent=same,
                p_sign_flip=flipped,
                word=word,
                # A flip leaves out what all blocks share: where that counts, the two tests answer different questions.
                is_disputed=mean.n >= needed
                and not np.any(one.shared.variance)
                and says_apart is not None
                and says_apart != (flipped <= ALPHA),
                smallest_detectable=_smallest(mean, family),
                improvement=improvement(one.values, direction),
                family=family,
            )
        )
    return verdicts


def _word(mean: Paired, different: float, equivalent: float, direction: int) -> Word:
    if math.isnan(different):
        return "too few seeds"
    if equivalent <= ALPHA:
        return "equivalent"
    if different <= ALPHA:
        return "better" if mean.mean * direction > 0 else "worse"
    return "inconclusive"


def _smallest(mean: Paired, family: int) -> float:
    if mean.n < FEWEST_SEEDS:
        return math.nan
    return detectable_effect(mean.freedom, family) * mean.error
