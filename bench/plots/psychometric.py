"""Psychometric curves: accuracy against the levels of one factor, from the sweeps that records hold."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.style import MARKERS, MUTED, columns_of, heading_of, room, width_of
from bench.records.columns import choose
from bench.records.entries import Entry
from bench.records.record import Role
from bench.records.references import KNOWS, NAMES
from bench.records.sections import Section
from bench.records.strata import are_levels, kinds_of, level
from bench.stats.intervals import LEVEL, Array
from bench.text import counts_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THRESHOLD = 0.75
MOST_FUSIONS = 8


@dataclass(frozen=True)
class Factor:
    """What a sweep varies.

    Attributes:
        shift: name of the shift whose kinds of pairs are the levels.
        label: of the axis, with its unit. unit: to put behind a value.
        is_easier_upwards: whether the task gets easier as the factor grows.
        is_logarithmic: whether equal ratios of it are drawn equally far apart.
    """

    shift: str
    label: str
    unit: str = ""
    is_easier_upwards: bool = True
    is_logarithmic: bool = False


FACTORS: Mapping[str, Factor] = MappingProxyType(
    {
        "radius": Factor("sweep_radius", "radius of a disc of the figure's area (pixels)", " px"),
        "contrast": Factor("sweep_contrast", "opacity of the figure (1 = opaque)", is_logarithmic=True),
        "noise": Factor(
            "sweep_noise", "standard deviation of the noise (1 = range of a pixel)", is_easier_upwards=False
        ),
    }
)


@dataclass(frozen=True)
class Curve:
    """Accuracy of one entry by level, a mean over repetitions; all of shape (levels,), sorted by level.

    Attributes:
        half_width: of its t interval; nan with fewer than two repetitions.
    """

    name: str
    role: Role
    knows: str
    levels: Array
    accuracy: Array
    half_width: Array


@dataclass(frozen=True)
class Panel:
    """The curves of one factor: fusions by name, then references."""

    factor: Factor
    curves: Sequence[Curve]


@dataclass(frozen=True)
class Row:
    """The panels of one table and backbone, one per factor; ``note`` says what a line and its band stand for."""

    title: str
    note: str
    panels: Sequence[Panel]


class Sweeps:
    """The sweeps that the entries of some sections were tested on.

    Args:
        sections: each with a single backbone.
        curves: names of ``FACTORS``; all that are there where empty.

    Raises:
        NothingToDrawError: one of ``curves``, or any sweep at all, is missing.
    """

    def __init__(self, sections: Iterable[Section], curves: Sequence[str] = ()) -> None:
        parts = tuple(sections)
        swept = [name for name, factor in FACTORS.items() if any(_swept(part, [factor]) for part in parts)]
        missing = [name for name in curves or FACTORS if name not in swept]
        if missing and (curves or not swept):
            shifts = ",".join(FACTORS[name].shift for name in missing)
            raise NothingToDrawError(
                f"no sweep of {', '.join(missing)} here; get it with bench run ... --eval {shifts}"
            )
        self._factors = [FACTORS[name] for name in curves or swept]
        self._parts = [part for part in parts if _swept(part, self._factors)]

    @property
    def fusions(self) -> tuple[str, ...]:
        """Names of the fusions that have a curve, sorted."""
        swept = [entry for part in self._parts for entry in _swept(part, self._factors)]
        return tuple(sorted({entry.group.fusion for entry in swept if entry.role == "fusion"}))

    def rows(self, fusions: Collection[str] = ()) -> list[Row]:
        """What to draw of each section and backbone.

        Args:
            fusions: names of those to draw; the ``MOST_FUSIONS`` best ones where empty.
        """
        found = []
        for part in self._parts:
            swept = _swept(part, self._factors)
            best_first = [entry for entry in swept if entry.role == "fusion"]
            shown = [entry for entry in best_first if not fusions or entry.group.fusion in fusions][:MOST_FUSIONS]
            by_name = sorted(shown, key=lambda entry: entry.group.fusion)
            entries = [*by_name, *(entry for entry in swept if entry.role == "reference")]
            panels = [Panel(factor, _curves(entries, part, factor)) for factor in self._factors]
            is_cut = not fusions and len(shown) < len(best_first)
            cut = f"; best {len(shown)} of {len(best_first)} fusions" if is_cut else ""
            found.append(Row(part.title, _note(entries, part) + cut, panels))
        return found


def _note(entries: Iterable[Entry], part: Section) -> str:
    counts = [len(entry.finished) for entry in entries]
    told = counts_of(counts, part.repeats)
    return told if max(counts) == 1 else f"mean over {told}, band: {100 * LEVEL:.0f} % t interval"


def _swept(part: Section, factors: Sequence[Factor]) -> list[Entry]:
    """Entries with a curve of any of ``factors``: fusions, best first, then references."""
    domains = {part.shifts[factor.shift] for factor in factors if factor.shift in part.shifts}
    entries = [*part.ranked("fusion", "accuracy"), *part.references()]
    return [entry for entry in entries if any(_curve(entry, domain) for domain in domains)]


def _curves(entries: Iterable[Entry], part: Section, factor: Factor) -> list[Curve]:
    """Curves of fusions, then of name-then-XNOR and of the best-informed oracle, as far as there are any."""
    domain = part.shifts.get(factor.shift)
    if domain is None:
        return []
    found = [curve for entry in entries if (curve := _curve(entry, domain))]
    by_knowledge = {curve.knows: curve for curve in found if curve.role == "reference"}
    most = next((knows for knows in reversed(KNOWS) if knows in by_knowledge), NAMES)
    return [
        *(curve for curve in found if curve.role == "fusion"),
        *(by_knowledge[knows] for knows in dict.fromkeys([NAMES, most]) if knows in by_knowledge),
    ]


def _curve(entry: Entry, domain: str) -> Curve | None:
    kinds = kinds_of(entry, domain)
    if kinds is None or not are_levels(kinds.names):
        return None
    levels = np.array([level(name) for name in kinds.names])
    order = [at for at in np.argsort(levels) if kinds.accuracy.n[at]]
    if not order:
        return None
    accuracy, half = kinds.accuracy.mean[order], kinds.accuracy.half_width[order]
    return Curve(entry.group.fusion, entry.role, entry.knows, levels[order], accuracy, half)


def threshold(curve: Curve, factor: Factor) -> float:
    """The level at which accuracy reaches ``THRESHOLD``, interpolated on the scale of the axis.

    Walking from the easiest level to the hardest it is where accuracy first falls below. inf where it never does, nan
    where it is below at the easiest level already.
    """
    order = slice(None, None, -1 if factor.is_easier_upwards else 1)
    scale = np.log(curve.levels) if factor.is_logarithmic else curve.levels
    x, y = scale[order], curve.accuracy[order]
    below = np.flatnonzero(~(y >= THRESHOLD))
    if not len(below):
        return math.inf
    at = int(below[0])
    if at == 0:
        return math.nan
    share = (y[at - 1] - THRESHOLD) / (y[at - 1] - y[at])
    value = float(x[at - 1] + share * (x[at] - x[at - 1]))
    return math.exp(value) if factor.is_logarithmic else value


WIDTH, HEIGHT, LEGEND_LINE, LEAST = 4.6, 3.6, 0.19, 2.9  # inches: of a panel, and its least width
LOWEST = 0.4


def draw_psychometric(rows: Sequence[Row]) -> Figure:
    """A picture of the panels."""
    from matplotlib.figure import Figure

    most = max(len(row.panels) for row in rows)
    width, columns = width_of(WIDTH * most), columns_of(most, LEAST, WIDTH * most)
    lines = -(-most // columns)
    heights = [lines * (HEIGHT + LEGEND_LINE * max(len(panel.curves) for panel in row.panels)) for row in rows]
    figure = Figure(figsize=(width, sum(heights)), dpi=150, layout="constrained")
    parts = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
    for part, row in zip(parts, rows, strict=True):
        titles, notes = heading_of(row.title, row.note, width)
        part.suptitle("\n".join([*titles, *notes]) or None, fontsize=10)
        names = sorted({curve.name for panel in row.panels for curve in panel.curves if curve.role == "fusion"})
        axes = part.subplots(lines, columns, sharey=True, squeeze=False).flat
        for axis, panel in zip(axes, row.panels, strict=False):
            _draw_panel(axis, panel, names, room(width / columns - 0.2, 10))
        for axis in axes[len(row.panels) :]:
            axis.set_axis_off()
        for axis in axes[::columns]:
            axis.set_ylabel("accuracy")
    return figure


def _draw_panel(axis: Axes, panel: Panel, names: Sequence[str], letters: int) -> None:
    """Draw the curves of one factor above its name in lines of so many letters; a fusion has the colour of its place in
    ``names`` in every panel of a row."""
    aside = axis.get_yaxis_transform()
    for accuracy, name, side in ((THRESHOLD, f"{THRESHOLD:.2f}", "bottom"), (0.5, "chance", "top")):
        axis.axhline(accuracy, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
        axis.text(0.99, accuracy, name, transform=aside, ha="right", va=side, color="0.4", fontsize=7)
    axis.set_ylim(LOWEST, 1.02)
    label = textwrap.wrap(panel.factor.label, letters)
    axis.set_xlabel("\n".join(label))
    if not panel.curves:
        axis.text(0.5, 0.3, "not tested", ha="center", transform=axis.transAxes)
        return
    for curve in panel.curves:
        _draw_curve(axis, curve, panel.factor, names)
    if panel.factor.is_logarithmic:
        axis.set_xscale("log")
    levels = sorted({level for curve in panel.curves for level in curve.levels.tolist()})
    axis.set_xticks(levels, [f"{level:g}" for level in levels], fontsize=8)
    axis.minorticks_off()
    looks = {"title": f"{100 * THRESHOLD:.0f} % correct at", "title_fontsize": 8, "fontsize": 8, "frameon": False}
    axis.legend(**looks, loc="upper center", bbox_to_anchor=(0.5, -0.11 - 0.06 * len(label)))


def _draw_curve(axis: Axes, curve: Curve, factor: Factor, names: Sequence[str]) -> None:
    if curve.role == "reference":
        color, marker, line = "black", "", "--" if curve.knows == NAMES else "-."
    else:
        place = names.index(curve.name)
        color, marker, line = MUTED[place], MARKERS[place], "-"
    label = f"{curve.name}: {threshold_text(curve, factor)}"
    x, y, half = curve.levels, curve.accuracy, curve.half_width
    axis.plot(x, y, color=color, marker=marker, linestyle=line, markersize=4.5, linewidth=1.3, label=label)
    axis.fill_between(x, y - half, y + half, color=color, alpha=0.12, linewidth=0)


def threshold_text(curve: Curve, factor: Factor) -> str:
    """The threshold with its unit, or on which side of the levels it lies."""
    value = threshold(curve, factor)
    if math.isnan(value):
        return "not reached"
    if math.isinf(value):
        hardest = curve.levels.min() if factor.is_easier_upwards else curve.levels.max()
        return f"every level ({'<' if factor.is_easier_upwards else '>'} {hardest:g}{factor.unit})"
    return f"{value:#.3g}{factor.unit}"


@register_plot
class Psychometric(Plot):
    """Accuracy against radius, contrast or noise, with the level at which 75 % are correct.

    Args:
        curve: one of ``FACTORS``, or several joined by ``+``; all that are there where empty.
    """

    name, needs = "psychometric", "records"

    def __init__(self, curve: str = "") -> None:
        self._curves = choose(curve.replace("+", ","), FACTORS, "plot psychometric: curve") if curve else ()

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        return [("", partial(self._draw, source, fusions))]

    def _draw(self, source: Source, fusions: Sequence[str]) -> Figure:
        sweeps = Sweeps(source.sections_by_backbone, self._curves)
        chosen = [name for name in sweeps.fusions if name in fusions]
        if len(chosen) > MOST_FUSIONS:
            raise NothingToDrawError(f"--fusion: at most {MOST_FUSIONS} can be told apart, got {len(chosen)}")
        return draw_psychometric(sweeps.rows(chosen))
