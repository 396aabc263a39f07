"""Parameter counts."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from bench.model import PairModel


@dataclass(frozen=True)
class Parameters:
    """Numbers of parameters: all, those that train, and those of fusion and head without backbones."""

    total: int
    trainable: int
    fusion: int


def count_parameters(model: PairModel, trained: nn.Module | None = None) -> Parameters:
    """Count the parameters of ``model``; shared tensors count once.

    Args:
        trained: the part that trains, where that is not the whole model (frozen protocol).
    """
    total = _size(model)
    backbones = sum(_size(tower) for tower in model.towers)
    return Parameters(total, _size(trained or model, trainable=True), total - backbones)


def _size(module: nn.Module, trainable: bool = False) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad or not trainable)
