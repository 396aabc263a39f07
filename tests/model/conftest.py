"""Models by name, and images for them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bench.fusion import MapShape
from bench.model import IMAGE, PairModel, build_model
from bench.spec import parse_spec


class Models:
    """Builds models by name on a small backbone, and makes random images for them."""

    backbone = "mobilenetv3_small_32"

    def build(self, fusion: str, backbone: str = backbone, seed: int = 0, image: MapShape = IMAGE) -> PairModel:
        """The model of a fusion with parameters."""
        return build_model(parse_spec(fusion), backbone, image, seed)

    def images(self, n: int, seed: int = 0, image: MapShape = IMAGE) -> tuple[Tensor, Tensor]:
        """(n, C, H, W) uint8 twice."""
        generator = torch.Generator().manual_seed(seed)
        shape = (2, n, image.channels, image.height, image.width)
        a, b = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        return a, b

    def scores(self, model: PairModel, a: Tensor, b: Tensor) -> Tensor:
        """Scores (n,) in evaluation mode."""
        with torch.no_grad():
            return model.eval()(a, b)


@pytest.fixture(scope="session")
def models() -> Models:
    """Models by name, and images for them."""
    return Models()
