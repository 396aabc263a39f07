"""Which pixels the score comes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.look.contract import Picture, View, register_view, within
from bench.look.panels import Heat, draw_heat
from bench.look.subject import Subject
from bench.model import PairModel
from bench.plots.contract import NothingToDrawError


@register_view
class Gradients(View):
    """Integrated gradients (Sundararajan et al., 2017): what each pixel adds to the score, from two empty images on.

    Args:
        steps: on the way from the empty images to the pair.
    """

    name = "gradients"

    def __init__(self, steps: int = 32) -> None:
        self._steps = within(type(self), "steps", steps, 2, 1000)

    def pictures(self, subject: Subject) -> Iterable[Picture]:
        rows = subject.examples
        heat, missed = integrated_gradients(subject.stored.model, *subject.images(rows), self._steps)
        text = (
            "What each pixel adds to the score on the way from two even images to these: blue for same, red for "
            f"different. Over a pair it adds up to the difference of the two scores, here to within {missed:.2g}."
        )
        yield Picture("Integrated gradients", text, draw_heat(subject, "Integrated gradients", rows, heat, True))


def integrated_gradients(model: PairModel, a: Tensor, b: Tensor, steps: int) -> tuple[Heat, float]:
    """What each pixel adds to the score, (N, 2, H, W), and how far the sums are from what they should be, at most.

    Args:
        a, b: (N, C, H, W) uint8.

    Raises:
        NothingToDrawError: captum is not installed, or no gradient reaches the pixels.
    """
    try:
        from captum.attr import IntegratedGradients
    except ImportError:
        raise NothingToDrawError(
            "integrated gradients need captum; get it with pip install 'fusebench[look]'"
        ) from None
    pair = tuple(side.detach() for side in model.together(a, b).chunk(2))
    if not isinstance(pair[0], Tensor) or next(model.parameters(), None) is None:
        raise NothingToDrawError("the model has no weights")
    method: Any = IntegratedGradients(lambda x, y: model.score_normalised(torch.cat([x, y])))
    found, missed = method.attribute(pair, n_steps=steps, return_convergence_delta=True)
    heat = torch.stack([side.sum(1) for side in found], dim=1)
    return heat.double().numpy(), float(np.abs(missed.numpy()).max())
