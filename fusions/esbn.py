"""Emergent symbol binding network for a sequence of two embeddings."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, Fusion, register


@register
class ESBN(Fusion):
    """Symbol binding: ``f = LSTM(0, 0, g [k_A; c])`` with ``c = sigmoid(gain cos(u, v) + bias)``, (B, D) twice ->
    (B, width).

    The controller, an LSTM, writes a key for each item, bound to its embedding, and never sees an embedding. Item A
    comes to an empty memory; item B recalls A's key ``k_A`` with the confidence c, through a gate g, and one more step
    reads what was recalled. With a single memory the weight of the recall is 1 and c is all that the pair can change,
    so two items give a symmetric score. The paper compares by dot product; the cosine keeps c off saturation.

    The score is a function of that cosine and of nothing else. Where embeddings are fixed, as under the frozen
    protocol, it ranks pairs as ``cosine`` does as far as the function rises; what it adds can only show where an
    encoder is trained through it.
    """

    name, family, needs, symmetric = "esbn", "relational", "embedding", True
    paper = "Webb, Sinha & Cohen, 2021, Emergent symbols through binding in external memory"

    def __init__(self, spec: FeatureSpec, width: int = 64, key: int = 32, gain: float = 4.0) -> None:
        super().__init__(out_dim=width)
        self.controller = nn.LSTMCell(key + 1, width)
        self.write = nn.Linear(width, key)
        self.gate = nn.Linear(width, 1)
        self.gain = nn.Parameter(torch.tensor(gain))
        self.bias = nn.Parameter(torch.tensor(-gain / 2))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        confidence = (self.gain * F.cosine_similarity(a, b, dim=1, eps=1e-6) + self.bias).sigmoid()
        nothing = a.new_zeros(len(a), self.controller.input_size)
        at_a = self.controller(nothing)
        key = self.write(at_a[0]).relu()
        at_b = self.controller(nothing, at_a)
        recalled = self.gate(at_b[0]).sigmoid() * torch.cat([key, confidence[:, None]], dim=1)
        return self.controller(recalled, at_b)[0]
