"""``tensorboard``: learning curve, metrics, sample pairs and histograms of every cell for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.errors import UsageError
from bench.models.card import CellCard
from bench.observers.contract import Observer, register_observer
from bench.observers.course import Point, course, flat, results
from bench.observers.pictures import pictures
from bench.sweep.inputs import view
from bench.sweep.measure import Finished

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

# Similarities are taken of so many test pairs; scores of all.
COMPARED = 1_024


@register_observer
class TensorBoard(Observer):
    """Writes one run of TensorBoard per cell, when the cell is done.

    Scalars ``train/loss`` and ``train/accuracy`` over the pairs seen and every metric of every evaluated domain; where
    the cell was watched, ``val/loss`` with the other validation scores, and ``gradients/`` by layer, at its checks; the
    settings as text and as hyper-parameters; images of same pairs, different pairs, the worst mistakes and of which
    classes are taken for the same; histograms of the scores and, where images are
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
            write_settings(writer, finished)
            write_scalars(writer, finished)
            write_pictures(writer, finished)
            write_histograms(writer, finished)
        return ""


def write_settings(writer: SummaryWriter, finished: Finished) -> None:
    """What the cell is: as a text, and for the table and the parallel coordinates of hyper-parameters."""
    from torch.utils.tensorboard.summary import hparams

    told = flat(CellCard.of(finished.cell).model_dump())
    rows = [f"| {name} | {str(value).replace('|', '&#124;')} |" for name, value in told.items()]
    writer.add_text("settings", "\n".join(["| setting | value |", "| --- | --- |", *rows]))
    # SummaryWriter.add_hparams would make another run of them.
    for summary in hparams(told, {point.name: point.value for point in _results(finished)}):
        writer._get_file_writer().add_summary(summary)


def write_scalars(writer: SummaryWriter, finished: Finished) -> None:
    """The course of training, and the metrics at the number of pairs trained on."""
    checks = [check.as_dict() for check in finished.history.checks]
    for point in (*course(finished.history.curve, checks), *_results(finished)):
        writer.add_scalar(point.name, point.value, point.seen)


def _results(finished: Finished) -> list[Point]:
    return list(results(finished.evaluated.metrics, finished.history.examples))


def write_pictures(writer: SummaryWriter, finished: Finished) -> None:
    """Sample pairs and tables of classes."""
    for name, pixels in pictures(finished):
        writer.add_image(name, pixels, finished.history.examples)


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
