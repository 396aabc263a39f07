"""A conclusion in plain words, made from verdicts. It claims differences on these data, and nothing beyond them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from bench.records.references import compares_names
from bench.records.sections import Section
from bench.records.ties import tie_groups
from bench.report.against_baseline import Comparison, by_word
from bench.stats.intervals import FEWEST_SEEDS
from bench.stats.power import MOST_BLOCKS, blocks_to_detect, detectable_effect
from bench.text import count_of, counts_of, some
from bench.verdicts.effects import effects_of
from bench.verdicts.verdicts import Verdict

MOST_NAMED = 6


def conclusion(section: Section, found: Sequence[Comparison]) -> list[str]:
    """Sentences for one section, one item per domain tested on; nothing where nothing was compared."""
    lines = [" ".join(_on_one_domain(section, comparison)) for comparison in found]
    return [*lines, _scope(section)] if lines else []


def _scope(section: Section) -> str:
    return (
        f"This is said of these data, this training and these {section.repeats}s alone: not of other images, not of "
        "fusions that were tuned in another way, and not of what a network has understood."
    )


def _on_one_domain(section: Section, comparison: Comparison) -> list[str]:
    verdicts = by_word(comparison.verdicts)
    sentences = [*_not_worse(section, comparison), _levels(section, comparison)]
    for word, direction in (("better", "ahead"), ("worse", "behind")):
        if word in verdicts:
            sentences.append(_different(comparison, verdicts[word], word, direction))
    if "equivalent" in verdicts:
        names = _names(comparison, verdicts["equivalent"])
        margin = comparison.unit.short(comparison.margin)
        sentences.append(f"No difference larger than {margin} from {comparison.baseline}: {names}.")
    if "inconclusive" in verdicts:
        sentences.append(_inconclusive(comparison, verdicts["inconclusive"]))
    if "too few seeds" in verdicts:
        sentences.append(_too_few(comparison, verdicts["too few seeds"]))
    interaction = _interaction(section, comparison)
    return [*sentences, interaction] if interaction else sentences


def _not_worse(section: Section, comparison: Comparison) -> list[str]:
    """Who may be the best, which no choice of a baseline changes; one sentence per backbone."""
    sentences = []
    for part in map(section.of, section.backbones):
        ranked = part.ranked("fusion", comparison.metric)
        if max((len(entry.tested(comparison.domain)) for entry in ranked), default=0) < FEWEST_SEEDS:
            continue
        marks = tie_groups(ranked, comparison.domain, [comparison.metric])[:, 0]
        group = [entry.group.fusion for entry, belongs in zip(ranked, marks, strict=True) if belongs]
        if group:
            backbone = f" with {part.backbone}" if len(section.backbones) > 1 else ""
            sentences.append(f"Not worse than the best{backbone}: {_some(group, len(ranked))}.")
    return sentences


def _levels(section: Section, comparison: Comparison) -> str:
    """Where the baseline stands itself, and the ceiling beside it, without which a score cannot be read."""
    levels = []
    for entry in section.entries:
        value = entry.mean(comparison.domain, comparison.metric)
        is_ceiling = compares_names(entry)
        if (is_ceiling or entry.group.fusion == comparison.baseline) and not math.isnan(value):
            backbone = f" with {entry.group.backbone}" if len(section.backbones) > 1 else ""
            what = f"{entry.group.fusion}{' (a reference)' if is_ceiling else ''}"
            levels.append((entry.group.fusion != comparison.baseline, f"{what}{backbone} {value:.3f}"))
    trained = f"trained on {section.domain}" + (
        "" if comparison.domain == section.domain else f", tested on {comparison.domain}"
    )
    return f"{comparison.metric}, {trained}: {', '.join(text for _, text in sorted(levels))}."


def _different(comparison: Comparison, verdicts: Sequence[Verdict], word: str, direction: str) -> str:
    unit = comparison.unit
    shown = sorted(verdicts, key=lambda verdict: -abs(verdict.paired.mean))[:MOST_NAMED]
    each = [
        f"{_name(comparison, verdict)} by {unit.size(abs(verdict.paired.mean))}{unit.name} "
        f"(95 % interval {_ends(comparison, verdict)}, {count_of(verdict.paired.n, comparison.repeats)})"
        for verdict in shown
    ]
    more = f" and {len(verdicts) - len(shown)} more" if len(verdicts) > len(shown) else ""
    return f"{word.capitalize()} than {comparison.baseline}, {direction} on these data: {', '.join(each)}{more}."


def _ends(comparison: Comparison, verdict: Verdict) -> str:
    """The interval of the size of a difference, whichever sign it has."""
    ends = (verdict.paired.low, verdict.paired.high)
    low, high = ends if verdict.paired.mean >= 0 else (-ends[1], -ends[0])
    return f"{comparison.unit.size(low)} to {comparison.unit.size(high)}"


def _inconclusive(comparison: Comparison, verdicts: Sequence[Verdict]) -> str:
    smallest = comparison.unit.short(statistics.median(verdict.smallest_detectable for verdict in verdicts))
    return (
        f"Inconclusive, which is not the same as equal: {_names(comparison, verdicts)}. A difference below about "
        f"{smallest} would often have been missed. {_to_see_the_margin(comparison, verdicts)}"
    )


def _too_few(comparison: Comparison, verdicts: Sequence[Verdict]) -> str:
    shared = counts_of((verdict.paired.n for verdict in verdicts), f"shared {comparison.repeats}")
    return (
        f"Nothing is inferred about {_names(comparison, verdicts)}: {shared}, it takes {FEWEST_SEEDS} to infer "
        f"anything. {_to_see_the_margin(comparison, verdicts)}".rstrip()
    )


def _to_see_the_margin(comparison: Comparison, verdicts: Sequence[Verdict]) -> str:
    """How many repetitions would find a difference as large as the margin, given the spread that was seen."""
    known = [verdict.paired for verdict in verdicts if verdict.paired.sd > 0]
    if not known:
        return ""
    margin, spread = comparison.unit.short(comparison.margin), statistics.median(one.sd for one in known)
    # What all repetitions share is in the error of a mean beside their spread, and more of them leave it there.
    shared = statistics.median(max(0.0, one.error**2 - one.sd**2 / one.n) for one in known)
    tests = len(comparison.verdicts)
    rest = comparison.margin**2 - detectable_effect(math.inf, tests) ** 2 * shared
    if rest <= 0:
        return (
            f"More {comparison.repeats}s alone would not find {margin} 4 times in 5: it takes more test pairs, or "
            "replicates."
        )
    n = blocks_to_detect(math.sqrt(rest) / spread, tests)
    about = "more than" if n == MOST_BLOCKS else "about"
    return f"To find {margin} 4 times in 5 would take {about} {count_of(n, comparison.repeats)}."


def _interaction(section: Section, comparison: Comparison) -> str:
    if len(section.backbones) < 2:
        return ""
    effects = effects_of(section.entries, [comparison.domain], comparison.metric)
    if effects is None or effects.seeds < FEWEST_SEEDS or math.isnan(effects.shares["fusion"]):
        return ""
    share = {name: f"{100 * value:.0f} %" for name, value in effects.shares.items()}
    return (
        f"Of the spread between runs {share['fusion']} goes with the fusion, {share['backbone']} with the backbone, "
        f"{share['fusion x backbone']} with which fusion meets which backbone, and the rest with the "
        f"{section.repeats}."
    )


def _names(comparison: Comparison, verdicts: Sequence[Verdict]) -> str:
    return _some([_name(comparison, verdict) for verdict in verdicts], len(comparison.verdicts))


def _some(names: Sequence[str], every: int) -> str:
    """The first ``MOST_NAMED`` of the names, and how many more; or that it is all of ``every``."""
    if len(names) == every > MOST_NAMED:
        return f"all {len(names)} fusions"
    return some(names, MOST_NAMED)


def _name(comparison: Comparison, verdict: Verdict) -> str:
    backbone = f" × {verdict.backbone}" if comparison.has_several_backbones else ""
    return f"{verdict.fusion}{backbone}"
