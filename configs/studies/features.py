"""The seven ways in which Reimers & Gurevych, 2019, Sentence-BERT, table 6, join two embeddings."""

import torch
from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, register

WIDTHS = {"uv": 2, "diff": 1, "product": 1}


@register
class Features(Fusion):
    """Some of the features of a pair, one after the other: ``uv`` [u; v], ``diff`` |u - v|, ``product`` u * v.

    Args:
        of: names joined by ``+``, as in ``uv+diff``; (B, D) twice become (B, 2D) for ``uv`` and (B, D) for each other.
    """

    name, family, needs, symmetric = "features", "embedding", "embedding", False
    paper = "Reimers & Gurevych, 2019, Sentence-BERT; Conneau et al., 2017, InferSent"

    def __init__(self, spec: FeatureSpec, of: str = "uv+diff+product") -> None:
        self.of = of.split("+")
        if not set(self.of) <= WIDTHS.keys():
            raise ValueError(f"of {of!r}: expected some of {', '.join(WIDTHS)}, joined by +")
        super().__init__(out_dim=sum(WIDTHS[one] for one in self.of) * spec.dim)
        self.symmetric = "uv" not in self.of

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        made = {"uv": lambda: torch.cat([a, b], dim=1), "diff": lambda: (a - b).abs(), "product": lambda: a * b}
        return torch.cat([made[one]() for one in self.of], dim=1)
