"""Main effects: how much of the spread of scores is due to the fusion, the seed, the backbone, and how they meet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bench.records.blocks import alike_blocks, scores, shared_by
from bench.records.entries import Entry
from bench.stats.components import variance_components

Array = NDArray[np.float64]

FUSION, SEED, PAIRS = "fusion", "seed", "test pairs"
FACTORS = (FUSION, "backbone", "warm-up", "domain", SEED)


@dataclass(frozen=True)
class Effects:
    """Where the spread of scores comes from, over the seeds that all of these cells finished.

    Attributes:
        levels: how many there are of each factor that has more than one.
        variances: by source, none below 0, in the squared unit of the metric. ``fusion x seed`` is how fusions part
            from seed to seed beyond what they share, and all that is left; ``fusion x test pairs`` how they would part
            under other test pairs than those that all seeds share, where stored scores tell.
    """

    levels: Mapping[str, int]
    variances: Mapping[str, float]

    @property
    def seeds(self) -> int:
        """That all cells finished."""
        return self.levels[SEED]

    @property
    def shares(self) -> dict[str, float]:
        """Of the variance of a single score; nan where nothing varies."""
        total = sum(self.variances.values())
        return {source: value / total if total else math.nan for source, value in self.variances.items()}

    @property
    def reliability(self) -> float:
        """ICC: share of the variance of means over all levels that is due to the fusion, 1 where it would rank alike
        with other backbones, warm-ups, domains and seeds."""
        total = 0.0
        for source, variance in self.variances.items():
            first, *others = source.split(" x ")
            if first == FUSION:
                total += variance / math.prod(self.levels.get(one, 1) for one in others)
        return self.variances[FUSION] / total if total else math.nan


def effects_of(entries: Iterable[Entry], domains: Sequence[str], metric: str) -> Effects | None:
    """Variance components of the complete part of a table; None where it has no two fusions and seeds.

    Args:
        entries: of one table, or of several that differ in the seed of the warm-up alone; only fusions count.
        domains: tested on.
    """
    known = [entry for entry in entries if entry.role == "fusion"]
    found = {
        (entry.group.fusion, entry.group.backbone, entry.group.warmup_seed, domain): (entry, own)
        for entry in known
        for domain in domains
        if (own := scores(entry, domain, metric))
    }
    backbones, warmups = sorted({place[1] for place in found}), sorted({place[2] for place in found})
    tested = sorted({place[3] for place in found})
    cases = list(product(backbones, warmups, tested))
    fusions = [name for name in sorted({place[0] for place in found}) if all((name, *case) in found for case in cases)]
    if len(fusions) < 2:
        return None
    blocks = set.intersection(*(set(found[name, *case][1]) for name in fusions for case in cases))
    alike = sorted(blocks)
    for case in cases:
        alike = alike_blocks([found[name, *case][0] for name in fusions], alike, case[-1])
    if len(alike) < 2:
        return None
    values = np.array([[[found[name, *case][1][block] for block in alike] for case in cases] for name in fusions])
    effects = _effects(values.reshape(len(fusions), len(backbones), len(warmups), len(tested), len(alike)))
    if len(cases) > 1:
        return effects
    return _with_pairs(effects, [found[name, *cases[0]][0] for name in fusions], tested[0], metric)


def _with_pairs(effects: Effects, fusions: Sequence[Entry], domain: str, metric: str) -> Effects:
    """What the fusions part by on these test pairs alone, taken off what is due to them."""
    between = shared_by(fusions, domain, metric).between
    if not between.any():
        return effects
    # Of two that differ by it, the variance of the difference is twice that of each.
    by_pairs = float(between.sum() / (len(fusions) * (len(fusions) - 1)) / 2)
    of_fusion = effects.variances[FUSION]
    rest = {source: variance for source, variance in effects.variances.items() if source != FUSION}
    own = {FUSION: max(0.0, of_fusion - by_pairs), f"{FUSION} x {PAIRS}": min(by_pairs, of_fusion)}
    return Effects(effects.levels, own | rest)


def _effects(values: Array) -> Effects:
    """Of ``values`` (fusions, backbones, warm-ups, domains, seeds); factors with one level are left out."""
    levels = {name: size for name, size in zip(FACTORS, values.shape, strict=True) if size > 1}
    variances: dict[str, float] = {}
    components = variance_components(values.reshape(tuple(levels.values())), tuple(levels))
    for source in sorted(components, key=lambda source: (SEED in source, len(source))):
        # What meets the seed is told apart by one thing only: whether fusions part by it.
        shown = [name for name in (FUSION, SEED) if name in source] if SEED in source else source
        name = " x ".join(shown)
        variances[name] = variances.get(name, 0.0) + max(0.0, components[source])
    return Effects(levels, variances)
