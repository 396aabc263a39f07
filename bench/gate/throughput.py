"""The throughput tier: pairs per second, on one and the same machine only.

A cell's samples are its rates over seeds. It is slower where the ratio of the medians is beyond the factor *and* a rank
test (Mann and Whitney, 1947, one-sided, exact for untied samples) says so, as asv has it; three seeds against three
others can just reach 5 %. What a machine calls noise, only two runs of the same code can tell: without a factor that
was measured or given, nothing is judged.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bench.gate.coverage import Pair, Shared
from bench.gate.finding import Finding, Word
from bench.gate.side import Side, describe
from bench.records.columns import RATE_FIELDS
from bench.records.machine import why_incomparable

LEVEL = 0.05
SAFETY = 1.1  # on the largest ratio between two runs of the same code
NAMES = {"train_pairs_per_s": "training", "infer_pairs_per_s": "inference"}


def throughput_findings(found: Shared, base: Side, new: Side, factor: float | None) -> list[Finding]:
    """Two findings per group, training and inference, or a single one that says why nothing can be compared.

    Args:
        factor: ratio that is still noise; that of the baseline where None.
    """
    limit = factor or base.factor
    reason = why_incomparable(base.machines, new.machines)
    if not reason and limit is None:
        reason = "no factor known for this machine; give --factor, or measure one with --write-baseline and --again"
    if reason or limit is None:
        return [Finding("throughput", "incomparable", "all cells", reason)]
    return [
        Finding(
            "throughput", _word(before, after, limit), f"{describe(group)}, {NAMES[field]}", _text(before, after, limit)
        )
        for group, pairs in found.finished.items()
        for field, before, after in _samples(pairs)
    ]


def noise_factor(found: Shared) -> float:
    """The factor that two runs of the same code on the same machine stand for: their largest ratio, and a bit more."""
    ratios = [_slowdown(before, after) for pairs in found.finished.values() for _, before, after in _samples(pairs)]
    return round(SAFETY * max([1.0, *ratios, *(1 / ratio for ratio in ratios)]), 3)


def _samples(pairs: tuple[Pair, ...]) -> Iterator[tuple[str, list[float], list[float]]]:
    for field in RATE_FIELDS:
        sides = zip(*pairs, strict=True)
        before, after = ([rate for cell in side if (rate := cell.cost_of(field))] for side in sides)
        if before and after:
            yield field, before, after


def _slowdown(before: list[float], after: list[float]) -> float:
    return statistics.median(before) / statistics.median(after)


def _word(before: list[float], after: list[float], factor: float) -> Word:
    ratio = _slowdown(before, after)
    if 1 / factor <= ratio <= factor:
        return "same"
    if ratio > factor:
        return "worse" if _rank_p(before, after) <= LEVEL else "undecided"
    return "better" if _rank_p(after, before) <= LEVEL else "undecided"


def _rank_p(high: list[float], low: list[float]) -> float:
    """One-sided p value of the rank test that ``high`` tends to be above ``low``."""
    # Takes longer to import than everything else here, and most comparisons do without.
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(high, low, alternative="greater").pvalue)


def _text(before: list[float], after: list[float], factor: float) -> str:
    medians = f"{statistics.median(before):,.0f} -> {statistics.median(after):,.0f} pairs/s"
    return f"{medians}, {_slowdown(before, after):.2f} times as long (limit {factor:g})"
