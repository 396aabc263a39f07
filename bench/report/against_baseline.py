"""Fusions of a section against a baseline: one family of tests per domain tested on, as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bench.records.leaderboard import key_of
from bench.records.record import NO_SEED, Repeats
from bench.records.sections import Section
from bench.report.table import Grid
from bench.stats.paired import blocks_to_flip
from bench.stats.power import ALPHA
from bench.text import MISSING, count_of, defined, p_text
from bench.verdicts.unit import Unit, unit_of
from bench.verdicts.verdicts import Verdict, compare_to_baseline

# Columns that a comparison adds at the end of the leaderboard; differences are in the unit of the metric.
COMPARED = (
    "baseline", "compared_by", "n_shared", "difference", "difference_low", "difference_high", "p", "p_holm", "verdict",
    "smallest_detectable", "p_better", "p_better_low", "p_better_high", "p_equivalent", "p_sign_flip", "disputed",
)  # fmt: skip
DISPUTED = "?"
WORDS = ("better", "inconclusive", "equivalent", "worse", "too few seeds")


@dataclass(frozen=True)
class Comparison:
    """All fusions of a section against ``baseline`` on one domain tested on, best first within a backbone.

    Attributes:
        repeats: what the differences are over.
    """

    baseline: str
    metric: str
    domain: str
    margin: float
    repeats: Repeats
    verdicts: tuple[Verdict, ...]

    @cached_property
    def has_several_backbones(self) -> bool:
        """Whether a fusion is told by its backbone, too."""
        return len({verdict.backbone for verdict in self.verdicts}) > 1

    @property
    def unit(self) -> Unit:
        """How differences in the metric are written."""
        return unit_of(self.metric)


def comparisons(section: Section, baseline: str, metric: str, margin: float) -> list[Comparison]:
    """One comparison for each domain, shifts left out, on which the baseline has a score; the domain trained on first.

    Raises:
        UsageError: neither direction of the metric is better.
    """
    has_score = {domain for entry in section.entries if entry.group.fusion == baseline for domain in entry.quality}
    order = {entry.group: place for place, entry in enumerate(section.ranked("fusion", metric))}
    places = {(group.backbone, group.fusion): place for group, place in order.items()}
    found = []
    for domain in (section.domain, *section.other_domains):
        if domain in has_score:
            verdicts = compare_to_baseline(section.entries, baseline, metric, domain, margin)
            verdicts.sort(key=lambda verdict: places[verdict.backbone, verdict.fusion])
            found.append(Comparison(baseline, metric, domain, margin, section.repeats, tuple(verdicts)))
    return [comparison for comparison in found if comparison.verdicts]


def comparison_grid(comparison: Comparison) -> Grid:
    """The comparison as a table."""
    several, unit = comparison.has_several_backbones, comparison.unit
    header = ["fusion", *["backbone"] * several, "n", f"difference,{unit.name}", "95 % interval", "p (Holm)"]
    header += ["P(better)", "verdict", f"detectable,{unit.name}"]
    rows = [_row(verdict, comparison) for verdict in comparison.verdicts]
    return Grid(header, rows, left=1 + several)


def comparison_sentence(comparison: Comparison) -> str:
    """The sentence above the table."""
    unit, one = comparison.unit, comparison.repeats
    return (
        f"{comparison.metric} on {comparison.domain} minus that of {comparison.baseline}, paired by {one}: mean, 95 % "
        f"paired-t interval of each fusion by itself, p of the paired t test adjusted by Holm over the table, share "
        f"of {one}s that were better with its Wilson interval. Equivalent: no difference larger than "
        f"{unit.short(comparison.margin)} (two one-sided tests). Detectable: the difference these {one}s would find 4 "
        f"times in 5."
    )


def sign_flip_notes(verdicts: Sequence[Verdict], repeats: Repeats) -> list[str]:
    """Where the sign-flip test, which assumes no form of the noise, says otherwise or cannot say anything.

    Args:
        repeats: what the verdicts are over.
    """
    notes = []
    if any(verdict.is_disputed for verdict in verdicts):
        notes.append(
            f"{DISPUTED} the sign-flip test, which takes no noise for normal, says otherwise at "
            f"{100 * ALPHA:.0f} % over the table."
        )
    family = max((verdict.family for verdict in verdicts), default=0)
    needed = blocks_to_flip(family, ALPHA)
    most = max((verdict.paired.n for verdict in verdicts), default=0)
    if family and most < needed:
        could = f"{needed} could" if math.isfinite(needed) else "nor could more"
        notes.append(
            f"Not checked by the sign-flip test: with {count_of(most, repeats)} it cannot reject among "
            f"{count_of(family, 'comparison')}, {could}."
        )
    return notes


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """The comparison for JSON, in the unit of the metric; None for what is not defined."""
    return {
        "baseline": comparison.baseline,
        "metric": comparison.metric,
        "eval_domain": comparison.domain,
        "margin": comparison.margin,
        "fusions": [verdict_dict(verdict) for verdict in comparison.verdicts],
        "notes": sign_flip_notes(comparison.verdicts, comparison.repeats),
    }


def verdict_columns(section: Section, found: Sequence[Comparison]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """For each compared row of the leaderboard its key and its values of ``COMPARED``."""
    groups = {(entry.group.backbone, entry.group.fusion): entry.group for entry in section.entries}
    for comparison in found:
        for verdict in comparison.verdicts:
            group = groups[verdict.backbone, verdict.fusion]._asdict()
            known_seed = None if group["warmup_seed"] == NO_SEED else group["warmup_seed"]
            row = group | {"warmup_seed": known_seed, "eval_domain": comparison.domain}
            values = verdict_dict(verdict) | {"baseline": comparison.baseline, "compared_by": comparison.metric}
            yield key_of(row), {name: values[name] for name in COMPARED}


def by_word(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    """Verdicts by their word, in the order of ``WORDS``, without words that none has."""
    found = {word: [verdict for verdict in verdicts if verdict.word == word] for word in WORDS}
    return {word: members for word, members in found.items() if members}


def word_of(verdict: Verdict, repeats: Repeats) -> str:
    """The word for readers, marked where the sign-flip test says otherwise.

    Args:
        repeats: what the verdict is over.
    """
    word = verdict.told(repeats)
    return f"{word} {DISPUTED}" if verdict.is_disputed else word


def _row(verdict: Verdict, comparison: Comparison) -> list[str]:
    found, share, unit = verdict.paired, verdict.improvement, comparison.unit
    interval = MISSING if math.isnan(found.low) else f"{unit.signed(found.low)} to {unit.signed(found.high)}"
    rate = MISSING if math.isnan(share.share) else f"{share.share:.2f} ({share.low:.2f} to {share.high:.2f})"
    return [
        verdict.fusion,
        *[verdict.backbone] * comparison.has_several_backbones,
        str(found.n),
        unit.signed(found.mean),
        interval,
        p_text(verdict.p_holm),
        rate,
        word_of(verdict, comparison.repeats),
        unit.size(verdict.smallest_detectable),
    ]


def verdict_dict(verdict: Verdict) -> dict[str, Any]:
    """A verdict for JSON, in the unit of the metric; None for what is not defined."""
    values = {
        "difference": verdict.paired.mean,
        "difference_low": verdict.paired.low,
        "difference_high": verdict.paired.high,
        "p": verdict.paired.p,
        "p_holm": verdict.p_holm,
        "smallest_detectable": verdict.smallest_detectable,
        "p_better": verdict.improvement.share,
        "p_better_low": verdict.improvement.low,
        "p_better_high": verdict.improvement.high,
        "p_equivalent": verdict.p_equivalent,
        "p_sign_flip": verdict.p_sign_flip,
    }
    present = {name: defined(value) for name, value in values.items()}
    names = {"fusion": verdict.fusion, "backbone": verdict.backbone}
    said = {"n_shared": verdict.paired.n, "verdict": verdict.word, "disputed": verdict.is_disputed}
    return names | said | present
