"""Training treats the two images alike: what it leaves behind does not depend on which one comes first."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from bench.conformance.cases import Case, CheckFailedError, Joint

PAIRS = 16
TOLERANCE = 1e-4  # of a statistic's size; rounding comes to 1e-6, a second pass of BatchNorm to 1e-2


def order(case: Case) -> None:
    """A symmetric model leaves the same running statistics after training on (A, B) as on (B, A)."""
    if not case.model.symmetric:
        return
    a, b = case.features(PAIRS)
    joint = case.joint()
    forward, backward = _statistics_after(joint, a, b), _statistics_after(joint, b, a)
    for name, statistic in forward.items():
        gap = float((statistic - backward[name]).abs().max())
        if gap > TOLERANCE * max(1.0, float(statistic.abs().max())):
            raise CheckFailedError(
                f"{name} depends on which image comes first (by {gap:.2g}): BatchNorm runs once for A and once for B, "
                "and the last pass weighs more. Run it once over torch.cat([a, b])"
            )


def _statistics_after(joint: Joint, a: Tensor, b: Tensor) -> dict[str, Tensor]:
    """Floating-point buffers of a copy after one training pass without dropout."""
    trained = copy.deepcopy(joint).train()
    for module in trained.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.eval()
    with torch.no_grad():
        trained(a, b)
    return {name: buffer.double() for name, buffer in trained.named_buffers() if buffer.is_floating_point()}
