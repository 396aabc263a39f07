"""Siamese cosine beside an auxiliary head that locates the figure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from torch import Tensor, nn

from bench.fusion import FeatureSpec, register

from .cosine import Cosine


@register
class SiameseCosineCentre(Cosine):
    """Siamese cosine with a locating head: ``score = s cos(W u, W v) + b`` with learned s and b, (B, D) twice -> (B,).

    While training, an auxiliary head regresses the centre of each figure from its embedding. The projection W may drop
    the place that this keeps in the embedding, and that the comparison must not see.
    """

    name, paper = "siamese_cosine_centre", "Bromley et al., 1993, with an auxiliary task as in Caruana, 1997"
    auxiliary: ClassVar[Mapping[str, float]] = MappingProxyType({"centre": 1.0})

    def __init__(self, spec: FeatureSpec, width: int = 64, scale: float = 8.0) -> None:
        super().__init__(spec, scale)
        self.project = nn.Linear(spec.dim, width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return super().forward(self.project(a), self.project(b))
