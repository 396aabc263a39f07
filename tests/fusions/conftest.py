"""Small inputs for the fusions, and fusions built for them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, MapShape
from bench.model import build_fusion
from bench.spec import parse_spec


class Small:
    """Three pairs of whatever a fusion joins, and fusions built for that size."""

    batch = 3
    spec = FeatureSpec(MapShape(3, 8, 8), (MapShape(5, 2, 3),), MapShape(5, 2, 3), 6)

    def build(self, fusion: str) -> Fusion:
        """The fusion, initialised from a fixed seed, in evaluation mode."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return build_fusion(parse_spec(fusion), self.spec).eval()

    def randn(self, *shape: int, seed: int = 0) -> Tensor:
        """Standard-normal numbers."""
        return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))

    def embeddings(self, seed: int = 0) -> tuple[Tensor, Tensor]:
        """(3, 6) twice."""
        a, b = self.randn(2, self.batch, self.spec.dim, seed=seed)
        return a, b

    def maps(self, seed: int = 0) -> tuple[Tensor, Tensor]:
        """(3, 5, 2, 3) twice."""
        a, b = self.randn(2, self.batch, 5, 2, 3, seed=seed)
        return a, b

    def tokens(self, seed: int = 0) -> tuple[Tensor, Tensor]:
        """(3, 6, 5) twice."""
        a, b = self.randn(2, self.batch, self.spec.tokens, self.spec.token_dim, seed=seed)
        return a, b


@pytest.fixture(scope="session")
def small() -> Small:
    """Small inputs and fusions built for them; the same for every test and every hypothesis example."""
    return Small()
