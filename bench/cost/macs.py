"""Multiply-accumulates of one pair, with every operator that is neither counted nor known to be cheap named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from bench.cost.cheap import is_cheap
from bench.cost.formulas import FORMULAS
from bench.fusion import MapShape
from bench.model import IMAGE, PairModel


@dataclass(frozen=True)
class Macs:
    """Multiply-accumulates per pair.

    Attributes:
        total: the whole model. fusion: without the backbone.
        uncounted: names of operators that the totals leave out.
    """

    total: int
    fusion: int
    uncounted: tuple[str, ...]


def count_macs(model: PairModel, image: MapShape = IMAGE) -> Macs:
    """Count the multiply-accumulates of one pair (a dot product of length n has n MACs and 2n FLOPs).

    The model runs in evaluation mode *with* gradients: without them, attention takes a fused path that the counter does
    not see.
    """
    was_training = model.training
    model.eval()
    images = torch.zeros(1, image.channels, image.height, image.width, dtype=torch.uint8, device=model.device)
    names = _Names()
    with torch.enable_grad(), names, FlopCounterMode(display=False, custom_mapping=FORMULAS) as counter:
        model(images, images)
    total = counter.get_total_flops() // 2
    towers = _towers(model)
    with torch.enable_grad(), _Inside(towers) as inside:
        model(images, images)
    model.train(was_training)
    return Macs(total, total - inside.macs, tuple(sorted(names.uncounted)))


def _towers(model: PairModel) -> list[nn.Module]:
    return [part for tower in model.towers for part in (tower.stem, *tower.stages, tower.embedding)]


class _Inside:
    """Counts only while one of ``modules`` runs."""

    def __init__(self, modules: list[nn.Module]) -> None:
        self.macs = 0
        self._modules = modules
        self._running: list[FlopCounterMode] = []

    def __enter__(self) -> _Inside:
        self._hooks = [
            hook
            for module in self._modules
            for hook in (module.register_forward_pre_hook(self._start), module.register_forward_hook(self._stop))
        ]
        return self

    def __exit__(self, *error: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _start(self, module: nn.Module, args: Any) -> None:
        self._running.append(FlopCounterMode(display=False, custom_mapping=FORMULAS))
        self._running[-1].__enter__()

    def _stop(self, module: nn.Module, args: Any, result: Any) -> None:
        counter = self._running.pop()
        counter.__exit__(None, None, None)
        self.macs += counter.get_total_flops() // 2


class _Names(TorchDispatchMode):
    """Collects the names of operators that nobody counts, seen after the counter took apart what it can."""

    def __init__(self) -> None:
        super().__init__()
        self.uncounted: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        packet = func.overloadpacket
        if packet not in FORMULAS and packet not in flop_registry and not is_cheap(func):
            self.uncounted.add(packet.__name__)
        return func(*args, **(kwargs or {}))
