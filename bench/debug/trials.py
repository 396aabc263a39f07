"""Short trainings that a healthy model passes: few pairs by heart, one label, other scales of the loss, other rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.debug.subject import Subject
from bench.errors import DivergedError
from bench.evaluation.scoring import score_pairs
from bench.training.loop import fit
from bench.training.pairs import PairLearner

BATCH, SCORED = 32, 256
BY_HEART, ONE_LABEL, STEPS = 120, 60, 50
SCALES = (1, 10, 100, 1_000)
# Factors on the rate of the recipe.
RATES = (1e-3, 1e-2, 0.1, 1, 10, 100)


@dataclass(frozen=True)
class Trial:
    """A short training.

    Attributes:
        name: what was done.
        curve: (pairs seen, mean loss, accuracy) on the pairs trained on; empty where it diverged at once.
        low, high: range of the scores of the first ``SCORED`` of these pairs afterwards, in evaluation mode; nan where
            it diverged.
        right: share of them on the right side of 0.
        diverged: what was not finite; empty where all was.
    """

    name: str
    curve: Sequence[tuple[int, float, float]] = ()
    low: float = float("nan")
    high: float = float("nan")
    right: float = float("nan")
    diverged: str = ""

    @property
    def accuracy(self) -> float:
        """At the end, in training mode; 0 where it diverged."""
        return 0.0 if self.diverged else self.curve[-1][2]

    @property
    def loss(self) -> float:
        """At the end; infinite where it diverged."""
        return float("inf") if self.diverged else self.curve[-1][1]


class _Scaled:
    """A learner whose loss is multiplied by ``scale``."""

    def __init__(self, learner: PairLearner, scale: float) -> None:
        self.learner, self.scale = learner, scale
        self.module: nn.Module = learner.module
        self.examples = learner.examples

    def parameter_groups(self) -> list[dict[str, object]]:
        return self.learner.parameter_groups()

    def batch_loss(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        loss, predictions, label = self.learner.batch_loss(index)
        return self.scale * loss, predictions, label


def by_heart(subject: Subject) -> list[Trial]:
    """One pair, one pair of each label, and one batch of both, again and again."""
    same, different = labelled(subject)
    two = torch.stack([same[0], different[0]])
    batch = torch.cat([same[: BATCH // 2], different[: BATCH // 2]])
    # A batch of one has no variance for BatchNorm: a pair stands in it twice.
    chosen = {
        "one different pair": different[:1].repeat(2),
        "one pair of each label": two.repeat(2),
        "one batch": batch,
    }
    return [_train(subject, name, [rows] * BY_HEART) for name, rows in chosen.items()]


def one_label(subject: Subject) -> list[Trial]:
    """Pairs of one label alone."""
    same, different = labelled(subject)
    return [
        _train(subject, f"{name} pairs alone", _rounds(rows, ONE_LABEL))
        for name, rows in (("different", different), ("same", same))
    ]


def scales(subject: Subject) -> list[Trial]:
    """The loss multiplied, on the same batches."""
    return [_train(subject, f"loss x {scale:,}", _all_rounds(subject), scale) for scale in SCALES]


def rates(subject: Subject) -> list[Trial]:
    """Learning rates from far too small to far too large, on the same batches."""
    lr = subject.cell.recipe.lr
    return [_train(subject, f"{lr * factor:.2g}", _all_rounds(subject), lr=lr * factor) for factor in RATES]


def labelled(subject: Subject) -> tuple[Tensor, Tensor]:
    """Numbers of the training pairs that are the same, and of those that are not."""
    learner = subject.fresh().learner
    label = (learner.class_a == learner.class_b).cpu()
    return label.nonzero()[:, 0], (~label).nonzero()[:, 0]


def _rounds(rows: Tensor, steps: int) -> list[Tensor]:
    """Batches of ``rows`` in turn, from the start again where they end."""
    batches = [part for part in rows.split(BATCH) if len(part) == min(BATCH, len(rows))]
    return [batches[step % len(batches)] for step in range(steps)]


def _all_rounds(subject: Subject) -> list[Tensor]:
    return _rounds(torch.arange(subject.cell.recipe.train_pairs), STEPS)


def _train(subject: Subject, name: str, order: Sequence[Tensor], scale: float = 1, lr: float | None = None) -> Trial:
    """A fresh model trained at a constant rate on batches of pairs, none of which is paired anew."""
    rate = subject.cell.recipe.lr if lr is None else lr
    fresh = subject.fresh(lr=rate, pairs_per_image=1, schedule="constant", warmup_fraction=0.0)
    learner, rows = fresh.learner, torch.cat([*{id(rows): rows for rows in order}.values()])[:SCORED]
    try:
        history = fit(_Scaled(learner, scale), fresh.recipe, order, len(order))
        scores = score_pairs(learner.model, learner.a[rows], learner.b[rows])
    except DivergedError as error:
        return Trial(name, diverged=str(error))
    label = (learner.class_a[rows] == learner.class_b[rows]).cpu().numpy()
    curve = [(seen, loss / scale, accuracy) for seen, loss, accuracy in history.curve]
    return Trial(name, curve, float(scores.min()), float(scores.max()), float(((scores > 0) == label).mean()))
