"""Message passing within and between the two images."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register

from .attention import Block, TokenEmbedding


@register
class BipartiteGraph(Fusion):
    """Attentional graph network: rounds of ``S = S + Attn(S, S)`` and ``S = S + Attn(S, T)``, T likewise,
    (B, L, D) twice -> (B, 2 width).

    Self edges join the tokens of one image, cross edges those of both; an MLP follows each attention. The two images
    are updated at once and share all weights. Readout ``f = [|s - t|; s * t]`` of the means s and t.
    """

    name, family, needs, symmetric = "bipartite_graph", "relational", "tokens", True
    paper = "Sarlin et al., 2020, SuperGlue"

    def __init__(self, spec: FeatureSpec, width: int = 64, rounds: int = 2, heads: int = 4) -> None:
        super().__init__(out_dim=2 * width)
        self.embed = TokenEmbedding(spec, width)
        self.within = nn.ModuleList(Block(width, heads) for _ in range(rounds))
        self.across = nn.ModuleList(Block(width, heads) for _ in range(rounds))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        s, t = self.embed(a), self.embed(b)
        for within, across in zip(self.within, self.across, strict=True):
            s, t = within(s), within(t)
            s, t = across(s, t), across(t, s)
        u, v = s.mean(1), t.mean(1)
        return torch.cat([(u - v).abs(), u * v], dim=1)
