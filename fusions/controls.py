"""Controls: joins that must stay at chance. A control above chance shows a leak in the data."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, mlp, register


@register
class SingleImage(Fusion):
    """Only image A: ``f = u``, (B, D) twice -> (B, D). Above 50 % means that one image gives the label away."""

    name, family, role, needs, symmetric = "single_image", "control", "control", "embedding", False
    paper = "Poliak et al., 2018, Hypothesis only baselines in natural language inference"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a


@register
class PixelDistance(Fusion):
    """Negative pixel distance: ``score = b - s rms(a - b)`` with s, b fitted, (B, 3, H, W) twice -> (B,).

    No backbone. Above 50 % means that same pairs look alike as pictures.
    """

    name, family, role, needs, symmetric = "pixel_distance", "control", "control", "pixels", True
    head, encoder = "score", "none"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=1)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.bias = nn.Parameter(torch.tensor(1.0))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.bias - self.scale * ((a - b).square().mean((1, 2, 3)) + 1e-12).sqrt()


@register
class RandomEncoder(Fusion):
    """Absolute difference of the embeddings of a frozen random backbone: ``f = |u - v|``, (B, D) twice -> (B, D).

    Tells "the fusion is good" from "training the encoder is good".
    """

    name, family, role, needs, symmetric = "random_encoder", "control", "control", "embedding", True
    paper = "Webb et al., 2021, Emergent symbols through binding in external memory (random encoder)"
    encoder = "random"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).abs()


@register
class DecisionAverage(Fusion):
    """Mean of two single-image decisions: ``score = (h(u) + h(v)) / 2``, (B, D) twice -> (B,).

    Additive: no sum of per-image scores can express "equal".
    """

    name, family, role, needs, symmetric = "decision_average", "control", "control", "embedding", True
    head = "score"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=1)
        self.decide = mlp(spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (self.decide(a) + self.decide(b)).flatten() / 2


@register
class ConcatLinear(Fusion):
    """Concatenation and one linear layer: ``score = w_A u + w_B v + c``, (B, D) twice -> (B, 2D) -> (B, 1).

    Additive: with balanced cells its best cross-entropy is exactly ln 2, a constant 0.5.
    """

    name, family, role, needs, symmetric = "concat_linear", "control", "control", "embedding", False
    head = "linear"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=2 * spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([a, b], dim=1)
