"""``embeddings``: how the encodings of a few images move while a cell trains."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from bench.atomic import write_bytes_atomically
from bench.colouring import CLASS, GROUP, Colouring, colourings
from bench.domain import build_domain
from bench.errors import NotApplicableError
from bench.lettering import names_as_they_are
from bench.model.encodings import pooled
from bench.observers.contract import Observer, register_observer
from bench.stats.principal import Principal
from bench.text import human, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bench.sweep.cell import Cell
    from bench.sweep.measure import Finished
    from bench.sweep.watch import Validation

ARRAYS = "embeddings.npz"
COLUMNS, SIDE, LEAST = 4, 2.3, 5.5  # panels beside each other; inches of one, and of the least picture
MARKERS = "osD^v"
LEGEND, LONGEST = 12, 24
Numbers = NDArray[np.float64]


@register_observer
class Embeddings(Observer):
    """Keeps the encodings of the first validation images at every check of ``--checks`` and draws them in two
    dimensions by class and by group, a panel for each check: the principal components of the last one.

    ``embeddings.npz`` holds ``pairs`` (T,) seen, ``encodings`` (T, N, D), ``flat`` (T, N, 2), ``class`` (N,) and, where
    the domain knows groups, ``group`` (N,). ``by-class.png`` and ``by-group.png`` are the pictures; ``plain.png`` where
    images have neither.
    """

    name = "embeddings"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._cell: Cell | None = None
        self._seen: list[tuple[int, NDArray[np.float32]]] = []
        self._kinds: dict[str, NDArray[np.int64]] = {}

    @property
    def hint(self) -> str:
        return f"embeddings while cells trained: {self.folder}"

    def check(self, cell: Cell, pairs: int, validation: Validation) -> str:
        if cell != self._cell:
            self._cell, self._seen = cell, []
        if cell.protocol == "frozen":
            return ""
        model = validation.learner.model
        try:
            with torch.inference_mode(), model.casting():
                found = [pooled(model.encode(side)).float() for side in (validation.a, validation.b)]
        except NotApplicableError:
            return ""
        self._seen.append((pairs, torch.cat(found).cpu().numpy()))
        sides = validation.latents_a, validation.latents_b
        shared = [name for name in (CLASS, GROUP) if all(name in side for side in sides)]
        self._kinds = {name: torch.cat([side[name] for side in sides]).cpu().numpy() for name in shared}
        return ""

    def look(self, finished: Finished) -> str:
        cell, model = finished.cell, finished.model
        if not finished.history.checks:
            return "embeddings: nothing was watched while it trained; --checks 8 does"
        if cell != self._cell or not self._seen:
            reason = "its encoder is frozen" if model.encodes_separately else "it encodes no image alone"
            return f"embeddings: nothing moves: {reason}"
        pairs, encodings = zip(*self._seen, strict=True)
        frames = np.stack(encodings)
        found = Principal.of(frames[-1])
        flat = found.flat(frames)
        folder, domain = self.fresh_folder(cell), build_domain(cell.domain)
        content = io.BytesIO()
        arrays = {"pairs": np.array(pairs), "encodings": frames, "flat": flat, **self._kinds}
        np.savez_compressed(content, allow_pickle=False, **arrays)
        write_bytes_atomically(folder / ARRAYS, content.getvalue())
        known: Sequence[Colouring | None] = colourings(domain, self._kinds)
        for colouring in known or [None]:
            figure = draw(str(cell), pairs, flat, colouring, found.share)
            content = io.BytesIO()
            figure.savefig(content, format="png")
            name = f"by-{colouring.by}" if colouring else "plain"
            write_bytes_atomically(folder / f"{name}.png", content.getvalue())
        return ""


@names_as_they_are()
def draw(title: str, pairs: Sequence[int], flat: Numbers, colouring: Colouring | None, share: float) -> Figure:
    """A panel for each check, in the order of training, all on one scale.

    Args:
        pairs: (T,) seen. flat: (T, N, 2). colouring: of the N images; without, all have one colour.
    """
    from matplotlib import color_sequences
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(pairs))
    rows = math.ceil(len(pairs) / columns)
    figure = Figure(figsize=(max(SIDE * columns, LEAST), 1.0 + SIDE * rows), dpi=130, layout="constrained")
    coloured = f" by {colouring.by}" if colouring else ""
    note = f"{flat.shape[1]} validation images{coloured}; two principal components of the last check"
    figure.suptitle(f"{printable(title)}\n{note}, {share:.0%} of its variance", fontsize=9)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat
    kinds = np.unique(colouring.kinds) if colouring else [None]
    colors = color_sequences["tab10"]
    for axis, seen, points in zip(panels, pairs, flat, strict=False):
        for place, kind in enumerate(kinds):
            x, y = (points[colouring.kinds == kind] if colouring else points).T
            color, marker = colors[place % len(colors)], MARKERS[place // len(colors) % len(MARKERS)]
            label = printable(colouring.names[kind], LONGEST) if colouring else ""
            axis.scatter(x, y, s=8, alpha=0.6, linewidths=0, label=label, color=color, marker=marker)
        axis.set_title(f"{human(seen)} pairs", fontsize=9)
        axis.set_xticks([])
        axis.set_yticks([])
    for axis in list(figure.axes)[len(pairs) :]:
        axis.set_axis_off()
    if colouring and len(kinds) <= LEGEND:
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=6, fontsize=8, frameon=False)
    return figure
