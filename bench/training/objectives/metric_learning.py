"""Losses of the package pytorch-metric-learning, an optional extra."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from types import ModuleType
from typing import Any, Self

import torch
from torch import Tensor, nn

from bench.errors import UsageError
from bench.spec import FIRST, Spec
from bench.training.objectives.contract import ForeignTerm, Space, register_objective


@register_objective
class MetricLearning(ForeignTerm):
    """Any loss of pytorch-metric-learning that takes encoded images and their classes: ``pml:NAME:param=value``.

    Parameters are numbers or true and false and go to the loss as they are; ``num_classes`` and ``embedding_size`` are
    supplied. Weights of a loss are trained with the model and dropped at evaluation.
    """

    name, reads = "pml", "classes"
    paper = "Musgrave et al., 2020, PyTorch Metric Learning"

    def __init__(self, space: Space, loss: nn.Module) -> None:
        super().__init__(space)
        self.loss = loss

    @classmethod
    def check(cls, spec: Spec) -> None:
        losses = _losses(spec)
        known = [name for name, found in vars(losses).items() if name.endswith("Loss") and inspect.isclass(found)]
        name = spec.params.get(FIRST)
        if name not in known:
            near = get_close_matches(str(name), known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "such as MultiSimilarityLoss or ProxyAnchorLoss"
            raise UsageError(f"objective {spec}: expected pml:NAME with a loss of pytorch-metric-learning; {hint}")

    @classmethod
    def wrap(cls, spec: Spec, space: Space) -> Self:
        loss = getattr(_losses(spec), str(spec.params[FIRST]))
        given: dict[str, Any] = {"num_classes": space.classes, "embedding_size": space.dim}
        accepted = inspect.signature(loss).parameters
        supplied = {name: value for name, value in given.items() if name in accepted}
        params = {name: value for name, value in spec.params.items() if name != FIRST}
        try:
            term = cls(space, loss(**supplied, **params))
            term(torch.eye(4, space.dim), torch.arange(4) // 2 % space.classes)
        except Exception as error:  # whatever a loss of others raises when it needs more than that
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UsageError(f"objective {spec}: cannot be used on encoded images and classes ({reason})") from None
        return term

    def forward(self, encoded: Tensor, classes: Tensor) -> Tensor:
        return self.loss(encoded, classes)


def _losses(spec: Spec) -> ModuleType:
    try:
        from pytorch_metric_learning import losses
    except ImportError:
        raise UsageError(
            f"objective {spec}: needs pytorch-metric-learning, which is not installed; pip install 'fusebench[metric]'"
        ) from None
    return losses
