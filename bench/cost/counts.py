"""What is counted of a model, as a record keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from bench.cost.macs import count_macs
from bench.fusion import MapShape
from bench.model import IMAGE, PairModel


def counts(model: PairModel, trained: nn.Module | None = None, image: MapShape = IMAGE) -> dict[str, Any]:
    """Parameters, multiply-accumulates of one pair of images of shape ``image``, and the operators left out.

    Args:
        trained: the part that trains, where that is not the whole model (frozen protocol).
    """
    parameters, macs = count_parameters(model, trained), count_macs(model, image)
    return {
        "parameters": parameters.total,
        "trainable": parameters.trainable,
        "fusion_parameters": parameters.fusion,
        "macs": macs.total,
        "fusion_macs": macs.fusion,
        "uncounted": list(macs.uncounted),
    }


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
