"""What a fusion hands to its similarity: the vectors that a model normalises or takes the cosine of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

MOST_VECTORS = 256


@dataclass(frozen=True)
class Compared:
    """Vectors that a model compares by their direction.

    Attributes:
        lowest: smallest of their entries; without negative ones, no cosine is negative.
        low, high: range of their cosines.
    """

    lowest: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """The values by the names that they have in a record."""
        return {"compared_lowest": self.lowest, "cosine_low": self.low, "cosine_high": self.high}


def watch_similarity(score: Callable[[Tensor, Tensor], Tensor], a: Tensor, b: Tensor) -> Compared | None:
    """Run ``score(a, b)`` and report its comparison with the narrowest range of cosines, or None where it makes none.

    It sees ``cosine_similarity`` and ``normalize`` of torch, however they are called, and no division by a norm.
    """
    with torch.inference_mode(), _Watch() as watch:
        score(a, b)
    return min(watch.found, key=lambda found: found.high - found.low, default=None)


class _Watch(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Compared] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if func is F.cosine_similarity:
            self._note([*args, *kwargs.values()], result)
        elif func is F.normalize:
            dim = kwargs.get("dim", args[2] if len(args) > 2 else 1)
            vectors = result.movedim(dim, -1).flatten(0, -2)[:MOST_VECTORS]
            if len(vectors) > 1:
                self._note([args[0] if args else kwargs["input"]], _between(vectors))
        return result

    def _note(self, arguments: list[Any], cosines: Tensor) -> None:
        vectors = list(_activations(arguments))
        if vectors:
            lowest = min(float(side.min()) for side in vectors)
            self.found.append(Compared(lowest, float(cosines.min()), float(cosines.max())))


def _activations(arguments: list[Any]) -> Iterator[Tensor]:
    """The tensors that depend on the images: a normalised weight is no vector of a pair."""
    return (value for value in arguments if isinstance(value, Tensor) and not isinstance(value, nn.Parameter))


def _between(vectors: Tensor) -> Tensor:
    """Cosines of all pairs of different rows of unit vectors (N, D)."""
    rows, columns = torch.triu_indices(len(vectors), len(vectors), offset=1)
    return (vectors @ vectors.T)[rows, columns]
