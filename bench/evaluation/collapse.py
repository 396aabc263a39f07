"""Verdict on a trained model: collapsed, which means broken, or merely not learned, with the cause in one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SCORE_STD_ALARM = 1e-4
EMBEDDING_STD_ALARM = 0.05
COSINE_RANGE_ALARM = 0.02  # 0.04 to 0.05 in some untrained networks
ONE_SIDED = 0.95
RANKS_WELL = 0.75
LEARNED_IN_TRAINING = 0.75
TRIVIAL_MARGIN = 0.01
FEW_EXAMPLES = 500  # an untrained network, too, may give one answer whatever the images


@dataclass(frozen=True)
class Evidence:
    """What is known of a trained model on the domain it was trained on.

    Attributes:
        scores, label: (N,) of the test pairs; 1 for same.
        threshold: the score above which the model says same.
        curve: (examples, loss, accuracy) during training; empty where nothing was trained.
        trivial_loss: loss of an answer that ignores the images, or None where the objective has none.
        classes: number of classes of the domain.
        has_classes: whether images have classes that an encoder could name; where only pairs are labelled, they have
            none, and half of the pairs caps a probe of them at .5.
        is_scaled: whether the score has a scale and a bias that are learned.
        found: measures of :mod:`bench.evaluation.diagnostics` and :mod:`bench.evaluation.similarity_probe` by name, as
            far as they apply.
    """

    scores: NDArray[np.floating]
    label: NDArray[np.integer]
    threshold: float = 0.0
    curve: Sequence[tuple[int, float, float]] = ()
    trivial_loss: float | None = math.log(2)
    classes: int = 2
    has_classes: bool = True
    is_scaled: bool = False
    found: Mapping[str, float] = field(default_factory=dict)

    @property
    def train_loss(self) -> float:
        """Training loss at the end; nan where nothing was trained."""
        return self.curve[-1][1] if self.curve else math.nan

    @property
    def train_accuracy(self) -> float:
        """Training accuracy at the end; nan where nothing was trained."""
        return self.curve[-1][2] if self.curve else math.nan

    @property
    def name_probe(self) -> float | None:
        """Accuracy of a linear probe for the class of an image; None where it was not measured or says nothing."""
        return self.found.get("name_probe") if self.has_classes else None

    @property
    def share_same(self) -> float:
        """Share of pairs called same."""
        return float((self.scores > self.threshold).mean())

    @property
    def one_sided(self) -> bool:
        """Whether (nearly) all pairs get one answer."""
        return not 1 - ONE_SIDED < self.share_same < ONE_SIDED

    @property
    def auc(self) -> float:
        """Area under the ROC curve."""
        from sklearn.metrics import roc_auc_score  # slow to load

        return float(roc_auc_score(self.label, self.scores))

    @property
    def auc_at_chance(self) -> bool:
        """Whether random scores could have this AUC (four standard errors)."""
        return abs(self.auc - 0.5) < 4 * math.sqrt(1 / (3 * len(self.scores)))

    @property
    def accuracy_at_chance(self) -> bool:
        """Whether a coin could have this accuracy (two standard errors)."""
        accuracy = float(((self.scores > self.threshold) == (self.label == 1)).mean())
        return abs(accuracy - 0.5) < 2 * math.sqrt(0.25 / len(self.scores))

    @property
    def ranks_well(self) -> bool:
        """Whether some threshold would separate the pairs."""
        return self.auc > RANKS_WELL and not self.auc_at_chance

    @property
    def loss_is_trivial(self) -> bool:
        """Whether training ended at the loss of an answer that ignores the images."""
        return self.trivial_loss is not None and abs(self.train_loss - self.trivial_loss) < TRIVIAL_MARGIN

    @property
    def loss_is_above_trivial(self) -> bool:
        """Whether training ended above that loss."""
        return self.trivial_loss is not None and self.train_loss > self.trivial_loss + TRIVIAL_MARGIN


def collapse_reason(evidence: Evidence) -> str | None:
    """One sentence that says why a trained model counts as broken, or None.

    Broken: all scores alike, all embeddings alike while the scores say nothing, or a score that cannot change sign.
    After very little training the sentence says so first.
    """
    reason = _broken(evidence)
    if reason and evidence.curve and evidence.curve[-1][0] < FEW_EXAMPLES:
        return f"trained on {evidence.curve[-1][0]} examples only; {reason}"
    return reason


def _broken(evidence: Evidence) -> str | None:
    if float(np.std(evidence.scores)) < SCORE_STD_ALARM:
        return _constant(evidence)
    blind = evidence.auc_at_chance
    # A score with a bias would have come down to the trivial loss at least.
    stuck = _squashed(evidence) and (not blind or evidence.loss_is_above_trivial)
    if evidence.one_sided and (evidence.ranks_well or stuck):
        return _wrong_threshold(evidence)
    if blind and _narrow(evidence):
        return f"the scores say nothing: {_squash_cause(evidence)}"
    if blind and _alike(evidence):
        return _alike_cause(evidence)
    return None


def not_learned_reason(evidence: Evidence) -> str | None:
    """One sentence that says where learning stopped, for a model at chance that is not broken, or None."""
    if not (evidence.accuracy_at_chance and evidence.auc_at_chance):
        return None
    start = "accuracy and AUC are those of a coin"
    if evidence.loss_is_trivial:
        start = f"the loss ended at {evidence.train_loss:.3f}, that of an answer that ignores the images"
    elif evidence.train_accuracy > LEARNED_IN_TRAINING:
        return (
            f"accuracy {evidence.train_accuracy:.2f} in training but chance on test pairs, so the "
            "training pairs were learned by heart, or BatchNorm statistics differ in evaluation mode"
        )
    probe = evidence.name_probe
    if probe is None:
        return start
    if _names(evidence):
        return (
            f"{start}; the encoder names the classes (linear probe {probe:.2f}), so it is the join that has not learned"
        )
    return (
        f"{start}; the encoder does not name the classes either (linear probe {probe:.2f}), so it needs more training"
    )


def _constant(evidence: Evidence) -> str:
    what = f"all scores are the same ({evidence.scores.mean():.3g}, standard deviation {np.std(evidence.scores):.1e})"
    if _alike(evidence):
        return f"{what} because {_alike_cause(evidence)}"
    if _narrow(evidence):
        return f"{what}: {_squash_cause(evidence)}"
    if _names(evidence):
        return (
            f"{what}: the encoder still names the classes (linear probe {evidence.name_probe:.2f}), but the join "
            "ignores them"
        )
    return f"{what}: the model ignores the images"


def _wrong_threshold(evidence: Evidence) -> str:
    share = evidence.share_same
    side, answer = ("above", "same") if share > 0.5 else ("below", "different")
    what = (
        f"{max(share, 1 - share):.0%} of the scores lie {side} {evidence.threshold:.3g}, so the answer is {answer} "
        f"whatever the images (AUC {evidence.auc:.2f})"
    )
    if _squashed(evidence):
        return f"{what}: {_squash_cause(evidence)}"
    if evidence.train_accuracy > LEARNED_IN_TRAINING:
        return (
            f"{what}, though training ended at accuracy {evidence.train_accuracy:.2f}: the model behaves otherwise in "
            "evaluation mode (BatchNorm statistics, dropout)"
        )
    if evidence.is_scaled:
        return f"{what}: its learned scale and bias have not moved the scores to both sides; train it longer"
    return (
        f"{what}: return a raw logit without Sigmoid or ReLU, and give a similarity or distance a learned scale and "
        "bias"
    )


def _squashed(evidence: Evidence) -> bool:
    """Whether the vectors compared have no negative values, or all point nearly the same way."""
    return _narrow(evidence) or evidence.found.get("compared_lowest", -1.0) >= 0


def _narrow(evidence: Evidence) -> bool:
    found = evidence.found
    return "cosine_low" in found and found["cosine_high"] - found["cosine_low"] < COSINE_RANGE_ALARM


def _squash_cause(evidence: Evidence) -> str:
    low, high = evidence.found["cosine_low"], evidence.found["cosine_high"]
    what = f"all cosines lie between {low:.2f} and {high:.2f} because the vectors compared"
    if evidence.found["compared_lowest"] >= 0:
        scaled = "" if evidence.is_scaled else " and give it a learned scale and bias"
        return f"{what} have no negative values; remove the Sigmoid or ReLU before the similarity{scaled}"
    scaled = "" if evidence.is_scaled else " and give the similarity a learned scale and bias"
    return f"{what} share a large common offset; centre them (BatchNorm){scaled}"


def _alike(evidence: Evidence) -> bool:
    return evidence.found.get("embedding_std", math.inf) < EMBEDDING_STD_ALARM


def _alike_cause(evidence: Evidence) -> str:
    return (
        f"all embeddings point the same way (normalised deviation {evidence.found['embedding_std']:.3f}, healthy is "
        "near 1)"
    )


def _names(evidence: Evidence) -> bool:
    """Whether a linear probe of the encodings closes half of the distance from chance to perfect."""
    probe = evidence.name_probe
    return probe is not None and probe > (1 + 1 / evidence.classes) / 2
