"""Losses of one term on small inputs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bench.training.objectives import Batch, Objective, Space


class OneTerm:
    """The loss of an objective on pairs, or on images and their classes."""

    def build(self, text: str, dim: int = 5, classes: int = 3) -> torch.nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return Objective.parse(text).build(Space(dim, classes))

    def of_pairs(self, text: str, u: Tensor, v: Tensor, label: Tensor) -> Tensor:
        return self.build(text, u.shape[1])(Batch(u[:, 0], label, u, v, u, label))

    def of_images(self, text: str, z: Tensor, classes: Tensor) -> Tensor:
        empty = torch.empty(0)
        return self.build(text, z.shape[1])(Batch(empty, empty, empty, empty, z, classes))

    def randn(self, *shape: int, seed: int = 0) -> Tensor:
        return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="session")
def one() -> OneTerm:
    return OneTerm()


@pytest.fixture
def finite() -> Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]:
    """The gradient of a loss at a point, which must be finite."""

    def gradient(loss: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
        at = at.clone().requires_grad_()
        value = loss(at)
        value.backward()
        assert torch.isfinite(value)
        assert torch.isfinite(at.grad).all()
        return at.grad

    return gradient
