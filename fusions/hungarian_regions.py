"""Regions of the two maps matched one to one, then multiplied."""

from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, Fusion, register

from .assignment import best_partners


@register
class HungarianRegions(Fusion):
    """Matched regions: ``f = mean_i p_i * q_pi(i)``, (B, C, H, W) twice -> (B, width).

    The projected maps are cut into ``grid`` x ``grid`` regions (at most H x W), each averaged and scaled to unit
    variance: p_i and q_j. ``pi`` is the one-to-one matching of the largest total cosine. The gradient flows through the
    matched regions, not through the choice of pi. Matched on the CPU, pair by pair.
    """

    name, family, needs, symmetric = "hungarian_regions", "matching", "map", True
    paper = "Kuhn, 1955, The Hungarian method for the assignment problem; Zhang et al., 2020, DeepEMD"

    def __init__(self, spec: FeatureSpec, width: int = 64, grid: int = 4) -> None:
        super().__init__(out_dim=width)
        self.cut = nn.AdaptiveAvgPool2d((min(grid, spec.map.height), min(grid, spec.map.width)))
        self.project = nn.Conv2d(spec.map.channels, width, 1)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        p, q = self._regions(a), self._regions(b)
        partners = best_partners(p @ q.transpose(1, 2))
        matched = q.gather(1, partners[:, :, None].expand_as(q))
        return (p * matched).mean(1) * p.shape[2]

    def _regions(self, feature_map: Tensor) -> Tensor:
        """Regions as vectors of length 1: (B, C, H, W) -> (B, grid^2, width)."""
        return F.normalize(self.cut(self.project(feature_map)).flatten(2).transpose(1, 2), dim=2, eps=1e-6)
