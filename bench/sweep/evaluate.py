"""What a trained cell says of its validation and test pairs, and how good that is."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.atomic import write_bytes_atomically
from bench.domain import Domain, Pairs, build_domain
from bench.evaluation.metrics import best_threshold, class_cells, most_accurate_threshold, stratum_metrics
from bench.evaluation.scoring import Scores, moved_by, read_pairs, score_both_orders
from bench.metrics import evaluate, validation_metrics
from bench.model import PairModel
from bench.records.append import stored
from bench.sweep.cell import Cell
from bench.sweep.inputs import Source, draw, inputs
from bench.training.applicable import trained_by_objective
from bench.training.objectives import Objective

Labels = NDArray[np.int64]
# Fewer classes are taken as all that there are, and not as a sample.
SAMPLED_CLASSES = 30


@dataclass(frozen=True)
class Evaluated:
    """Scores and labels of a cell.

    Attributes:
        validation: scores (N,) float32 and labels of the validation pairs, in the order drawn: they choose a threshold,
            and nothing asks how far they depend on the order of the images.
        offset: what was taken off every score of the model; 0 where training gave the scores their 0.
        validation_metrics: of these, but for those of the order.
        validation_cosine: (N,) float32, of the same pairs; None where no image is encoded without the other.
        scores, labels, metrics: per evaluated domain, of its test pairs.
        units: of a domain whose test pairs share what they are made of, the numbers (N, 2) of the images, or of the
            classes, that each pair is made of.
    """

    validation: tuple[NDArray[np.float32], Labels]
    offset: float
    validation_metrics: dict[str, float | None]
    validation_cosine: NDArray[np.float32] | None
    scores: dict[str, Scores]
    labels: dict[str, Labels]
    metrics: dict[str, dict[str, Any]]
    units: dict[str, Labels]

    def save(self, path: Path) -> None:
        """Scores of every pair as ``<domain>``, of test pairs also as ``<domain>/swapped``, cosines of encodings as
        ``<domain>/cosine``, labels as ``<domain>/label``, units as ``<domain>/units``; the validation pairs are called
        ``val``. The file appears only when complete.

        Raises:
            StorageError: it cannot be written.
        """
        scores, label = self.validation
        arrays: dict[str, NDArray[Any]] = {"val": scores, "val/label": label.astype(np.uint8)}
        cosines = {"val": self.validation_cosine}
        for domain, scored in self.scores.items():
            name = stored(domain)
            arrays[name], arrays[f"{name}/swapped"] = scored.scores, scored.swapped
            arrays[f"{name}/label"] = self.labels[domain].astype(np.uint8)
            if domain in self.units:
                arrays[f"{name}/units"] = self.units[domain].astype(np.int32)
            cosines[name] = scored.cosine
        arrays |= {f"{name}/cosine": cosine for name, cosine in cosines.items() if cosine is not None}
        content = io.BytesIO()
        np.savez_compressed(content, allow_pickle=False, **arrays)
        write_bytes_atomically(path, content.getvalue())


def evaluate_cell(cell: Cell, model: PairModel, subject: PairModel, start: Source | None) -> Evaluated:
    """Score the pairs of a cell and measure every evaluated domain at the threshold chosen on validation.

    Scores that the objective did not train have no 0 of their own: they are shifted by that threshold.

    Args:
        subject: what is given the pairs: ``model``, or its fusion and head on encoded images.

    Raises:
        DivergedError: a score is not finite.
    """

    drawn, cosine = read_pairs(subject, *inputs(cell, model, start, cell.domain, "val"))
    label = draw(cell.domain, *cell.draws("val")).label.numpy()
    threshold, tuned = best_threshold(label, drawn), most_accurate_threshold(label, drawn)
    cosine_tuned = math.nan if cosine is None else most_accurate_threshold(label, cosine)
    offset = threshold if decides_on_validation(cell, model) else 0.0
    thresholds = threshold - offset, tuned - offset, cosine_tuned
    scores, labels, metrics, units = {}, {}, {}, {}
    for domain in cell.eval_domains:
        name = cell.name_of(domain)
        scored = score_both_orders(subject, *inputs(cell, model, start, domain, "test"))
        scores[name] = replace(scored, scores=moved_by(scored.scores, offset), swapped=moved_by(scored.swapped, offset))
        pairs = draw(domain, *cell.draws("test"))
        labels[name] = pairs.label.numpy()
        if (shared := _units(pairs)) is not None:
            units[name] = shared
        metrics[name] = _metrics(pairs, build_domain(domain), scores[name], *thresholds)
    own = moved_by(drawn, offset)
    known = evaluate(label, own, own, thresholds[0], thresholds[1], cosine, cosine_tuned)
    validation = {name: known[name] for name in validation_metrics()}
    return Evaluated((own, label), offset, validation, cosine, scores, labels, metrics, units)


def _units(pairs: Pairs) -> Labels | None:
    """What pairs of a finite collection share, by number (N, 2): classes where there are many of them, so that they are
    a sample of more, else images; None where every pair is new."""
    if "image" not in pairs.a.latents:
        return None
    classes, images = (
        np.stack([side.latents[name].numpy() for side in (pairs.a, pairs.b)], axis=1) for name in ("class", "image")
    )
    return classes if len(np.unique(classes)) >= SAMPLED_CLASSES else images


def decides_on_validation(cell: Cell, model: PairModel) -> bool:
    """Whether the objective trains the encoder alone, so that only validation can say which scores mean same."""
    return trained_by_objective(model.fusion) and not Objective.parse(cell.recipe.objective).on_scores


def _metrics(
    pairs: Pairs, domain: Domain, scored: Scores, threshold: float, tuned: float, cosine_tuned: float
) -> dict[str, Any]:
    label = pairs.label.numpy()
    sides = scored.scores, scored.swapped
    metrics: dict[str, Any] = evaluate(label, *sides, threshold, tuned, scored.cosine, cosine_tuned)
    metrics["n"] = len(label)
    if domain.quarter:
        metrics["quarter"] = domain.quarter
    classes = pairs.a.latents["class"].numpy(), pairs.b.latents["class"].numpy()
    metrics["cells"] = class_cells(*classes, scored.scores, domain.classes)
    if pairs.strata is not None:
        metrics["strata"] = stratum_metrics(label, scored.scores, pairs.strata.index.numpy(), pairs.strata.names)
    return metrics
