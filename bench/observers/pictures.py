"""Pictures of a finished cell that trackers show: sample pairs, and which classes it takes for the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torchvision.utils import make_grid

from bench.domain import build_domain
from bench.lettering import names_as_they_are
from bench.sweep.measure import Finished

SHOWN, PER_ROW, SEAM, ENLARGED = 16, 4, 1, 3


def pictures(finished: Finished) -> Iterator[tuple[str, Tensor]]:
    """Name and pixels (3, H, W) uint8 of each: samples first, then a table of classes for every domain tested on."""
    yield from samples(finished)
    yield from class_tables(finished)


def samples(finished: Finished) -> Iterator[tuple[str, Tensor]]:
    """Test pairs of the domain trained on: same, different, and those that the model is most sure and wrong about."""
    label = finished.probe.label == 1
    scores = torch.from_numpy(finished.evaluated.scores[finished.cell.name_of(finished.cell.domain)].scores)
    wrongness = torch.where(label, -scores, scores)
    mistakes = wrongness.argsort(descending=True)[: int((wrongness > 0).sum())]
    shown = {"same": label.nonzero()[:, 0], "different": (~label).nonzero()[:, 0], "worst mistakes": mistakes}
    for name, rows in shown.items():
        if len(rows):
            yield f"pairs/{name}", pair_grid(finished, rows[:SHOWN])


def pair_grid(finished: Finished, rows: Tensor) -> Tensor:
    """Pairs, A left and B right, as one image (3, H, W) uint8."""
    a, b = finished.probe.a.pixels[rows], finished.probe.b.pixels[rows]
    seam = torch.full((*a.shape[:3], SEAM), 255, dtype=torch.uint8)
    pairs = torch.cat([a, seam, b], dim=3)
    enlarged = pairs.repeat_interleave(ENLARGED, 2).repeat_interleave(ENLARGED, 3)
    return make_grid(enlarged, nrow=PER_ROW, padding=4 * ENLARGED, pad_value=128)


def class_tables(finished: Finished) -> Iterator[tuple[str, Tensor]]:
    """Share of test pairs that are called same, by the class of A (row) and of B (column), where a record has it."""
    for choice in finished.cell.eval_domains:
        name = finished.cell.name_of(choice)
        cells = finished.evaluated.metrics[name].get("cells")
        if cells:
            yield f"classes/{name}", _table(name, build_domain(choice).classes, cells)


@names_as_they_are()
def _table(name: str, classes: tuple[str, ...], cells: dict[str, dict[str, float]]) -> Tensor:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    share = np.array([[cells.get(f"{a}-{b}", {}).get("p_same", np.nan) for b in classes] for a in classes])
    side = 2.2 + 0.55 * len(classes)
    canvas = FigureCanvasAgg(Figure(figsize=(side + 0.8, side), dpi=100, layout="constrained"))
    axes = canvas.figure.add_subplot()
    axes.imshow(share, vmin=0, vmax=1, cmap="Blues")
    for (row, column), value in np.ndenumerate(share):
        if np.isfinite(value):
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color="white" if value > 0.6 else "black")
    axes.set(xticks=range(len(classes)), yticks=range(len(classes)), xlabel="B", ylabel="A")
    axes.set_xticklabels(classes, rotation=45, ha="right")
    axes.set_yticklabels(classes)
    axes.set_title(f"share of pairs called same\n{name}", fontsize=10)
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., :3]
    return torch.from_numpy(drawn.copy()).permute(2, 0, 1)
