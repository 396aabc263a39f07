"""One warm-up under several recipes: a table of how well each of them does, and their curves as a picture."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.atomic import write_bytes_atomically
from bench.catalogue.warmup_card import Answers, WarmedUp, elsewhere_of, ensured, picture_file
from bench.domain import Domain
from bench.errors import DivergedError, UsageError
from bench.markup import align
from bench.plots.style import COLORS, LINES, MARKERS, new_figure
from bench.text import MISSING, printable
from bench.training.warmup import WARMUPS, Measure, WarmupSpec, WarmupTask
from bench.training.warmup.train import HELD_OUT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Point = Mapping[str, Any]
DIGITS = 3
WHISKER = 1.5


@dataclass(frozen=True)
class Tried:
    """A recipe, and what came of it.

    Attributes:
        point: the fields that other recipes have otherwise.
        measured: measures by name, by domain tested on; empty where training diverged.
    """

    point: Point
    measured: Mapping[str, Mapping[str, float]]

    def value(self, domain: str, measure: str) -> float:
        """One of them; NaN where there is none."""
        return self.measured.get(domain, {}).get(measure, math.nan)


def warmup_sweep(name: str, subject: WarmedUp, recipes: Sequence[Point], out: Path | None = None) -> str:
    """The table of a task under several recipes; what is not in the cache is computed first. Curves are written to
    ``out``, by default to a file in the current folder.

    Args:
        recipes: each with the same fields, which differ from the declared warm-up recipe.

    Raises:
        UsageError: nothing of this name is trained here, there is no such backbone, domain or recipe field.
        StorageError: ``out`` cannot be written.
    """
    cls = WARMUPS.settle(name).cls
    if not issubclass(cls, WarmupTask):
        raise UsageError(f"warmup_recipe: {name} is not trained here; nothing of it depends on a recipe")
    specs = [WarmupSpec.declared(name, subject.backbone, subject.domain, recipe) for recipe in recipes]
    elsewhere = None if subject.on is None else elsewhere_of(specs[0], subject.on)
    fields = [field for field in recipes[0] if len({str(recipe[field]) for recipe in recipes}) > 1]
    points = [{field: recipe[field] for field in fields} for recipe in recipes]
    tried = [Tried(point, _measured(spec, elsewhere, _said(point))) for spec, point in zip(specs, points, strict=True)]
    path = out or picture_file(specs[0], subject.on, "-sweep")
    same = _said({field: value for field, value in recipes[0].items() if field not in fields})
    title = f"warm-up {specs[0].task}: {specs[0].backbone} on {specs[0].domain}{f', {same}' if same else ''}"
    content = io.BytesIO()
    draw_sweep(title, tried).savefig(content, format="png")
    write_bytes_atomically(path, content.getvalue())
    said = f"{HELD_OUT:,} held-out images of each domain; one seed"
    return "\n".join([title, said, "", table(tried), "", *best(tried, cls.measure), f"curves written to {path}"])


def table(tried: Sequence[Tried]) -> str:
    """A line for each recipe: the fields that differ, then each measure on each domain."""
    fields, columns = [*tried[0].point], _columns(tried)
    rows = []
    for one in tried:
        values = [one.value(domain, measure) for domain, measure in columns]
        cells = [MISSING if math.isnan(value) else f"{value:.{DIGITS}f}" for value in values]
        rows.append([*map(str, one.point.values()), *cells])
    return align([*fields, *(f"{measure} {domain}" for domain, measure in columns)], rows, len(fields))


def best(tried: Sequence[Tried], measure: Measure) -> list[str]:
    """Which recipe is best on each domain, in words, and how many have no result."""
    sign = -1 if measure.better == "lower" else 1
    trained = [one for one in tried if one.measured]
    said = []
    for domain in trained[0].measured if trained else ():
        first = max(trained, key=lambda one: sign * one.value(domain, measure.name))
        value = first.value(domain, measure.name)
        said.append(f"best on {domain}: {measure.name} {value:.{DIGITS}f} with {_said(first.point)}")
    if len(trained) < len(tried):
        said.append(f"diverged: {len(tried) - len(trained)} of {len(tried)}")
    return said


def draw_sweep(title: str, tried: Sequence[Tried]) -> Figure:
    """A column of panels for each measure, a row for each domain; along the axis the field with the most values, a line
    for each combination of the others. What lies far from the rest leaves the picture; the table has it."""
    columns = _columns(tried)
    domains, measures = (list(dict.fromkeys(one)) for one in zip(*columns, strict=True)) if columns else ([], [])
    along = max(tried[0].point, key=lambda field: len({str(one.point[field]) for one in tried}))
    figure = new_figure(3.6 * max(len(measures), 2), 0.4 + 2.4 * max(len(domains), 1), title)
    panels = figure.subplots(max(len(domains), 1), max(len(measures), 1), squeeze=False, sharex=True, sharey="col")
    for row, domain in zip(panels, domains, strict=False):
        for axis, measure in zip(row, measures, strict=False):
            _draw(axis, tried, along, domain, measure)
            axis.set_title(printable(f"{measure} on {domain}"), fontsize=9)
    for column, measure in zip(panels.T, measures, strict=False):
        column[0].set_ylim(_limits([one.value(domain, measure) for one in tried for domain in domains]))
    for axis in panels[-1]:
        axis.set_xlabel(along)
    lines = panels[0, 0].get_lines()
    if len(lines) > 1:
        figure.legend(handles=lines, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return figure


def _draw(axis: Axes, tried: Sequence[Tried], along: str, domain: str, measure: str) -> None:
    values = list(dict.fromkeys(one.point[along] for one in tried))
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    lines: dict[str, list[tuple[Any, float]]] = {}
    for one in tried:
        label = _said({field: value for field, value in one.point.items() if field != along})
        at = one.point[along] if numbers else values.index(one.point[along])
        # A gap where training diverged.
        lines.setdefault(label, []).append((at, one.value(domain, measure)))
    for place, (label, points) in enumerate(lines.items()):
        x, y = zip(*sorted(points, key=lambda point: point[0]), strict=True)
        color, line, marker = (looks[place % len(looks)] for looks in (COLORS, LINES, MARKERS))
        axis.plot(x, y, color=color, linestyle=line, marker=marker, markersize=4, label=printable(label))
    if not numbers:
        axis.set_xticks(range(len(values)), [printable(str(value)) for value in values])
    elif min(values) > 0 and max(values) > 5 * min(values):
        axis.set_xscale("log")
        axis.set_xticks(values, [f"{value:g}" for value in values], fontsize=8)
        axis.minorticks_off()
    axis.grid(color="0.93")


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """Of an axis that one rate that is too high does not stretch: to the whiskers of a box plot (Tukey, 1977)."""
    there = [value for value in values if not math.isnan(value)]
    first, third = np.quantile(there, [0.25, 0.75])
    far = WHISKER * (third - first)
    low, high = max(min(there), first - far), min(max(there), third + far)
    room = 0.06 * (high - low) or 1.0
    return low - room, high + room


def _said(point: Point) -> str:
    return ", ".join(f"{field} = {value}" for field, value in point.items())


def _measured(spec: WarmupSpec, elsewhere: Domain | None, under: str) -> dict[str, Mapping[str, float]]:
    try:
        trained = ensured(spec, under)
    except DivergedError:
        return {}
    found = {str(spec.domain): trained.measured}
    if elsewhere is not None:
        found[elsewhere.name] = Answers.of(spec, trained, elsewhere).measured
    return found


def _columns(tried: Sequence[Tried]) -> list[tuple[str, str]]:
    """Domain and measure of every number."""
    trained = next((one.measured for one in tried if one.measured), {})
    return [(domain, measure) for domain, found in trained.items() for measure in found]
