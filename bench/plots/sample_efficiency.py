"""Sample efficiency: a metric against the number of training pairs, over runs that differ in nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.metrics import METRICS
from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.curves import MOST, learned, styles
from bench.plots.style import GREY, add_legend, interval_over, metric_label, new_figure
from bench.records.entries import Entry
from bench.records.sections import Section
from bench.text import counts_of, human

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Sizes = Mapping[int, Section]
BESIDE = 6.0  # inches of a picture with room for the names beside the panel


def sizes_of(sections: Iterable[Section]) -> dict[str, Sizes]:
    """Sections by their number of training pairs, in groups that share all else; by title, numbers ascending.

    Args:
        sections: each with a single backbone.
    """
    found: dict[tuple[str, str], dict[int, Section]] = {}
    for section in sections:
        recipe = next((cell.recipe for cell in section.finished if "train_pairs" in cell.recipe), None)
        if recipe is not None:
            rest = {name: value for name, value in recipe.items() if name != "train_pairs"}
            images = {cell.warmup.get("images") for cell in section.finished} - {None}
            title = replace(section, is_only_recipe=True).title
            found.setdefault((title, repr((sorted(rest.items()), images))), {})[recipe["train_pairs"]] = section
    titles = [title for title, _ in found]
    return {
        title if titles.count(title) == 1 else f"{title} · {_recipes(group)}": dict(sorted(group.items()))
        for (title, _), group in found.items()
    }


def draw_sample_efficiency(title: str, sizes: Sizes, metric: str, names: Sequence[str]) -> Figure:
    """A line per fusion over the numbers of training pairs, with an interval at each.

    Args:
        names: fusions to draw; the best ``MOST`` with the most pairs where empty. References are drawn in black.
    """
    if len(sizes) < 2:
        pairs = " and ".join(f"{n:,}" for n in sizes)
        raise NothingToDrawError(f"{title}: only {pairs} training pairs; it takes runs that differ in that alone")
    largest = sizes[max(sizes)]
    entries = learned(largest, metric, names)
    fusions = sum(entry.role == "fusion" and bool(entry.finished) for entry in largest.entries)
    by_name = {
        size: {entry.group.fusion: entry for entry in section.entries if entry.finished}
        for size, section in sizes.items()
    }
    note = f"mean on {largest.domain}; {_counted(sizes)}; line: {interval_over(largest.repeats)}"
    if not names and fusions > MOST:
        note += f"; best {MOST} of {fusions} fusions at {max(sizes):,} pairs"
    figure = new_figure(8, 4.8, title, note)
    axis = figure.subplots()
    for place, (name, (color, line)) in enumerate(styles(entries).items()):
        shown = {size: known[name] for size, known in by_name.items() if name in known}
        # Moved a little aside, so that intervals do not hide each other.
        _draw(axis, shown, metric, 1.012 ** (place - len(entries) / 2), color, line, name)
    chance = METRICS.get(metric).chance
    if chance is not None:
        axis.axhline(chance, color=GREY, linewidth=0.8, linestyle=":", label="chance")
    axis.set_xscale("log")
    axis.set_xticks(list(sizes), [human(size) for size in sizes])
    axis.minorticks_off()
    axis.set_xlabel("training pairs")
    axis.set_ylabel(metric_label(metric))
    axis.grid(color="0.93")
    add_legend(figure, [entry.group.fusion for entry in entries], BESIDE, loc="outside right center", handlelength=4)
    return figure


def _draw(axis: Axes, shown: Mapping[int, Entry], metric: str, aside: float, color: str, line: str, label: str) -> None:
    pairs = np.array(list(shown)) * aside
    mean = np.array([entry.mean(entry.group.domain, metric) for entry in shown.values()])
    half = np.array([entry.half_width(entry.group.domain, metric) for entry in shown.values()])
    axis.errorbar(
        pairs, mean, yerr=np.nan_to_num(half), color=color, linestyle=line, linewidth=1.4, marker="o", markersize=4,
        elinewidth=0.8, label=label,
    )  # fmt: skip


def _counted(sizes: Sizes) -> str:
    fusions = [entry for section in sizes.values() for entry in section.entries if entry.role == "fusion"]
    counts = [len(entry.finished) for entry in fusions if entry.finished] or [0]
    return counts_of(counts, sizes[max(sizes)].repeats)


def _recipes(sizes: Sizes) -> str:
    return "recipes " + ", ".join(sorted({entry.group.recipe_id for one in sizes.values() for entry in one.entries}))


@register_plot
class SampleEfficiency(Plot):
    """A metric against the number of training pairs, over runs that differ in nothing else."""

    name = "sample-efficiency"
    needs = "records"

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        return [
            (title, partial(draw_sample_efficiency, title, sizes, metric, fusions))
            for title, sizes in sizes_of(source.sections_by_backbone).items()
        ]
