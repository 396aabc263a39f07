"""Diagnosis of one trained model: what was measured on it, and whether it counts as collapsed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from bench.evaluation.collapse import Evidence, collapse_reason, not_learned_reason
from bench.evaluation.diagnostics import embedding_diagnostics
from bench.evaluation.similarity_probe import watch_similarity
from bench.model import PairModel

PROBE, WATCHED = 256, 64


@dataclass(frozen=True)
class Diagnosis:
    """Measures by name for the record, with a ``note`` where the model has not learned, and why it counts as collapsed
    (None where it does not)."""

    measures: dict[str, Any]
    collapse: str | None


def diagnose(model: PairModel, a: Tensor, b: Tensor, class_a: Tensor, class_b: Tensor, evidence: Evidence) -> Diagnosis:
    """Measure a trained model and judge it; a control must stay at chance and is never judged.

    Args:
        a, b: what the model is given of test pairs, such as uint8 images (N, 3, H, W); the first ``PROBE`` are used.
        class_a, class_b: (N,) int64, on any device.
        evidence: how training and testing ended.
    """
    classes = (side[:PROBE].to(a.device) for side in (class_a, class_b))
    found = _measure(model.eval(), a[:PROBE], b[:PROBE], *classes)
    evidence = replace(evidence, found=found, is_scaled=_is_scaled(model))
    measures: dict[str, Any] = {**found, "loss_is_trivial": evidence.loss_is_trivial}
    if model.fusion.role == "control":
        return Diagnosis(measures, None)
    collapse = collapse_reason(evidence)
    note = None if collapse else not_learned_reason(evidence)
    return Diagnosis(measures | ({"note": note} if note else {}), collapse)


def _is_scaled(model: PairModel) -> bool:
    """Whether a fusion that scores by itself learns two single numbers: the scale and the bias of its score."""
    numbers = [parameter for parameter in model.fusion.parameters() if parameter.numel() == 1]
    return model.fusion.head == "score" and len(numbers) >= 2


def _measure(model: PairModel, a: Tensor, b: Tensor, class_a: Tensor, class_b: Tensor) -> dict[str, float]:
    """What can be read off the encodings, where there are any, and off the vectors that the fusion compares."""
    if not model.encodes_separately:
        compared = watch_similarity(model, a[:WATCHED], b[:WATCHED])
        return compared.as_dict() if compared else {}
    with torch.inference_mode():
        u, v = model.encode(torch.cat([a, b])).chunk(2)
        compared = watch_similarity(model.compare, u[:WATCHED], v[:WATCHED])
        return embedding_diagnostics(u, v, class_a, class_b) | (compared.as_dict() if compared else {})
