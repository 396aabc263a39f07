"""A cell made ready for its training: data drawn, model built and warmed up, inputs encoded where they are frozen."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.domain import build_domain
from bench.model import PairModel, build_model
from bench.sweep.cell import Cell
from bench.sweep.execution import MEMORY_FORMATS, Execution
from bench.sweep.inputs import classes, draw, inputs, settle_embedding
from bench.training import warmup
from bench.training.augment import Augmentation, Augmenter
from bench.training.auxiliary import Auxiliary, Targets, auxiliary_weights
from bench.training.loop import Progress
from bench.training.pairs import FrozenModel, PairLearner, learner_of
from bench.training.warmup import Warmup


@dataclass(frozen=True)
class Prepared:
    """A cell before its training.

    Attributes:
        start: the warm-up that the model starts from, if any.
        subject: what is given the pairs: ``model``, or its fusion and head on encoded images.
        learner: what trains ``subject``; None where nothing trains.
        draw_seconds, build_seconds: time in drawing pairs, and in everything after it.
    """

    cell: Cell
    start: Warmup | None
    model: PairModel
    subject: PairModel
    learner: PairLearner | None
    draw_seconds: float
    build_seconds: float


def prepare(cell: Cell, execution: Execution) -> Prepared:
    """Make a cell ready; raises ``NotApplicableError``, ``UsageError`` and whatever a plug-in raises."""
    started = time.perf_counter()
    train_classes = classes(cell.domain, *cell.draws("train"))
    drawn = time.perf_counter()
    model, start = _build(cell, execution)
    subject = FrozenModel(model) if cell.protocol == "frozen" and model.encodes_separately else model
    learner = _learner(cell, model, subject, train_classes, start)
    return Prepared(cell, start, model, subject, learner, drawn - started, time.perf_counter() - drawn)


def ensure_warmup(
    cell: Cell,
    on_progress: Progress = lambda share, history: None,
    device: str = "cpu",
) -> Warmup | None:
    """The warm-up of a cell from the cache, computed first if need be; None where it has none of this program's own."""
    return cell.computed_start.ensure(on_progress, device) if cell.computed_start else None


def _build(cell: Cell, execution: Execution) -> tuple[PairModel, Warmup | None]:
    domain = build_domain(cell.domain)
    model = build_model(cell.fusion, str(cell.backbone), domain.image, cell.seed, cell.weights, len(domain.classes))
    warmed_up = model.backbone is not None and model.fusion.encoder == "trained"
    start = ensure_warmup(cell, device=execution.device) if warmed_up else None
    if start is not None:
        for tower in model.towers:
            warmup.load_into(tower, start.path)
    model.compute_in(getattr(torch, cell.recipe.precision))
    model.lay_out(MEMORY_FORMATS[execution.memory_format(str(cell.backbone))])
    model.to(execution.device)
    settle_embedding(cell, model)
    return model, start


def _learner(
    cell: Cell, model: PairModel, subject: PairModel, train_classes: tuple[Tensor, Tensor], start: Warmup | None
) -> PairLearner | None:
    """What trains ``subject``, the whole model or its fusion and head on encoded images; None where nothing trains."""
    weights = auxiliary_weights(model.fusion, cell.recipe.auxiliary)
    if not weights and not any(parameter.requires_grad for parameter in subject.parameters()):
        return None
    domain = build_domain(cell.domain)
    auxiliary = Auxiliary(weights, domain.image, len(domain.classes)) if weights else None
    targets: tuple[Targets, Targets] = ({}, {})
    if auxiliary:
        train = draw(cell.domain, *cell.draws("train"))
        targets = auxiliary.targets(train.a), auxiliary.targets(train.b)
    augmentation = Augmentation.parse(cell.recipe.augment)
    augment = Augmenter(augmentation, cell.seed, domain.aligned) if augmentation else None
    a, b = inputs(cell, model, start, cell.domain, "train")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(cell.seed)
        learner = learner_of(subject)
        return learner(
            subject, cell.trained_recipe, a, b, *train_classes, auxiliary, targets, len(domain.classes), augment
        )
