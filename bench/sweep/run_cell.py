"""What a worker does with one cell: draw, build, train, evaluate, and say what it cost."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.cost.macs import count_macs
from bench.cost.parameters import count_parameters
from bench.cost.throughput import inference_pairs_per_second
from bench.domain import Images, Pairs, Split
from bench.errors import NotApplicableError
from bench.evaluation.diagnostics import collapse_reason, effective_rank, embedding_std
from bench.evaluation.metrics import best_threshold, binary_log_loss, class_cells, evaluate, stratum_metrics
from bench.evaluation.scoring import Scores, score_pairs
from bench.fusion import MapShape, Sees
from bench.model import PairModel, build_model
from bench.spec import parse_spec
from bench.sweep.cache import Recent
from bench.sweep.cell import Cell, build_domain
from bench.training import warmup
from bench.training.early_stop import EarlyStop
from bench.training.loop import CURVE_POINTS, History, Progress, batches, fit
from bench.training.names import learner_of
from bench.training.pairs import FrozenModel
from bench.training.warmup import Warmup

ENCODE_BATCH = 256
PROBE = 512


_draws: Recent[Pairs] = Recent(8)
_encodings: Recent[tuple[Tensor, Tensor]] = Recent(8)


def view(domain: str, images: Images, sees: Sees) -> Tensor:
    """What a model is given of images: pixels, true masks as grey images (N, 3, H, W), or likelihoods (N, classes)."""
    if sees == "mask":
        return images.latents["mask"][:, None].expand(-1, 3, -1, -1)
    if sees == "likelihoods":
        likelihoods = build_domain(domain).log_likelihoods(images)
        if likelihoods is None:
            raise NotApplicableError(f"{domain} offers no likelihoods of its images")
        return likelihoods
    return images.pixels


def draw(domain: str, split: Split, seed: int, n: int) -> Pairs:
    """Pairs of a domain; the last few draws are kept, since all fusions of a (domain, seed) ask for the same."""
    return _draws.get((domain, split, seed, n), lambda: build_domain(domain).draw(split, seed, n))


def ensure_warmup(cell: Cell, on_progress: Progress = lambda share, history: None) -> Warmup | None:
    """The warm-up of a cell from the cache, computed first if need be; None where the cell has none."""
    identity = cell.warmup_identity()
    if identity is None or not cell.computes_warmup:
        return None
    return warmup.ensure(
        identity, cell.backbone, build_domain(cell.warmup_domain), cell.warmup_recipe, cell.warmup_seed, on_progress
    )


def run_cell(cell: Cell, scores_file: Path, on_progress: Progress = lambda share, history: None) -> dict[str, Any]:
    """Train and evaluate one cell.

    Args:
        scores_file: where the scores of every evaluated pair go.

    Returns:
        The part of its record that the run measured. ``collapse`` holds the reason if the model collapsed, else None.

    Raises:
        DivergedError, NotApplicableError, UsageError: and whatever a plug-in raises.
    """
    started = time.perf_counter()
    train = draw(cell.domain, "train", cell.seed, cell.recipe.train_pairs)
    drawn = time.perf_counter()
    model, start = _build(cell)
    subject = FrozenModel(model) if cell.protocol == "frozen" else model
    history = _train(cell, model, subject, train, start, on_progress)
    trained = time.perf_counter()
    evaluated, metrics = _evaluate(cell, model, subject, start)
    _save_scores(scores_file, evaluated)
    probe = draw(cell.domain, "test", 0, cell.test_pairs)
    diagnostics = _diagnostics(model, probe)
    scores = evaluated[cell.domain].scores
    result = {
        "symmetric": model.symmetric,
        "warmup": _warmup_facts(cell, start),
        "eval": metrics,
        "cost": _cost(model, subject, history, probe),
        "curve": [[seen, round(loss, 6), round(accuracy, 6)] for seen, loss, accuracy in history.curve],
        "stopped_early": history.stopped_early,
        "diagnostics": diagnostics,
        "collapse": collapse_reason(scores, diagnostics.get("embedding_std")),
    }
    finished = time.perf_counter()
    times = {
        "draw": drawn - started,
        "train": trained - drawn,
        "evaluate": finished - trained,
        "total": finished - started,
    }
    return {**result, "times": {name: round(value, 3) for name, value in times.items()}}


def _build(cell: Cell) -> tuple[PairModel, Warmup | None]:
    domain = build_domain(cell.domain)
    model = build_model(
        parse_spec(cell.fusion), cell.backbone, domain.image, cell.seed, cell.pretrained, len(domain.classes)
    )
    start = ensure_warmup(cell) if model.backbone is not None and model.fusion.encoder == "trained" else None
    if start is not None:
        warmup.load_into(model.backbone, start.path)  # type: ignore[arg-type]
    return model, start


def _train(
    cell: Cell, model: PairModel, subject: PairModel, train: Pairs, start: Warmup | None, on_progress: Progress
) -> History:
    """Train ``subject``: the whole model, or its fusion and head on encoded images."""
    recipe = cell.recipe
    if not any(parameter.requires_grad for parameter in subject.parameters()):
        return History()
    a, b = _inputs(cell, model, start, cell.domain, "train", cell.seed, recipe.train_pairs)
    learner = learner_of(subject)(subject, recipe, a, b, train.a.latents["class"], train.b.latents["class"])
    steps = recipe.train_pairs // recipe.batch_size * recipe.epochs
    order = batches(recipe.train_pairs, recipe.batch_size, recipe.epochs, cell.seed)
    if not recipe.patience:
        return fit(learner, recipe, order, steps, on_progress)
    val = draw(cell.domain, "val", 0, recipe.val_pairs)
    val_a, val_b = _inputs(cell, model, start, cell.domain, "val", 0, recipe.val_pairs)
    stop = EarlyStop(
        subject,
        recipe.patience,
        max(1, steps // CURVE_POINTS),
        lambda: binary_log_loss(val.label.numpy(), score_pairs(subject, val_a, val_b).scores),
    )
    history = fit(learner, recipe, order, steps, on_progress, stop)
    stop.restore()
    return history


def _inputs(
    cell: Cell, model: PairModel, start: Warmup | None, domain: str, split: Split, seed: int, n: int
) -> tuple[Tensor, Tensor]:
    """What is trained and scored: images, or encoded images under the frozen protocol.

    Encodings are kept for all fusions that read the same thing from the same frozen backbone.
    """
    pairs, sees = draw(domain, split, seed, n), model.fusion.sees
    a, b = view(domain, pairs.a, sees), view(domain, pairs.b, sees)
    if cell.protocol != "frozen" or not model.encodes_separately:
        return a, b
    source = str(start.path) if start is not None else f"{cell.warmup}, seed {cell.seed}"
    key = (cell.backbone, source, model.reads, sees, domain, split, seed, n)
    return _encodings.get(key, lambda: (_encode(model, a), _encode(model, b)))


def _encode(model: PairModel, images: Tensor) -> Tensor:
    model.eval()
    with torch.no_grad():
        return torch.cat([model.encode(part) for part in images.split(ENCODE_BATCH)])


def _evaluate(
    cell: Cell, model: PairModel, subject: PairModel, start: Warmup | None
) -> tuple[dict[str, Scores], dict[str, dict[str, Any]]]:
    """Scores per evaluated domain, ``val`` among them, and metrics per evaluated domain at the threshold chosen on
    validation."""

    def scored(domain: str, split: Split, n: int) -> Scores:
        return score_pairs(subject, *_inputs(cell, model, start, domain, split, 0, n))

    val = scored(cell.domain, "val", cell.recipe.val_pairs)
    label = draw(cell.domain, "val", 0, cell.recipe.val_pairs).label.numpy()
    threshold = best_threshold(label, val.scores)
    scores, metrics = {"val": val}, {}
    for name in cell.eval_domains:
        scores[name] = scored(name, "test", cell.test_pairs)
        metrics[name] = _metrics(cell, name, scores[name], threshold)
    return scores, metrics


def _metrics(cell: Cell, domain: str, scored: Scores, threshold: float) -> dict[str, Any]:
    pairs = draw(domain, "test", 0, cell.test_pairs)
    label = pairs.label.numpy()
    metrics: dict[str, Any] = evaluate(label, scored.scores, scored.swapped, threshold).as_dict()
    classes = pairs.a.latents["class"].numpy(), pairs.b.latents["class"].numpy()
    metrics["cells"] = class_cells(*classes, scored.scores, build_domain(domain).classes)
    if pairs.strata is not None:
        metrics["strata"] = stratum_metrics(label, scored.scores, pairs.strata.index.numpy(), pairs.strata.names)
    return metrics


def _cost(model: PairModel, subject: PairModel, history: History, probe: Pairs) -> dict[str, Any]:
    if model.fusion.sees == "likelihoods":
        return {"uncounted": []}
    parameters = count_parameters(model, subject)
    macs = count_macs(model, MapShape(*probe.a.pixels.shape[1:]))
    return {
        "parameters": parameters.total,
        "trainable": parameters.trainable,
        "fusion_parameters": parameters.fusion,
        "macs": macs.total,
        "fusion_macs": macs.fusion,
        "uncounted": list(macs.uncounted),
        "train_pairs_per_s": round(history.examples / history.seconds, 1) if history.seconds else None,
        "infer_pairs_per_s": round(inference_pairs_per_second(model, probe.a.pixels, probe.b.pixels), 1),
    }


def _diagnostics(model: PairModel, probe: Pairs) -> dict[str, float]:
    if not model.encodes_separately:
        return {}
    model.eval()
    with torch.inference_mode():
        encoded = model.encode(probe.a.pixels[:PROBE])
    return {"embedding_std": embedding_std(encoded), "effective_rank": effective_rank(encoded)}


def _warmup_facts(cell: Cell, start: Warmup | None) -> dict[str, Any]:
    if start is None:
        return {"task": "none" if cell.protocol == "scratch" else cell.warmup}
    facts = {"quality": start.quality, "seconds": round(start.seconds, 1), "images": start.images}
    return {"task": cell.warmup, "seed": cell.warmup_seed, **facts}


def _save_scores(path: Path, evaluation: dict[str, Scores]) -> None:
    """Scores of every evaluated pair in both orders, as ``<domain>`` and ``<domain>/swapped``; appears only when
    complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: scored.scores for name, scored in evaluation.items()}
    arrays |= {f"{name}/swapped": scored.swapped for name, scored in evaluation.items()}
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    os.replace(file.name, path)
