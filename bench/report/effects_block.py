"""What the spread between the scores of a section is made of: a block, and the same for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from bench.plots.style import metric_label
from bench.records.record import Repeats
from bench.records.sections import Section
from bench.report.table import Block, Grid
from bench.stats.intervals import FEWEST_SEEDS
from bench.text import MISSING, count_of
from bench.verdicts.effects import FUSION, PAIRS, SEED, Effects, effects_of
from bench.verdicts.unit import Unit, unit_of

# What repetitions may have in common that moves scores.
SHARED: Mapping[Repeats, str] = MappingProxyType(
    {"seed": "one set of test pairs", "replicate": "weights that others trained"}
)


def analyses(section: Section, sections: Sequence[Section], metric: str) -> dict[str, Effects]:
    """Variance components by what they are over: the domain trained on, all domains tested on, and all warm-ups.

    Args:
        sections: all of the report, of which those that differ in the seed of the warm-up alone are taken together.
    """
    everywhere = [section.domain, *section.shifts.values(), *section.other_domains]
    alike = [one for one in sections if _but_for_warmup_seed(one) == _but_for_warmup_seed(section)]
    asked = {f"on {section.domain}": effects_of(section.entries, [section.domain], metric)}
    if len(everywhere) > 1:
        asked[f"on {len(everywhere)} domains"] = effects_of(section.entries, everywhere, metric)
    if len(alike) > 1:
        entries = [entry for one in alike for entry in one.entries]
        asked[f"from {len(alike)} warm-ups"] = effects_of(entries, [section.domain], metric)
    return {what: one for what, one in asked.items() if one is not None and one.seeds >= FEWEST_SEEDS}


def effects_block(section: Section, sections: Sequence[Section], metric: str) -> Block | None:
    """The block of a section; None where too few fusions or seeds are complete."""
    found = analyses(section, sections, metric)
    if not found or not any(sum(one.variances.values()) for one in found.values()):
        return None
    return Block(_sentence(found, metric, section.repeats), [grid(found, metric, section.repeats).markdown()])


def grid(found: Mapping[str, Effects], metric: str, repeats: Repeats) -> Grid:
    """One row per source, two columns per analysis: its standard deviation and its share of the variance.

    Args:
        repeats: of the section that was analysed.
    """
    unit = unit_of(metric)
    every = {source for one in found.values() for source in one.variances}
    # What comes from the seed stands last.
    sources = sorted(every, key=lambda source: (SEED in source, source.count(" x "), source != FUSION, source))
    header = ["source", *(f"{what}: {text}" for what in found for text in (f"sd,{unit.name}", "share"))]
    rows = [
        [_told(source, repeats), *(text for one in found.values() for text in _cells(one, source, unit))]
        for source in sources
    ]
    return Grid(header, rows, left=1)


def as_dict(section: Section, sections: Sequence[Section], metric: str) -> dict[str, Any]:
    """The analyses for JSON, variances in the squared unit of the metric."""
    return {
        what: {
            "levels": dict(one.levels),
            "variances": dict(one.variances),
            "reliability": None if math.isnan(one.reliability) else one.reliability,
        }
        for what, one in analyses(section, sections, metric).items()
    }


def _cells(effects: Effects, source: str, unit: Unit) -> tuple[str, str]:
    if source not in effects.variances:
        return MISSING, MISSING
    share = effects.shares[source]
    percent = MISSING if math.isnan(share) else f"{100 * share:.0f} %"
    return unit.size(math.sqrt(effects.variances[source])), percent


def _told(source: str, repeats: Repeats) -> str:
    """A factor, or several that meet, by what readers call it: the one that analyses call seed may be replicates."""
    return " x ".join(repeats if factor == SEED else factor for factor in source.split(" x "))


def _sentence(found: Mapping[str, Effects], metric: str, repeats: Repeats) -> str:
    first = next(iter(found.values()))
    counted = "; ".join(
        f"{what}: {', '.join(count_of(size, _told(name, repeats)) for name, size in one.levels.items())}"
        for what, one in found.items()
    )
    reliability = (
        ""
        if math.isnan(first.reliability)
        else (
            f" Means over {count_of(first.seeds, repeats)} rank these fusions with a reliability (ICC) of "
            f"{first.reliability:.3f}."
        )
    )
    is_known = f"{FUSION} x {PAIRS}" in first.variances
    shared = (
        f"how they would part under other test pairs than those that all {repeats}s share was taken off what is due "
        "to them"
        if is_known
        else f"what all {repeats}s share, such as {SHARED[repeats]}, is in none of them"
    )
    return (
        f"Variance components of {metric_label(metric)} over what all of these fusions finished ({counted}). "
        f"Fusion x {repeats}: how fusions part from {repeats} to {repeats}, and all that is left; "
        f"{shared}.{reliability}"
    )


def _but_for_warmup_seed(section: Section) -> tuple[str, ...]:
    return section.domain, section.protocol, section.warmup, section.repeats, section.recipe_id
