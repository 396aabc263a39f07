"""What the warm-ups that answer with one of several classes share."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from bench.training.warmup.contract import Measure, WarmupTask

ACCURACY = Measure("accuracy", "share", "higher")


class Classification(WarmupTask):
    """Cross-entropy of logits (B, classes) against targets (B,) int64; judged by accuracy."""

    measure = ACCURACY

    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(outputs, target)

    def hits(self, outputs: Tensor, target: Tensor) -> Tensor:
        return outputs.argmax(1) == target

    def assess(self, outputs: Tensor, target: Tensor) -> dict[str, float]:
        return {ACCURACY.name: float(self.hits(outputs, target).float().mean())}
