"""Neural tensor network on the two projected embeddings."""

from torch import Tensor

from bench.fusion import FeatureSpec, register

from .multiplicative_interaction import MultiplicativeInteraction


@register
class NeuralTensorNetwork(MultiplicativeInteraction):
    """Neural tensor network: ``f_k = tanh(p' W_k q + V_k [p; q] + c_k)`` with ``p = P u``, ``q = P v``, (B, D) twice ->
    (B, width).

    W_k is symmetric and V treats both halves alike; ``shared=false`` is the form of the paper, where the order of the
    pair matters.
    """

    name, paper = "ntn", "Socher et al., 2013, Reasoning with neural tensor networks for knowledge base completion"

    def __init__(self, spec: FeatureSpec, rank: int = 32, width: int = 16, shared: bool = True) -> None:
        super().__init__(spec, rank, width, shared)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return super().forward(a, b).tanh()
