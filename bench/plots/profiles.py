"""Performance profiles: how often each fusion is within so many points of the best one, over all domains and seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.metrics import METRICS, NEITHER
from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.style import COLORS, LINES, QUIET, add_legend, new_figure, width_of
from bench.records.blocks import complete_blocks
from bench.records.record import Repeats
from bench.records.sections import Section
from bench.stats.intervals import Array
from bench.text import count_of
from bench.verdicts.standings import by_conditions
from bench.verdicts.unit import unit_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 8
WIDTH, BESIDE = 7.2, 5.0  # inches, and from which on there is room for the names beside the staircases
REACH = 0.95  # share of all distances that the axis holds


@dataclass(frozen=True)
class Profiles:
    """How far behind the best one of its block each fusion is.

    Attributes:
        behind: (blocks, fusions) in the unit of the metric, never below 0; a block is a domain, backbone and repetition
            that all of these fusions finished.
        cases: domains and backbones that the blocks are of.
        repeats: what the blocks of one of them are.
    """

    fusions: tuple[str, ...]
    behind: Array
    cases: int
    repeats: Repeats


def profiles_of(sections: Sequence[Section], metric: str) -> Profiles | None:
    """Of the fusions that every section has; None where no two share a block.

    Dolan & Moré, 2002, Benchmarking optimization software with performance profiles; with differences in place of
    ratios, as metrics are bounded.

    Args:
        sections: each with a single backbone.
    """
    found = [complete_blocks(section.ranked("fusion", metric), section.domain, metric) for section in sections]
    found = [one for one in found if len(one.blocks)]
    shared = [name for name in found[0].fusions if all(name in one.fusions for one in found)] if found else []
    if len(shared) < 2:
        return None
    values = np.concatenate([one.values[:, [one.fusions.index(name) for name in shared]] for one in found])
    gain = values * METRICS.get(metric).direction
    return Profiles(tuple(shared), gain.max(axis=1, keepdims=True) - gain, len(found), sections[0].repeats)


def draw_profiles(title: str, found: Profiles, metric: str, names: Sequence[str]) -> Figure:
    """A staircase per fusion; in colour those called ``names``, or those that are near the best most often."""
    from matplotlib.ticker import MaxNLocator

    unit = unit_of(metric)
    limit = max(float(np.quantile(found.behind, REACH)), 1e-6)
    # The mean height of a staircase up to there, which is no choice of a single distance.
    area = 1 - np.minimum(found.behind / limit, 1.0).mean(axis=0)
    order = [int(at) for at in np.argsort(-area, kind="stable")]
    shown = [at for at in order if not names or found.fusions[at] in names][:MOST]
    note = (
        f"share of {count_of(len(found.behind), 'block')} ({found.repeats}, domain and backbone, of "
        f"{count_of(found.cases, 'domain and backbone', 'domains and backbones')}) in which a fusion is within so many"
        f"{unit.name} of the best of the block; left end: how often it is the best itself; right end below 1: "
        f"further behind in the rest, as the axis holds {100 * REACH:.0f} % of all distances. Nothing is tested here"
    )
    height = 3.4 if width_of(WIDTH) >= BESIDE else 3.4 + 0.15 * len(shown)
    figure = new_figure(WIDTH, height, title, note)
    axis = figure.subplots()
    for at in (at for at in order if at not in shown):
        axis.step(*_steps(found.behind[:, at], limit, unit.scale), where="post", color=QUIET, linewidth=0.7, zorder=1)
    for place, at in enumerate(shown):
        color, line = COLORS[place % len(COLORS)], LINES[place // len(COLORS) % len(LINES)]
        x, y = _steps(found.behind[:, at], limit, unit.scale)
        axis.step(x, y, where="post", linewidth=1.8, label=found.fusions[at], color=color, linestyle=line)
    axis.set_xlim(0, limit * unit.scale)
    # The last number would reach over the edge of a picture with the legend below.
    axis.xaxis.set_major_locator(MaxNLocator(6, prune="upper"))
    axis.set_ylim(0, 1.02)
    axis.set_xlabel(f"behind the best,{unit.name}")
    axis.set_ylabel("share of blocks")
    axis.grid(color="0.93")
    axis.spines[["top", "right"]].set_visible(False)
    add_legend(figure, [found.fusions[at] for at in shown], BESIDE, loc="outside right center")
    return figure


def _steps(behind: Array, limit: float, scale: int) -> tuple[Array, Array]:
    """Corners of a staircase from 0, at the share of blocks in which a fusion is the best itself, to ``limit``."""
    x = np.unique([0.0, *behind[behind <= limit], limit])
    y = np.array([(behind <= distance).mean() for distance in x])
    return x * scale, y


@register_plot
class ProfilesPlot(Plot):
    """How often each fusion is within so many points of the best one, over all domains and seeds or replicates."""

    name, needs = "profiles", "records"

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        return [
            (conditions, partial(self._draw, conditions, sections, metric, fusions))
            for conditions, sections in by_conditions(source.sections_by_backbone).items()
        ]

    def _draw(self, conditions: str, sections: Sequence[Section], metric: str, names: Sequence[str]) -> Figure:
        found = None if METRICS.get(metric).direction == NEITHER else profiles_of(sections, metric)
        if found is None:
            raise NothingToDrawError(f"{conditions}: no two fusions with {metric} on a shared block")
        return draw_profiles(f"Near the best how often? {conditions}", found, metric, names)
