"""Cross squeeze-and-excitation between the two streams."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, register

from .map_exchange import MapExchange


@register
class MMTM(MapExchange):
    """Multimodal transfer: ``P' = 2 sigmoid(E relu(S [p; q])) * P``, ``Q' = 2 sigmoid(E relu(S [q; p])) * Q`` with
    ``p = mean_xy(P)``, ``q = mean_xy(Q)`` after stage k, then ``f = [|u - v|; u * v]``, (B, D) twice -> (B, 2D).

    Both streams share the squeeze S, (2C -> 2C / ratio), and the excitation E. ``symmetric=false`` is the classic form:
    one squeeze of ``[p; q]`` for both, and an excitation for each.
    """

    name, family, symmetric = "mmtm", "map", True
    paper = "Joze et al., 2020, MMTM: Multimodal transfer module for CNN fusion"

    def __init__(self, spec: FeatureSpec, stage: int = 1, ratio: int = 4, symmetric: bool = True) -> None:
        super().__init__(spec, stage)
        self.symmetric = symmetric
        channels = spec.stage(stage).channels
        squeezed = max(1, 2 * channels // ratio)
        self.squeeze = nn.Sequential(nn.Linear(2 * channels, squeezed), nn.ReLU())
        self.excite = nn.Linear(squeezed, channels)
        self.excite_b = self.excite if symmetric else nn.Linear(squeezed, channels)

    def exchange(self, p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        of_p, of_q = p.mean((2, 3)), q.mean((2, 3))
        for_p = self.squeeze(torch.cat([of_p, of_q], dim=1))
        for_q = self.squeeze(torch.cat([of_q, of_p], dim=1)) if self.symmetric else for_p
        return _gated(p, self.excite(for_p)), _gated(q, self.excite_b(for_q))


def _gated(feature_map: Tensor, logits: Tensor) -> Tensor:
    return 2 * logits.sigmoid()[:, :, None, None] * feature_map
