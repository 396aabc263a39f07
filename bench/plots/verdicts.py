"""Which fusion is how good on which domain, and what can be said of it: a matrix of verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import UsageError
from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.shades import IN_LEGENDS, Shade, meaning, shade_of
from bench.plots.style import GREY, broken, metric_label, new_figure, room, width_of
from bench.records.sections import Section
from bench.text import MISSING, counts_of
from bench.verdicts.gaps import quarter_domains
from bench.verdicts.standings import Standing, Standings, by_conditions, standings_of, what_is_marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, HIGH = 1.12, 0.235  # inches of a cell
LETTER = 0.075  # inches of a letter of a name
HEAD = 18  # letters of a line of a heading, at least
MAY_BE = "may be the best"
LEGEND = 2.9  # inches of a column of the legend


def columns_of(
    sections: Iterable[Section], metric: str, margin: float, baseline: str = "", others: bool = False
) -> list[Standings]:
    """The columns of the matrix: each domain trained on, and the others tested on if asked for; those on which neither
    the baseline nor any fusion has a score are left out.

    Args:
        sections: each with a single backbone. margin: in the unit of the metric. baseline: the best one where empty.
    """
    found = []
    for section in sections:
        for domain in (section.domain, *(_others(section) if others else ())):
            try:
                found.append(standings_of(section, domain, metric, margin, baseline))
            except UsageError:
                continue
    return found


def _others(section: Section) -> Iterable[str]:
    """Domains tested on besides, those of seen and new classes and groups in their own order."""
    every = [*quarter_domains(section).values(), *section.shifts.values(), *section.other_domains]
    return [domain for domain in dict.fromkeys(every) if domain != section.domain]


def rows_of(columns: Sequence[Standings]) -> list[str]:
    """Names of the fusions; first the one with the best mean rank over the columns that have it."""
    ranks: dict[str, list[float]] = {}
    for column in columns:
        for place, one in enumerate(column.members):
            ranks.setdefault(one.fusion, []).append(place / len(column.members))
    return sorted(ranks, key=lambda name: (float(np.mean(ranks[name])), name))


def draw_verdicts(title: str, columns: Sequence[Standings]) -> Figure:
    """A row per fusion and a column per domain and backbone; in each cell the mean, on the colour of the verdict."""
    from matplotlib.patches import Patch

    names = rows_of(columns)
    is_judged = any(column.is_judged for column in columns)
    below = [MAY_BE] if is_judged else []
    used = [shade_of(one, column) for column in columns for one in column.members]
    legend = [
        Patch(facecolor=shade.fill, edgecolor="0.8", linewidth=0.5, label=meaning(shade, columns[0]))
        for shade in IN_LEGENDS
        if shade in used
    ]
    aside = LETTER * max(map(len, [*names, *below]))
    width = max(0.35 + aside + WIDE * len(columns), 5.6)
    beside = max(int(width_of(width) / LEGEND), 1)
    most = max(HEAD, room((width_of(width) - aside) / len(columns), 8))
    heads = [_head(column, columns, most) for column in columns]
    lines = -(-len(legend) // beside)
    height = HIGH * (len(names) + len(below)) + 0.15 * max(head.count("\n") + 1 for head in heads) + 0.17 * lines + 0.3
    figure = new_figure(width, height, title, _note(columns))
    axis = figure.subplots()
    for at, column in enumerate(columns):
        _draw_column(axis, at, column, names)
    axis.set_xlim(-0.5, len(columns) - 0.5)
    axis.set_ylim(len(names) + (0.6 if is_judged else -0.5), -0.5)
    axis.set_xticks(range(len(columns)), heads, fontsize=8)
    axis.set_yticks([*range(len(names)), *(len(names) + 0.1 for _ in below)], [*names, *below], fontsize=8)
    for label in axis.get_yticklabels()[len(names) :]:
        label.set(style="italic", color=GREY)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    figure.legend(
        handles=legend,
        loc="outside lower left",
        ncols=beside,
        frameon=False,
        fontsize=7.5,
    )
    return figure


def _draw_column(axis: Axes, at: int, column: Standings, names: Sequence[str]) -> None:
    from matplotlib.patches import Rectangle

    found = {one.fusion: one for one in column.members}
    for row, name in enumerate(names):
        if name not in found:
            axis.text(at, row, MISSING, ha="center", va="center", fontsize=7.5, color=GREY)
            continue
        shade = shade_of(found[name], column)
        axis.add_patch(Rectangle((at - 0.5, row - 0.5), 1, 1, facecolor=shade.fill, edgecolor="white", linewidth=1.5))
        _write(axis, at, row, found[name], shade)
    if column.is_judged:
        tied = f"{len(column.tied)} of {len(column.members)}"
        axis.text(at, len(names) + 0.1, tied, ha="center", va="center", fontsize=7.5, color=GREY, style="italic")


def _write(axis: Axes, at: int, row: int, one: Standing, shade: Shade) -> None:
    """The mean; bold and with a dot in the tie group."""
    weight, dot = ("bold", " •") if one.is_tied else ("normal", "")
    axis.text(
        at, row, f"{one.mean:.3f}{dot}", ha="center", va="center", fontsize=7.5, color=shade.ink, fontweight=weight
    )


def _head(column: Standings, columns: Sequence[Standings], most: int) -> str:
    section = column.section
    shift = next((name for name, domain in section.shifts.items() if domain == column.domain), column.domain)
    parts = [section.domain, *([f"→ {shift}"] if column.domain != section.domain else [])]
    parts += [section.backbone] if len({one.section.backbone for one in columns}) > 1 else []
    return "\n".join(line for part in parts for line in broken(part, most))


def _note(columns: Sequence[Standings]) -> str:
    beside = "the best of each column" if columns[0].is_best else columns[0].baseline
    counts = [count for column in columns for count in column.counts]
    over = f" over {counts_of(counts, columns[0].section.repeats)}" if counts else ""
    is_judged = any(column.is_judged for column in columns)
    sure = f"; colours say what is sure beside {beside}, adjusted for all fusions of a column" if is_judged else ""
    return (
        f"mean {metric_label(columns[0].metric)}{over}, rows by mean rank{sure}; "
        f"bold with a dot: {what_is_marked(columns)}"
    )


@register_plot
class Verdicts(Plot):
    """Which fusion is how good on which domain, and what of it is sure: a row per fusion, a column per domain.

    Args:
        baseline: that fusions are compared with; the best one of each column where empty.
        others: whether the domains tested on besides have columns, too.
    """

    name, needs = "verdicts", "records"

    def __init__(self, baseline: str = "", others: bool = False) -> None:
        self._baseline, self._others = baseline, others

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        return [
            (conditions, partial(self._draw, conditions, sections, source, metric))
            for conditions, sections in by_conditions(source.sections_by_backbone).items()
        ]

    def _draw(self, conditions: str, sections: Sequence[Section], source: Source, metric: str) -> Figure:
        columns = columns_of(sections, metric, source.margin, self._baseline, self._others)
        if not columns:
            raise NothingToDrawError(f"{conditions}: no fusion with {metric}, or not {self._baseline or 'any'}")
        backbones = {section.backbone for section in sections}
        domains = {one.section.domain for one in columns}
        what = f"Which fusion for {'which domain' if len(domains) > 1 else domains.pop()}?"
        return draw_verdicts(" · ".join([f"{what} {conditions}", *(backbones if len(backbones) == 1 else ())]), columns)
