"""Pictures of a probe: accuracies, confusion matrices, clusters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.plots.style import COLORS, GREY, MARKERS, QUIET, new_figure
from bench.probe.result import HEAD, Open, Result, Row
from bench.stats.intervals import LEVEL
from bench.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Classes up to which a cell holds its number, and a class its name.
MOST_NUMBERED, MOST_NAMED = 20, 70
LONGEST = 24


def pictures(result: Result) -> Iterator[tuple[str, Figure]]:
    """Name of a file without suffix, and what belongs in it."""
    where = f"{printable(result.source)} on {printable(result.domain)}"
    if result.rows:
        yield "accuracy", accuracies(result, where)
    for row in result.rows:
        if row.part not in ("train", "val"):
            yield f"confusion-{_plain(row.part)}-{_plain(row.classifier)}", confusion_matrix(row, result.classes, where)
    clustered = [one for one in result.open if one.clusters]
    if clustered:
        yield "clusters", clusters(clustered, where)


def accuracies(result: Result, where: str) -> Figure:
    """Class-balanced top-1 and top-2 of every classifier in every part, with their intervals."""
    parts = list(dict.fromkeys(row.part for row in result.rows))
    names = list(dict.fromkeys(row.classifier for row in result.rows))
    note = f"class-balanced, with bootstrap intervals of {100 * LEVEL:.0f} %; dotted: chance"
    figure = new_figure(8.5, 1.6 + 0.22 * len(parts) * (len(names) + 1), where, note)
    axes = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.06})
    for axis, (k, title) in zip(axes, ((1, "top-1 accuracy"), (2, "top-2 accuracy")), strict=True):
        for at, name in enumerate(names):
            for row in (row for row in result.rows if row.classifier == name):
                share, y = (row.top1, row.top2)[k - 1], parts.index(row.part) + (at + 1) / (len(names) + 1)
                color = GREY if name == HEAD else COLORS[at % len(COLORS)]
                label = printable(name, 60) if row.part == parts[0] else None
                axis.plot(share.value, y, MARKERS[at % len(MARKERS)], color=color, markersize=5, label=label)
                if not np.isnan(share.low):
                    axis.plot([share.low, share.high], [y, y], color=color, linewidth=1.4)
        axis.axvline(k / len(result.classes), color=QUIET, linestyle=":")
        axis.set_xlim(0, 1.01)
        axis.set_xlabel(title)
        axis.set_yticks(np.arange(len(parts)) + 0.5, [printable(part, LONGEST) for part in parts], fontsize=8)
        for line in range(1, len(parts)):
            axis.axhline(line, color="0.9", linewidth=0.8)
        axis.set_ylim(len(parts), 0)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    return figure


def confusion_matrix(row: Row, classes: Sequence[str], where: str) -> Figure:
    """Share of each true class (row) that was taken for each class (column); classes without images are left out of
    the rows."""
    rows = np.flatnonzero(row.confusion.sum(1))
    shares = row.confusion[rows] / row.confusion[rows].sum(1, keepdims=True)
    side = min(3.2 + 0.3 * len(classes), 13.0)
    note = f"{printable(row.classifier)} on {printable(row.part)}: top-1 {row.top1.value:.3f}, {row.images:,} images"
    figure = new_figure(side + 1.0, side + 0.6, where, note)
    axis = figure.subplots()
    image = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    if len(classes) <= MOST_NUMBERED:
        for y, x in np.argwhere(shares >= 0.005).tolist():
            color = "white" if shares[y, x] > 0.5 else "black"
            axis.text(x, y, f"{100 * shares[y, x]:.0f}", ha="center", va="center", fontsize=7, color=color)
    _name(axis, [classes[at] for at in rows.tolist()], classes)
    axis.set_ylabel("true class")
    axis.set_xlabel("taken for")
    figure.colorbar(image, ax=axis, shrink=0.6, label="share of the true class")
    return figure


def clusters(found: Sequence[Open], where: str) -> Figure:
    """Silhouette of k-means over the number of clusters, and of the true classes where their number stands."""
    note = "silhouette by cosine distance; line: k-means; star: the true classes"
    figure = new_figure(6.5, 4.2, where, note)
    axis = figure.subplots()
    for at, one in enumerate(found):
        assert one.clusters is not None
        color = COLORS[at % len(COLORS)]
        ks, values = zip(*one.clusters.by_k.items(), strict=True)
        axis.plot(ks, values, marker=MARKERS[at % len(MARKERS)], markersize=4, color=color, label=_kind(one))
        true = one.clusters.classes, one.clusters.silhouette
        axis.plot(*true, "*", markersize=13, color=color, markeredgecolor="white")
    axis.set_xlabel("clusters")
    axis.set_ylabel("silhouette")
    axis.grid(color="0.93")
    axis.legend(fontsize=8)
    return figure


def _kind(one: Open) -> str:
    return f"{printable(one.part, 40)}, {one.kind} classes"


def _name(axis: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Names beside rows and below columns, as many as there is room for."""
    for names, setter, turned in ((rows, axis.set_yticks, 0), (columns, axis.set_xticks, 90)):
        step = -(-len(names) // MOST_NAMED)
        at = range(0, len(names), step)
        longest = max(len(names[place]) for place in at)
        rotation = turned if longest > 2 else 0
        setter(list(at), [printable(names[place], LONGEST) for place in at], fontsize=7, rotation=rotation)


def _plain(text: str) -> str:
    return re.sub(r"[^\w.=+-]+", "-", text).strip("-")[:60]
