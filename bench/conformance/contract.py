"""What the class of a fusion declares, against what it does: shapes."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.conformance.cases import Case, CheckFailedError
from bench.fusion import Fusion
from bench.model import IMAGE

BATCH = 3


def shape(case: Case) -> None:
    """``forward`` and ``exchange`` return what the class declares: features (B, out_dim), scores (B,), or a joint image
    or map."""
    joint = case.joint().eval()
    a, b = case.features(BATCH)
    with torch.no_grad():
        if case.model.fusion.needs == "exchange":
            _check_exchange(joint.fusion, a, b)
            joined = joint.fusion(*torch.zeros(2, BATCH, case.spec.dim))
        else:
            joined = joint.fusion(a, b)
    if not isinstance(joined, Tensor):
        raise CheckFailedError(f"forward returned {type(joined).__name__}, expected one tensor")
    expected, what = _declared(case)
    if tuple(joined.shape) != expected:
        hint = " (flatten the last dimension away)" if joined.shape == (BATCH, 1) and expected == (BATCH,) else ""
        raise CheckFailedError(f"forward returned shape {tuple(joined.shape)}, expected {expected}: {what}{hint}")
    with torch.no_grad():
        scores = joint(a, b)
    if tuple(scores.shape) != (BATCH,):
        raise CheckFailedError(
            f"the model returned scores of shape {tuple(scores.shape)} for {BATCH} pairs, expected {(BATCH,)}"
        )


def _check_exchange(fusion: Fusion, p: Tensor, q: Tensor) -> None:
    exchanged = fusion.exchange(p, q)
    if not isinstance(exchanged, tuple) or [side.shape for side in exchanged] != [p.shape, q.shape]:
        raise CheckFailedError(
            f"exchange must return two maps of the shape that the stage returned, {tuple(p.shape)} each: the backbone "
            "goes on with both"
        )


def _declared(case: Case) -> tuple[tuple[int, ...], str]:
    fusion = case.model.fusion
    if fusion.needs == "pixels" and case.model.runs_after_join:
        image = fusion.joined(IMAGE)
        return (BATCH, image.channels, image.height, image.width), "the joint image that joined() declares"
    if fusion.needs == "stage":
        return (BATCH, *case.shape()), "a map of the shape that the stage returned, on which the backbone goes on"
    if fusion.head == "score":
        return (BATCH,), "head = 'score' declares one score per pair"
    return (BATCH, fusion.out_dim), "out_dim, as given to super().__init__"
