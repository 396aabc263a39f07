"""What is counted of a model, as a record keeps it."""

from __future__ import annotations

from typing import Any

from torch import nn

from bench.cost.macs import count_macs
from bench.cost.parameters import count_parameters
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
