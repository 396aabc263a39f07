"""What a comparison finds, in the vocabulary of asv and in words."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Tier = Literal["coverage", "exact", "quality", "throughput"]
Word = Literal["worse", "better", "same", "undecided", "incomparable", "missing", "failed", "added", "fixed"]

TIERS: tuple[Tier, ...] = ("coverage", "exact", "quality", "throughput")
MARKS = MappingProxyType[Word, str](
    {
        "worse": "+",
        "better": "-",
        "same": " ",
        "undecided": "~",
        "incomparable": "x",
        "missing": "!",
        "failed": "!",
        "added": "*",
        "fixed": "*",
    }
)
LEGEND = "+ worse, - better, ~ changed but not significant, x not comparable, ! missing or failed, * new or fixed"
INCOMPLETE: frozenset[Word] = frozenset({"missing", "failed"})


@dataclass(frozen=True)
class Finding:
    """One line of a comparison.

    Attributes:
        cell: what it is about: fusion, backbone, domain and conditions, with a seed or replicate where it is about a
            single cell.
        text: what was seen.
    """

    tier: Tier
    word: Word
    cell: str
    text: str

    @property
    def mark(self) -> str:
        """The sign of asv: + worse, - better, ~ not significant, x not comparable, ! failed or missing, * new."""
        return MARKS[self.word]
