"""Raw cosine of embeddings that end in a Sigmoid: a failure kept to be seen."""

from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, Fusion, register


@register
class SiameseCosineSigmoid(Fusion):
    """Siamese with a Sigmoid head and a raw cosine: ``score = cos(sigmoid(W u + c), sigmoid(W v + c))``, (B, D) twice
    -> (B,).

    It ranks pairs, but never says "different". ``cosine`` is the remedy: no Sigmoid, and a learned scale and bias.
    """

    name, family, needs, symmetric = "siamese_cosine_sigmoid", "similarity", "embedding", True
    paper = "a common mistake with Bromley et al., 1993"
    known_failure = (
        "Sigmoid embeddings are positive, so every cosine is near 1, and without scale and bias no score is negative: "
        "every pair is called same"
    )
    head = "score"

    def __init__(self, spec: FeatureSpec, width: int = 128) -> None:
        super().__init__(out_dim=1)
        self.project = nn.Sequential(nn.Linear(spec.dim, width), nn.Sigmoid())

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return F.cosine_similarity(self.project(a), self.project(b), dim=1)
