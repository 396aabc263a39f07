"""What a record says of a trained cell: how good it is, whether it collapsed, what it cost."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bench.cost.counts import counts
from bench.cost.throughput import inference_pairs_per_second
from bench.domain import Pairs, build_domain
from bench.evaluation.collapse import Evidence
from bench.evaluation.diagnosis import Diagnosis, diagnose
from bench.evaluation.scoring import Scores
from bench.fusion import MapShape
from bench.model import PairModel
from bench.model.encodings import pooled
from bench.sweep.cache import Cache
from bench.sweep.cell import Cell
from bench.sweep.evaluate import Evaluated, decides_on_validation, evaluate_cell
from bench.sweep.execution import Execution
from bench.sweep.inputs import ENCODE_BATCH, draw, inputs
from bench.sweep.prepare import Prepared
from bench.training.auxiliary import auxiliary_weights
from bench.training.checks import overfits_from
from bench.training.loop import History
from bench.training.pairs import PairLearner, pairings
from bench.training.recipe import DEFAULT_OBJECTIVE
from bench.training.warmup import Warmup

_counts: Cache[dict[str, Any]] = Cache(256)


@dataclass(frozen=True)
class Trained:
    """How a cell was trained: ``seconds`` it took, as one of ``together`` cells in one pass."""

    history: History
    seconds: float
    together: int = 1


@dataclass(frozen=True)
class Finished:
    """A cell whose numbers are taken: whatever an observer does with it, the record stays as it is.

    Attributes:
        learner: what trained the model; None where nothing trains.
        probe: the test pairs of the domain trained on.
        collapsed: whether its scores or encodings no longer depend on the images.
        measured: what its record says besides its coordinates.
    """

    cell: Cell
    model: PairModel
    learner: PairLearner | None
    history: History
    probe: Pairs
    evaluated: Evaluated
    collapsed: bool
    measured: Mapping[str, Any]


def measure(
    prepared: Prepared,
    trained: Trained,
    scores_file: Path,
    on_finished: Callable[[Finished], None],
    execution: Execution,
) -> dict[str, Any]:
    """Evaluate a trained cell; returns and raises what :func:`bench.sweep.run_cell.run_cell` does."""
    started = time.perf_counter()
    cell, model, history = prepared.cell, prepared.model, trained.history
    evaluated = evaluate_cell(cell, model, prepared.subject, prepared.start)
    evaluated.save(scores_file)
    probe = draw(cell.domain, *cell.draws("test"))
    diagnosis = _diagnosis(prepared, history, evaluated.scores[cell.name_of(cell.domain)])
    result = {
        "symmetric": model.symmetric,
        "warmup": _warmup_facts(cell, prepared.start),
        "validation": evaluated.validation_metrics,
        "eval": evaluated.metrics,
        "labelled_pairs": _labelled_pairs(prepared, history),
        "cost": _cost(prepared, trained, probe),
        "curve": [[seen, round(loss, 6), round(accuracy, 6)] for seen, loss, accuracy in history.curve],
        "stopped_early": history.stopped_early,
        "auxiliary": _auxiliary_errors(prepared),
        "execution": {
            "device": model.device.type,
            "memory_format": execution.memory_format(str(cell.backbone)),
            "seeds_together": trained.together,
        },
        "diagnostics": diagnosis.measures | _overfitting(history),
        "collapse": diagnosis.collapse,
    }
    if decides_on_validation(cell, model):
        result["threshold_from"] = "validation"
    if history.checks:
        result["checks"] = [check.as_dict() for check in history.checks]
    times = {
        "draw": prepared.draw_seconds,
        "train": prepared.build_seconds + trained.seconds,
        "evaluate": time.perf_counter() - started,
    }
    times["total"] = sum(times.values())
    result["times"] = {name: round(value, 3) for name, value in times.items()}
    collapsed = diagnosis.collapse is not None
    on_finished(Finished(cell, model, prepared.learner, history, probe, evaluated, collapsed, result))
    return result


def _overfitting(history: History) -> dict[str, int]:
    """From how many training pairs on it overfits, where it was watched and does."""
    found = overfits_from(history.curve, history.checks)
    return {} if found is None else {"overfits_from": found}


def _labelled_pairs(prepared: Prepared, history: History) -> int | None:
    """Pairs whose label training saw, each time that it did; None where it saw the names of images."""
    if prepared.model.fusion.supervision == "names":
        return None
    return history.examples * pairings(prepared.cell.trained_recipe, prepared.model)


def _auxiliary_errors(prepared: Prepared) -> dict[str, dict[str, float]]:
    """Weight and error of each auxiliary head on both images of every test pair."""
    cell, model, learner, start = prepared.cell, prepared.model, prepared.learner, prepared.start
    if learner is None or learner.auxiliary is None:
        return {}
    test = draw(cell.domain, *cell.draws("test"))
    sides = inputs(cell, model, start, cell.domain, "test")
    learner.module.eval()
    with torch.inference_mode():
        encoded = [pooled(learner.model.encode(part)) for side in sides for part in side.split(ENCODE_BATCH)]
    first, second = learner.auxiliary.targets(test.a), learner.auxiliary.targets(test.b)
    targets = {name: torch.cat([first[name], second[name]]).to(model.device) for name in first}
    return learner.auxiliary.errors(learner.heads, torch.cat(encoded), targets)


def _cost(prepared: Prepared, trained: Trained, probe: Pairs) -> dict[str, Any]:
    cell, model, history = prepared.cell, prepared.model, trained.history
    # What one cell could do alone is not known where several shared each step.
    timed = history.seconds and trained.together == 1
    if model.fusion.sees == "likelihoods":
        return {"uncounted": []}
    domain, image = build_domain(cell.domain), MapShape(*probe.a.pixels.shape[1:])
    same_for_all = cell.fusion, cell.backbone, cell.protocol, cell.start is None, image, len(domain.classes)
    return {
        **_counts.get(same_for_all, lambda: counts(model, prepared.subject, image)),
        "train_pairs_per_s": round(history.examples / history.seconds, 1) if timed else None,
        "infer_pairs_per_s": round(inference_pairs_per_second(model, probe.a.pixels, probe.b.pixels), 1),
    }


def _diagnosis(prepared: Prepared, history: History, scored: Scores) -> Diagnosis:
    cell, model = prepared.cell, prepared.model
    test = draw(cell.domain, *cell.draws("test"))
    a, b = inputs(cell, model, prepared.start, cell.domain, "test")
    domain = build_domain(cell.domain)
    classes = len(domain.classes)
    trivial = trivial_loss(cell, model, classes)
    evidence = Evidence(
        scored.scores, test.label.numpy(), 0.0, history.curve, trivial, classes, has_classes=domain.names_images
    )
    return diagnose(prepared.subject, a, b, test.a.latents["class"], test.b.latents["class"], evidence)


def trivial_loss(cell: Cell, model: PairModel, classes: int) -> float | None:
    """Loss of an answer that ignores the images; None where it depends on more than the answers."""
    if auxiliary_weights(model.fusion, cell.recipe.auxiliary):
        return None
    if model.fusion.supervision == "names":
        return math.log(classes)
    return math.log(2) if cell.recipe.objective == DEFAULT_OBJECTIVE else None


def _warmup_facts(cell: Cell, start: Warmup | None) -> dict[str, Any]:
    if start is None:
        return {"task": "none" if cell.protocol == "scratch" else str(cell.warmup.task)}
    measure = {"measure": start.measure.name, "unit": start.measure.unit, "better": start.measure.better}
    cost = {"seconds": round(start.seconds, 1), "images": start.images}
    return {"task": str(cell.warmup.task), "seed": cell.warmup.seed, "quality": start.quality, **measure, **cost}
