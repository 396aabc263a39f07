"""The quality tier: scores on the domain trained on, paired over the repetitions that both sides finished."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.gate.coverage import Pair, Shared, value
from bench.gate.finding import Finding, Word
from bench.gate.noise import dropped
from bench.gate.side import Side, describe
from bench.metrics import METRICS
from bench.records.blocks import step_of
from bench.records.record import Group
from bench.stats.paired import NOTHING, paired
from bench.text import count_of

Array = NDArray[np.float64]


def quality_findings(found: Shared, base: Side, new: Side, metric: str, margin: float) -> list[Finding]:
    """One finding per group.

    A control must stay at chance: there a better score is what is worse.
    """
    if base.has_means_only or new.has_means_only:
        return [_means_only(group, pairs, base, new, metric) for group, pairs in found.scored.items()]
    if not found.scored:
        return []
    differences = _differences(found.scored, metric)
    error = np.array([_sampling_error(pairs, metric) for pairs in found.scored.values()])
    step = np.array([_step(pairs, metric) for pairs in found.scored.values()])
    better_up = float(METRICS.get(metric).direction)
    signs = [[-better_up if _is_control(pairs) else better_up] for pairs in found.scored.values()]
    gains = differences * np.array(signs)
    worse, better = dropped(gains, error, step, margin), dropped(-gains, error, step, margin)
    findings = []
    for index, (group, pairs) in enumerate(found.scored.items()):
        own = differences[index][~np.isnan(differences[index])]
        word = _word(bool(worse[index]), bool(better[index]) and not _is_control(pairs), own, margin)
        findings.append(Finding("quality", word, describe(group), _text(pairs, own, metric)))
    return findings


def _word(worse: bool, better: bool, differences: Array, margin: float) -> Word:
    if worse:
        return "worse"
    if better:
        return "better"
    return "undecided" if abs(differences.mean()) > margin else "same"


def _differences(scored: Mapping[Group, tuple[Pair, ...]], metric: str) -> Array:
    """New - base (groups, repetitions), padded with nan."""
    table = np.full((len(scored), max(map(len, scored.values()))), np.nan)
    for row, pairs in zip(table, scored.values(), strict=True):
        row[: len(pairs)] = [value(new, metric) - value(base, metric) for base, new in pairs]
    return table


def _sampling_error(pairs: tuple[Pair, ...], metric: str) -> float:
    """Standard error of the difference of two shares, each measured on test pairs of its own.

    Both sides are tested on the same pairs, which makes the true error smaller.
    """
    variances = []
    for cell in (cell for pair in pairs for cell in pair):
        share = min(max(value(cell, metric), 0.0), 1.0)
        variances.append(share * (1 - share) / max(cell.eval[cell.domain].pairs, 1))
    return math.sqrt(2 * sum(variances) / len(variances))


def _step(pairs: tuple[Pair, ...], metric: str) -> float:
    return step_of([cell for pair in pairs for cell in pair], pairs[0][1].domain, metric)


def _is_control(pairs: tuple[Pair, ...]) -> bool:
    return pairs[0][1].role == "control"


def _text(pairs: tuple[Pair, ...], differences: Array, metric: str) -> str:
    before, after = (np.mean([value(pair[side], metric) for pair in pairs]) for side in (0, 1))
    change = paired(differences, shared=replace(NOTHING, step=_step(pairs, metric)))
    interval = f", 95 % interval {_points(change.low)} to {_points(change.high)}" if change.n > 1 else ""
    count = count_of(change.n, pairs[0][1].repeats)
    text = f"{metric} {before:.3f} -> {after:.3f}: {_points(change.mean)} points over {count}{interval}"
    if not differences.any():
        return f"{metric} {before:.3f}: the same on {count}"
    if all(base.key == new.key for base, new in pairs):
        text += "; the key is the same, so code outside the plug-ins, a library or the machine differs"
    return text


def _means_only(group: Group, pairs: tuple[Pair, ...], base: Side, new: Side, metric: str) -> Finding:
    before, after = (
        # Not the mean of equal numbers, which need not be that number.
        value(pairs[0][index], metric)
        if side.has_means_only
        else np.mean([value(pair[index], metric) for pair in pairs])
        for index, side in enumerate((base, new))
    )
    text = f"{metric} {before:.3f} -> {after:.3f}: a leaderboard has means only, no paired test"
    return Finding("quality", "incomparable", describe(group), text)


def _points(share: float) -> str:
    return f"{100 * share:+.2f}"
