"""Contract of an objective's terms: what each reads and how it is built."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import UsageError
from bench.registry import Choice, Registry
from bench.spec import Spec, parse_spec

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
    - ``paper``: where it comes from; empty (default) for what is new.

    The class docstring gives the formula. Constructor parameters after ``space`` are typed and have defaults.
    """

    name: ClassVar[str]
    reads: ClassVar[Reads]
    paper: ClassVar[str] = ""

    def __init__(self, space: Space) -> None:
        super().__init__()

    def of(self, batch: Batch) -> Tensor:
        """The loss () of a batch."""
        if self.reads == "scores":
            return self(batch.scores, batch.label)
        if self.reads == "pairs":
            return self(batch.u, batch.v, batch.label)
        return self(batch.encoded, batch.classes)


class ForeignTerm(Term):
    """Base class of terms that another package defines, with parameters of its own: they stay as they were written."""

    @classmethod
    @abstractmethod
    def check(cls, spec: Spec) -> None:
        """Raise ``UsageError`` unless the package has what ``spec`` names."""

    @classmethod
    @abstractmethod
    def wrap(cls, spec: Spec, space: Space) -> Self:
        """The term; one that cannot be used here raises ``UsageError``."""


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
    for attribute in ("name", "reads"):
        if not hasattr(cls, attribute):
            raise TypeError(f"objective {cls.__name__} does not state {attribute!r}")
    if cls.reads not in get_args(Reads):
        raise TypeError(f"objective {cls.__name__}: reads must be one of {', '.join(get_args(Reads))}")
    if not cls.__doc__:
        raise TypeError(f"objective {cls.__name__} has no docstring; it must give the formula")


class _Objectives(Registry[Term]):
    def settle(self, text: str) -> Choice[Term]:
        spec = parse_spec(text)
        cls = self.get(spec.name)
        if not issubclass(cls, ForeignTerm):
            return super().settle(text)
        cls.check(spec)
        return Choice(spec.name, spec.params, registry=self)

    def build(self, choice: Choice[Term], *given: Any) -> Term:
        cls = choice.cls
        return cls.wrap(choice, *given) if issubclass(cls, ForeignTerm) else super().build(choice, *given)


OBJECTIVES = _Objectives("objective", _check, given=("space",))
register_objective = OBJECTIVES.register
