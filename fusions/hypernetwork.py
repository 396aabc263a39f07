"""A head for one embedding whose weights are generated from the other."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class Hypernetwork(Fusion):
    """Generated head: ``score = (h_v(P u) + h_u(P v)) / 2``, (B, D) twice -> (B,).

    ``h_v(p) = w2 gelu(W1 p + c1) + c2`` is a small head all of whose weights are a linear function of v: image B says
    what to look for in image A, and the other way round. ``both=false`` is one way only, as in the papers.
    """

    name, family, needs, symmetric = "hypernetwork", "gating", "embedding", True
    paper = "Ha et al., 2017, HyperNetworks; Bertinetto et al., 2016, Learning feed-forward one-shot learners"
    head = "score"

    def __init__(self, spec: FeatureSpec, width: int = 16, hidden: int = 16, both: bool = True) -> None:
        super().__init__(out_dim=1)
        self.symmetric = both
        self.project = nn.Linear(spec.dim, width)
        self.first = nn.Linear(spec.dim, hidden * (width + 1))
        self.second = nn.Linear(spec.dim, hidden + 1)
        self.hidden = hidden

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        score = self.head_of(b, a)
        return (score + self.head_of(a, b)) / 2 if self.symmetric else score

    def head_of(self, source: Tensor, x: Tensor) -> Tensor:
        """Scores (B,) of x under the heads that ``source`` generates, (B, D) each."""
        first = self.first(source).unflatten(1, (self.hidden, -1))
        second = self.second(source)
        hidden = nn.functional.gelu(torch.einsum("bhi,bi->bh", first[:, :, 1:], self.project(x)) + first[:, :, 0])
        return (hidden * second[:, 1:]).sum(1) + second[:, 0]
