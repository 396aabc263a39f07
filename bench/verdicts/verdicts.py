"""Verdicts: how each fusion of a table compares with a baseline, in a word."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.errors import UsageError
from bench.metrics import METRICS, NEITHER
from bench.records.blocks import Array, conditions, differences
from bench.records.entries import Entry
from bench.records.margins import MARGIN
from bench.stats.equivalence import equivalence_p
from bench.stats.improvement import Improvement, improvement
from bench.stats.intervals import FEWEST_SEEDS
from bench.stats.multiplicity import holm
from bench.stats.paired import Paired, paired
from bench.stats.power import ALPHA, detectable_effect

Word = Literal["better", "worse", "equivalent", "inconclusive", "too few seeds"]


@dataclass(frozen=True)
class Verdict:
    """One fusion against the baseline under the same backbone.

    Attributes:
        paired: of fusion minus baseline, in the unit of the metric, whichever direction is better.
        p_holm: of the sign-flip test, adjusted over the family; nan where too few seeds are shared.
        smallest_detectable: difference found 4 times in 5 at the first step of Holm, given the spread seen here;
            infinite where these blocks cannot reject, nan where too few.
        improvement: how often the fusion was better than the baseline.
        sd: of the differences; nan with fewer than two.
        family: how many comparisons were tested together.
    """

    fusion: str
    backbone: str
    paired: Paired
    p_holm: float
    word: Word
    smallest_detectable: float
    improvement: Improvement
    sd: float
    family: int


def compare_to_baseline(
    entries: Iterable[Entry], baseline: str, metric: str, domain: str, margin: float = MARGIN
) -> list[Verdict]:
    """Compare every fusion with ``baseline`` over shared blocks; the family of tests is all of these comparisons.

    A fusion is ``equivalent`` where both one-sided tests against ``±margin`` reject, else ``better`` or ``worse`` where
    the sign-flip test rejects, else ``inconclusive``; each kind of test is adjusted over the family at 5 %. From fewer
    than ``FEWEST_SEEDS`` shared blocks nothing is inferred.

    Args:
        entries: of one table; references and controls among them are not compared.
        domain: evaluated domain. margin: in the unit of the metric.

    Raises:
        UsageError: neither direction of the metric is better, or ``baseline`` has no score on ``domain``.
    """
    direction = METRICS.get(metric).direction
    if direction == NEITHER:
        raise UsageError(f"--metric {metric}: more is neither better nor worse, so nothing can be compared by it")
    known = [entry for entry in entries if entry.role == "fusion"]
    baselines = {conditions(entry): entry for entry in known if entry.group.fusion == baseline}
    if not any(domain in entry.quality for entry in baselines.values()):
        names = ", ".join(sorted({entry.group.fusion for entry in known if domain in entry.quality}))
        raise UsageError(f"--baseline {baseline}: no score on {domain}; fusions that have one: {names or 'none'}")
    pairs = [
        (entry, differences(entry, baselines[conditions(entry)], domain, metric))
        for entry in known
        if entry.group.fusion != baseline and conditions(entry) in baselines
    ]
    found = [paired(values) for _, values in pairs]
    tested = [result.n >= FEWEST_SEEDS for result in found]
    p_holm = holm([result.p if own else math.nan for result, own in zip(found, tested, strict=True)])
    p_equivalent = holm(
        [
            float(equivalence_p(values, margin)) if own else math.nan
            for (_, values), own in zip(pairs, tested, strict=True)
        ]
    )
    family = sum(tested)
    return [
        Verdict(
            fusion=entry.group.fusion,
            backbone=entry.group.backbone,
            paired=result,
            p_holm=float(different),
            word=_word(result, different, equivalent, direction),
            smallest_detectable=_smallest(values, family) if own else math.nan,
            improvement=improvement(values, direction),
            sd=_sd(values),
            family=family,
        )
        for (entry, values), result, own, different, equivalent in zip(
            pairs, found, tested, p_holm, p_equivalent, strict=True
        )
    ]


def _word(result: Paired, different: float, equivalent: float, direction: int) -> Word:
    if math.isnan(different):
        return "too few seeds"
    if equivalent <= ALPHA:
        return "equivalent"
    if different <= ALPHA:
        return "better" if result.mean * direction > 0 else "worse"
    return "inconclusive"


def _smallest(values: Array, family: int) -> float:
    effect = detectable_effect(len(values), family)
    return math.inf if math.isinf(effect) else effect * _sd(values)


def _sd(values: Array) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
