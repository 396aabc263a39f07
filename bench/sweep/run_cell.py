"""What a worker does with one cell: draw, build, train, evaluate, and say what it cost."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bench.cost.counts import counts
from bench.cost.throughput import inference_pairs_per_second
from bench.domain import Pairs
from bench.evaluation.collapse import Evidence
from bench.evaluation.diagnosis import Diagnosis, diagnose
from bench.evaluation.metrics import binary_log_loss
from bench.evaluation.scoring import Scores, score_pairs
from bench.fusion import MapShape
from bench.model import PairModel, build_model
from bench.spec import parse_spec
from bench.sweep.cache import Recent
from bench.sweep.cell import Cell, build_domain
from bench.sweep.evaluated import decides_on_validation, evaluate_cell
from bench.sweep.execution import MEMORY_FORMATS, ON_THE_CPU, Execution
from bench.sweep.inputs import ENCODE_BATCH, draw, inputs
from bench.sweep.observer import Finished
from bench.training import warmup
from bench.training.applicable import trained_by_objective
from bench.training.auxiliary import Auxiliary, auxiliary_weights
from bench.training.early_stop import EarlyStop
from bench.training.encodings import pooled
from bench.training.loop import CURVE_POINTS, History, Progress, batches, fit
from bench.training.names import learner_of
from bench.training.objectives import DEFAULT
from bench.training.pairs import FrozenModel, PairLearner
from bench.training.warmup import Warmup

_counts: Recent[dict[str, Any]] = Recent(256)


def ensure_warmup(
    cell: Cell, on_progress: Progress = lambda share, history: None, device: str = "cpu"
) -> Warmup | None:
    """The warm-up of a cell from the cache, computed first if need be; None where the cell has none."""
    identity = cell.warmup_identity()
    if identity is None or not cell.computes_warmup:
        return None
    domain = build_domain(cell.warmup_domain)
    return warmup.ensure(
        identity, cell.warmup, cell.backbone, domain, cell.warmup_recipe, cell.warmup_seed, on_progress, device
    )


def run_cell(
    cell: Cell,
    scores_file: Path,
    on_progress: Progress = lambda share, history: None,
    on_finished: Callable[[Finished], None] = lambda finished: None,
    execution: Execution = ON_THE_CPU,
) -> dict[str, Any]:
    """Train and evaluate one cell.

    Args:
        scores_file: where the scores of every evaluated pair go.
        on_finished: called once, when every number is taken.
        execution: where it is computed.

    Returns:
        The part of its record that the run measured. ``collapse`` holds the reason if the model collapsed, else None.

    Raises:
        DivergedError, NotApplicableError, UsageError: and whatever a plug-in raises.
    """
    started = time.perf_counter()
    train = draw(cell.domain, "train", cell.seed, cell.recipe.train_pairs)
    drawn = time.perf_counter()
    model, start = _build(cell, execution)
    subject = FrozenModel(model) if cell.protocol == "frozen" else model
    learner = _learner(cell, model, subject, train, start)
    history = _train(cell, model, learner, start, on_progress) if learner else History()
    trained = time.perf_counter()
    evaluated = evaluate_cell(cell, model, subject, start)
    evaluated.save(scores_file)
    probe = draw(cell.domain, "test", 0, cell.test_pairs)
    diagnosis = _diagnosis(cell, model, subject, start, history, evaluated.scores[cell.domain])
    result = {
        "symmetric": model.symmetric,
        "warmup": _warmup_facts(cell, start),
        "eval": evaluated.metrics,
        "cost": _cost(cell, model, subject, history, probe),
        "curve": [[seen, round(loss, 6), round(accuracy, 6)] for seen, loss, accuracy in history.curve],
        "stopped_early": history.stopped_early,
        "auxiliary": _auxiliary_errors(cell, model, learner, start) if learner else {},
        "execution": {"device": model.device.type, "memory_format": execution.memory_format(cell.backbone)},
        "diagnostics": diagnosis.measures,
        "collapse": diagnosis.collapse,
    }
    if decides_on_validation(cell, model):
        result["threshold_from"] = "validation"
    finished = time.perf_counter()
    times = {
        "draw": drawn - started,
        "train": trained - drawn,
        "evaluate": finished - trained,
        "total": finished - started,
    }
    on_finished(Finished(cell, model, learner, history, probe, evaluated))
    return {**result, "times": {name: round(value, 3) for name, value in times.items()}}


def _build(cell: Cell, execution: Execution) -> tuple[PairModel, Warmup | None]:
    domain = build_domain(cell.domain)
    model = build_model(
        parse_spec(cell.fusion), cell.backbone, domain.image, cell.seed, cell.pretrained, len(domain.classes)
    )
    warmed_up = model.backbone is not None and model.fusion.encoder == "trained"
    start = ensure_warmup(cell, device=execution.device) if warmed_up else None
    if start is not None:
        for tower in model.towers:
            warmup.load_into(tower, start.path)
    model.compute_in(getattr(torch, cell.recipe.precision))
    model.lay_out(MEMORY_FORMATS[execution.memory_format(cell.backbone)])
    return model.to(execution.device), start


def _learner(
    cell: Cell, model: PairModel, subject: PairModel, train: Pairs, start: Warmup | None
) -> PairLearner | None:
    """What trains ``subject``, the whole model or its fusion and head on encoded images; None where nothing trains."""
    weights = auxiliary_weights(model.fusion, cell.recipe.auxiliary)
    if not weights and not any(parameter.requires_grad for parameter in subject.parameters()):
        return None
    domain = build_domain(cell.domain)
    auxiliary = Auxiliary(weights, domain.image, len(domain.classes)) if weights else None
    targets = (auxiliary.targets(train.a), auxiliary.targets(train.b)) if auxiliary else ({}, {})
    a, b = inputs(cell, model, start, cell.domain, "train", cell.seed, cell.recipe.train_pairs)
    classes = train.a.latents["class"], train.b.latents["class"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(cell.seed)
        return learner_of(subject)(subject, cell.recipe, a, b, *classes, auxiliary, targets, len(domain.classes))


def _train(cell: Cell, model: PairModel, learner: PairLearner, start: Warmup | None, on_progress: Progress) -> History:
    recipe = cell.recipe
    steps = recipe.train_pairs // recipe.batch_size * recipe.epochs
    order = batches(recipe.train_pairs, recipe.batch_size, recipe.epochs, cell.seed)
    if not recipe.patience:
        return fit(learner, recipe, order, steps, on_progress)
    val = draw(cell.domain, "val", 0, recipe.val_pairs)
    val_a, val_b = inputs(cell, model, start, cell.domain, "val", 0, recipe.val_pairs)

    def loss() -> float:
        if recipe.objective == DEFAULT or not trained_by_objective(model.fusion):
            return binary_log_loss(val.label.numpy(), score_pairs(learner.model, val_a, val_b))
        return learner.validation_loss(val_a, val_b, val.a.latents["class"], val.b.latents["class"])

    stop = EarlyStop(learner.module, recipe.patience, max(1, steps // CURVE_POINTS), loss)
    history = fit(learner, recipe, order, steps, on_progress, stop)
    stop.restore()
    return history


def _auxiliary_errors(
    cell: Cell, model: PairModel, learner: PairLearner, start: Warmup | None
) -> dict[str, dict[str, float]]:
    """Weight and error of each auxiliary head on both images of every test pair."""
    if learner.auxiliary is None:
        return {}
    test = draw(cell.domain, "test", 0, cell.test_pairs)
    sides = inputs(cell, model, start, cell.domain, "test", 0, cell.test_pairs)
    learner.module.eval()
    with torch.inference_mode():
        encoded = [pooled(learner.model.encode(part)) for side in sides for part in side.split(ENCODE_BATCH)]
    first, second = learner.auxiliary.targets(test.a), learner.auxiliary.targets(test.b)
    targets = {name: torch.cat([first[name], second[name]]).to(model.device) for name in first}
    return learner.auxiliary.errors(learner.heads, torch.cat(encoded), targets)


def _cost(cell: Cell, model: PairModel, subject: PairModel, history: History, probe: Pairs) -> dict[str, Any]:
    if model.fusion.sees == "likelihoods":
        return {"uncounted": []}
    image = MapShape(*probe.a.pixels.shape[1:])
    same_for_all_seeds = replace(cell, seed=0).key()
    return {
        **_counts.get(same_for_all_seeds, lambda: counts(model, subject, image)),
        "train_pairs_per_s": round(history.examples / history.seconds, 1) if history.seconds else None,
        "infer_pairs_per_s": round(inference_pairs_per_second(model, probe.a.pixels, probe.b.pixels), 1),
    }


def _diagnosis(
    cell: Cell, model: PairModel, subject: PairModel, start: Warmup | None, history: History, scored: Scores
) -> Diagnosis:
    test = draw(cell.domain, "test", 0, cell.test_pairs)
    a, b = inputs(cell, model, start, cell.domain, "test", 0, cell.test_pairs)
    classes = len(build_domain(cell.domain).classes)
    trivial = _trivial_loss(cell, model, classes)
    evidence = Evidence(scored.scores, test.label.numpy(), 0.0, history.curve, trivial, classes)
    return diagnose(subject, a, b, test.a.latents["class"], test.b.latents["class"], evidence)


def _trivial_loss(cell: Cell, model: PairModel, classes: int) -> float | None:
    """Loss of an answer that ignores the images; None where it depends on more than the answers."""
    if auxiliary_weights(model.fusion, cell.recipe.auxiliary):
        return None
    if model.fusion.supervision == "names":
        return math.log(classes)
    return math.log(2) if cell.recipe.objective == DEFAULT else None


def _warmup_facts(cell: Cell, start: Warmup | None) -> dict[str, Any]:
    if start is None:
        return {"task": "none" if cell.protocol == "scratch" else cell.warmup}
    measure = {"measure": start.measure.name, "unit": start.measure.unit, "better": start.measure.better}
    cost = {"seconds": round(start.seconds, 1), "images": start.images}
    return {"task": cell.warmup, "seed": cell.warmup_seed, "quality": start.quality, **measure, **cost}
