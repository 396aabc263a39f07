"""``tensorboard``: learning curve, metrics, sample pairs and histograms of every cell for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.utils import make_grid

from bench.errors import UsageError
from bench.observers.contract import Observer, register_observer
from bench.sweep.inputs import view
from bench.sweep.measure import Finished

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

SHOWN, PER_ROW, SEAM, ENLARGED = 16, 4, 1, 3
# Similarities are taken of so many test pairs; scores of all.
COMPARED = 1_024
VALIDATION = "loss", "auc", "f1", "precision", "recall", "threshold"


@register_observer
class TensorBoard(Observer):
    """Writes one run of TensorBoard per cell, when the cell is done.

    Scalars ``train/loss`` and ``train/accuracy`` over the pairs seen and every metric of every evaluated domain; where
    the cell was watched, ``val/loss`` with the other validation scores, and ``gradients/`` by layer, at its checks;
    images of same pairs, different pairs and the worst mistakes; histograms of the scores and, where images are
    encoded separately, of the cosine of the encodings, of same and of different pairs.
    """

    name = "tensorboard"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            message = f"tensorboard cannot be imported ({error}); pip install tensorboard"
            raise UsageError(f"observer {self.name}: {message}") from None
        self._writer = SummaryWriter

    @property
    def hint(self) -> str:
        return f"curves, pairs and histograms: tensorboard --logdir {self.folder}"

    def look(self, finished: Finished) -> str:
        with self._writer(str(self.fresh_folder(finished.cell))) as writer:
            write_scalars(writer, finished)
            write_pairs(writer, finished)
            write_histograms(writer, finished)
        return ""


def write_scalars(writer: SummaryWriter, finished: Finished) -> None:
    """The learning curve, what was seen at checks, and the metrics at the number of pairs trained on."""
    for seen, loss, accuracy in finished.history.curve:
        writer.add_scalar("train/loss", loss, seen)
        writer.add_scalar("train/accuracy", accuracy, seen)
    for check in finished.history.checks:
        for name in VALIDATION:
            if (value := getattr(check, name)) is not None:
                writer.add_scalar(f"val/{name}", value, check.pairs)
        for layer, norm in check.gradients.items():
            writer.add_scalar(f"gradients/{layer}", norm, check.pairs)
    for domain, metrics in finished.evaluated.metrics.items():
        for name, value in metrics.items():
            if isinstance(value, int | float):
                writer.add_scalar(f"{domain}/{name}", value, finished.history.examples)


def write_pairs(writer: SummaryWriter, finished: Finished) -> None:
    """Test pairs of the domain trained on: same, different, and those that the model is most sure and wrong about."""
    label = finished.probe.label == 1
    scores = torch.from_numpy(finished.evaluated.scores[finished.cell.name_of(finished.cell.domain)].scores)
    wrongness = torch.where(label, -scores, scores)
    mistakes = wrongness.argsort(descending=True)[: int((wrongness > 0).sum())]
    shown = {"same": label.nonzero()[:, 0], "different": (~label).nonzero()[:, 0], "worst mistakes": mistakes}
    for name, rows in shown.items():
        if len(rows):
            writer.add_image(f"pairs/{name}", pair_grid(finished, rows[:SHOWN]), finished.history.examples)


def pair_grid(finished: Finished, rows: Tensor) -> Tensor:
    """Pairs, A left and B right, as one image (3, H, W) uint8."""
    a, b = finished.probe.a.pixels[rows], finished.probe.b.pixels[rows]
    seam = torch.full((*a.shape[:3], SEAM), 255, dtype=torch.uint8)
    pairs = torch.cat([a, seam, b], dim=3)
    enlarged = pairs.repeat_interleave(ENLARGED, 2).repeat_interleave(ENLARGED, 3)
    return make_grid(enlarged, nrow=PER_ROW, padding=4 * ENLARGED, pad_value=128)


def write_histograms(writer: SummaryWriter, finished: Finished) -> None:
    """Scores of every evaluated domain and similarities of the one trained on, of same and of different pairs."""
    values = {
        f"scores {domain}": (torch.from_numpy(scored.scores), torch.from_numpy(finished.evaluated.labels[domain]) == 1)
        for domain, scored in finished.evaluated.scores.items()
    }
    if finished.model.encodes_separately:
        values["similarity"] = similarities(finished), finished.probe.label[:COMPARED] == 1
    for name, (value, same) in values.items():
        for kind, rows in (("same", same), ("different", ~same)):
            if rows.any():
                writer.add_histogram(f"{name}/{kind}", value[rows], finished.history.examples)


def similarities(finished: Finished) -> Tensor:
    """Cosine (N,) of the encodings of the first ``COMPARED`` test pairs; maps and tokens are flattened."""
    model, cell, probe = finished.model.eval(), finished.cell, finished.probe
    a, b = (view(cell.domain, side, model.fusion.sees)[:COMPARED].to(model.device) for side in (probe.a, probe.b))
    with torch.inference_mode():
        u, v = model.encode(torch.cat([a, b])).flatten(1).chunk(2)
        return F.cosine_similarity(u, v, dim=1).cpu()
