"""Formats: the ways in which a report, a comparison or an audit is written, each a class in a file of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from bench import zoo
from bench.registry import Registry
from bench.spec import parse_spec

T = TypeVar("T")
F = TypeVar("F")


class Format(ABC, Generic[T]):
    """Base class of all formats of one kind of product.

    - ``name``: as typed after ``--format``.

    The first line of the docstring says what the text is. Constructor parameters are typed, have defaults and are set
    as in ``--format md:wide=true``.
    """

    name: ClassVar[str]

    @abstractmethod
    def render(self, product: T, /) -> str:
        """The product as text, which ends with a line break."""

    def publish(self, product: T, /) -> None:
        """Called after the text is written: for readers who also look elsewhere, such as at the page of a CI run."""


def choose_format(formats: Registry[F], text: str) -> F:
    """The format that ``text`` (``name`` or ``name:param=value``) stands for.

    Entry points are loaded only where they are needed, as they may import torch, which the built-in formats do without.

    Raises:
        UsageError: an unknown name or parameter.
    """
    if parse_spec(text).name not in formats:
        zoo.load(built_in=())
    return formats.settle(text).build()
