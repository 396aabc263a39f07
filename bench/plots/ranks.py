"""Mean ranks of the fusions over blocks, with the cliques that lie within a critical difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.metrics import METRICS, NEITHER
from bench.plots.board import Board
from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.style import BLUE, GREY, length, new_figure, width_of
from bench.records.blocks import Complete, complete_blocks
from bench.records.sections import Section
from bench.stats.intervals import Array
from bench.text import count_of
from bench.verdicts.ranks import mean_ranks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BY_SEED = "accuracy_by_seed"
ASIDE = 0.5  # inches beside the axis and its names
WIDTH, BESIDE = 7.2, 6 / 72  # inches: of the picture, and from bar to bar


def complete_blocks_of(board: Board) -> Complete:
    """Accuracy on the domain trained on by seed; a block is a seed that every fusion with a result finished.

    Args:
        board: of a single backbone.
    """
    lines = board.ranked("fusion", "accuracy")
    found: dict[str, dict[int, float]] = {}
    for fusion, seeds, values in zip(lines["fusion"], lines["seeds"], lines[BY_SEED], strict=True):
        pairs = zip(seeds.split(), values.split(), strict=False)
        found[fusion] = {int(seed): float(value) for seed, value in pairs if value != "-"}
    shared = sorted(set.intersection(*(set(values) for values in found.values()))) if found else []
    table = [[values[seed] for values in found.values()] for seed in shared]
    blocks = tuple((board.domain, seed) for seed in shared)
    return Complete(tuple(found), blocks, np.array(table, dtype=float).reshape(len(shared), len(found)))


def _complete(section: Section, metric: str) -> Complete:
    return complete_blocks(section.ranked("fusion", metric), section.domain, metric)


def cliques_of(mean: Array, critical: float) -> list[tuple[int, int]]:
    """First and last place of each run of ascending mean ranks no two of which are a critical difference apart; of
    several places, and no part of another (Demsar, 2006)."""
    ends = [int(np.searchsorted(mean, value + critical, "right")) - 1 for value in mean]
    return [(first, last) for first, last in enumerate(ends) if last > first and (first == 0 or ends[first - 1] < last)]


def draw_ranks(board: Board, metric: str, section: Section | None) -> Figure:
    """A dot per fusion at its mean rank over seeds; beside them a bar for each clique that is not told apart.

    Args:
        board: of a single backbone. section: of the same lines; None without records, where accuracy alone is by seed.
    """
    if METRICS.get(metric).direction == NEITHER:
        raise NothingToDrawError(f"{board.title}: neither more nor less of {metric} is better")
    if section is None and metric != "accuracy":
        raise NothingToDrawError(
            f"a leaderboard.csv has ranks over the {board.repeats}s of accuracy, not of {metric}; give the run folder"
        )
    # Each replicate has a warm-up of its own, which all fusions share.
    if board.repeats == "seed" and board.own["warmup_quality"].nunique() > 1:
        raise NothingToDrawError(f"{board.title}: fusions that started from different warm-ups are not ranked")
    complete = complete_blocks_of(board) if section is None else _complete(section, metric)
    ranks = mean_ranks(complete, METRICS.get(metric).direction)
    if ranks.critical_difference is None:
        raise NothingToDrawError(f"{board.title}: {ranks.reason}")
    order = np.argsort(ranks.mean, kind="stable")
    mean, names = ranks.mean[order], [ranks.fusions[at] for at in order]
    p = "p < 0.001" if ranks.p < 0.001 else f"p = {ranks.p:.3f}"
    note = (
        f"mean rank of {metric} over {count_of(ranks.n, board.repeats)}, 1 is best; Friedman {p}; bars: cliques within "
        f"one Nemenyi critical difference ({ranks.critical_difference:.1f}), in which nobody is told apart; blue: the "
        "best and who is not told apart from it"
    )
    figure = new_figure(WIDTH, 0.8 + 0.21 * len(names), board.title, note)
    axis = figure.subplots()
    rows = np.arange(len(names))
    cliques = cliques_of(mean, ranks.critical_difference)
    limit = mean[0] + ranks.critical_difference
    axis.hlines(rows, 0, mean, color="0.9", linewidth=0.8, zorder=0)
    axis.scatter(mean, rows, color=[BLUE if value <= limit else GREY for value in mean], s=26, zorder=3)
    for row, value in zip(rows, mean, strict=True):
        axis.annotate(f"{value:.1f}", (value, row), (6, 0), textcoords="offset points", va="center", fontsize=7)
    right = mean[-1] * 1.08 + 0.5
    inches = max(width_of(WIDTH) - max(length(name, 8) for name in names) - BESIDE * len(cliques) - ASIDE, ASIDE)
    for place, (first, last) in enumerate(cliques):
        at = right * (1 + BESIDE / inches * (place + 1))
        color = BLUE if first == 0 else "0.35"
        axis.plot([at, at], [first - 0.25, last + 0.25], color=color, linewidth=3, solid_capstyle="butt", clip_on=False)
    axis.set_yticks(rows, names, fontsize=8)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.set_xlim(0, right * (1 + BESIDE / inches * (len(cliques) + 1)))
    axis.set_xticks([tick for tick in axis.get_xticks() if tick <= len(names)])
    axis.set_xlabel("mean rank ↓")
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "right", "left"]].set_visible(False)
    return figure


@register_plot
class Ranks(Plot):
    """Mean ranks over seeds or replicates, with the cliques that lie within a critical difference."""

    name = "ranks"

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        sections = source.sections_by_backbone or [None] * len(source.boards_by_backbone)
        return [
            (board.title, partial(draw_ranks, board, metric, section))
            for board, section in zip(source.boards_by_backbone, sections, strict=True)
        ]
