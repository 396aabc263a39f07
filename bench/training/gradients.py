"""Gradients of a model while it trains, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from bench.training.pairs import PairLearner

EVERY = 4
Layers = Mapping[str, Sequence[nn.Parameter]]


def layers_of(learner: PairLearner) -> Layers:
    """What a learner trains by layer, in the order in which an image meets them: stem, stages and embedding of the
    backbone, of the second one too where each image has its own, fusion, head, objective and auxiliary heads."""
    model, found = learner.model, dict[str, list[nn.Parameter]]()
    parts: list[tuple[str, nn.Module]] = []
    for prefix, tower in zip(("", "second "), model.towers, strict=False):
        for name, child in tower.named_children():
            if isinstance(child, nn.ModuleList):
                parts += [(f"{prefix}{name.removesuffix('s')} {place}", block) for place, block in enumerate(child)]
            else:
                parts.append((f"{prefix}{name}", child))
    own = ("fusion", model.fusion), ("head", model.head), ("objective", learner.loss), ("auxiliary", learner.heads)
    for name, part in (*parts, *own):
        trained = [parameter for parameter in part.parameters() if parameter.requires_grad]
        if trained:
            found[name] = trained
    return found


class GradientNorms:
    """Norm of the gradient of each layer, before it is limited, as the mean over every ``EVERY``-th step."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._steps = 0
        self._seen: list[Tensor] = []

    def clip(self, parameters: list[nn.Parameter], max_norm: float) -> Tensor:
        """:func:`torch.nn.utils.clip_grad_norm_`, and mostly nothing else, or a look at the gradients before."""
        if self._steps % EVERY == 0:
            gradients = ([p.grad for p in own if p.grad is not None] for own in self._layers.values())
            norms = [nn.utils.get_total_norm(own).to(parameters[0].device) for own in gradients]
            self._seen.append(torch.stack(norms))
        self._steps += 1
        return nn.utils.clip_grad_norm_(parameters, max_norm)

    def mean(self) -> dict[str, float]:
        """By layer, over the steps since this was last asked; the tensors are read only now, so that no step waits."""
        seen, self._seen, self._steps = self._seen, [], 0
        means = torch.stack(seen).mean(0).tolist() if seen else []
        return dict(zip(self._layers, means, strict=False))
