"""Contract of an objective's terms: what each reads and how it is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Self, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import UsageError
from bench.registry import Registry
from bench.spec import Spec, canonical, check_params

Reads = Literal["scores", "pairs", "classes"]


@dataclass(frozen=True)
class Space:
    """What encoded images are: ``dim`` numbers each, of ``classes`` classes."""

    dim: int
    classes: int


@dataclass(frozen=True)
class Batch:
    """One batch as the terms read it.

    Attributes:
        scores: (P,) logits of the pairs. label: (P,) int64, 1 for same.
        u, v: (P, D) encoded images of the pairs; empty where no term reads them.
        encoded: (N, D) every encoded image once. classes: (N,) int64.
    """

    scores: Tensor
    label: Tensor
    u: Tensor
    v: Tensor
    encoded: Tensor
    classes: Tensor


class Term(nn.Module):
    """Base class of the terms of an objective. Whatever they read, "same" is 1 and "different" is 0.

    - ``name``: as typed on the command line.
    - ``reads``: arguments of ``forward``, which returns the loss (). ``scores``: scores (P,) and label (P,).
      ``pairs``: encoded images u and v (P, D) and label (P,). ``classes``: encoded images (N, D), each once, and their
      classes (N,) int64.
    - ``paper``: where it comes from.

    The class docstring gives the formula. Constructor parameters after ``space`` are typed and have defaults.
    """

    name: ClassVar[str]
    reads: ClassVar[Reads]
    paper: ClassVar[str]

    def __init__(self, space: Space) -> None:
        super().__init__()

    @classmethod
    def settle(cls, spec: Spec) -> Spec:
        """The one way to write ``spec``, with its parameters checked and converted.

        Raises:
            UsageError: an unknown parameter or a value of another type.
        """
        params = canonical(spec, cls, given=("space",)).params
        checked = check_params(cls, params, given=("space",), where=f"objective {spec}")
        return canonical(Spec(spec.name, checked), cls, given=("space",))

    @classmethod
    def build(cls, spec: Spec, space: Space) -> Self:
        """The term that a settled ``spec`` describes; a value out of range raises ``UsageError``."""
        return cls(space, **spec.params)

    def of(self, batch: Batch) -> Tensor:
        """The loss () of a batch."""
        if self.reads == "scores":
            return self(batch.scores, batch.label)
        if self.reads == "pairs":
            return self(batch.u, batch.v, batch.label)
        return self(batch.encoded, batch.classes)


def balance(label: Tensor, dtype: torch.dtype) -> Tensor:
    """Weights (P,) with which "same" and "different" count alike however many there are of each: 1 on average, and
    about 1/2 where a batch holds only one of them."""
    target = label.to(dtype)
    same = target.mean().clamp(1 / (2 * len(target)), 1 - 1 / (2 * len(target)))
    return target / (2 * same) + (1 - target) / (2 * (1 - same))


def balanced_mean(losses: Tensor, label: Tensor) -> Tensor:
    """Mean () of the losses (P,) with "same" and "different" weighted alike."""
    return (balance(label, losses.dtype) * losses).mean()


def unit(encoded: Tensor) -> Tensor:
    """Rows (N, D) scaled to length 1; rows of zeros stay zeros, with finite gradients."""
    return F.normalize(encoded, dim=1, eps=1e-6)


def positive(term: str, **values: float) -> None:
    """Raise ``UsageError`` unless all values are above 0."""
    for name, value in values.items():
        if not value > 0:
            raise UsageError(f"objective {term}: {name} = {value:g}: expected a number greater than 0")


def _check(cls: type[Term]) -> None:
    for attribute in ("name", "reads", "paper"):
        if not hasattr(cls, attribute):
            raise TypeError(f"objective {cls.__name__} does not state {attribute!r}")
    if cls.reads not in get_args(Reads):
        raise TypeError(f"objective {cls.__name__}: reads must be one of {', '.join(get_args(Reads))}")
    if not cls.__doc__:
        raise TypeError(f"objective {cls.__name__} has no docstring; it must give the formula")


OBJECTIVES: Registry[Term] = Registry("objective", _check)
register_objective = OBJECTIVES.register
