"""Pairs at the ends of the scores and of the cosines, and the surest decisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bench.look.contract import Picture, View, register_view, within
from bench.look.panels import draw_pairs
from bench.look.subject import Rows, Scored, Subject


@dataclass(frozen=True)
class Gallery:
    """Some pairs, the most telling one first."""

    title: str
    text: str
    rows: Rows


def ends(label: Rows, values: Scored, by: str, most: int, pictured: Rows | None = None) -> Iterator[Gallery]:
    """The closest and farthest pairs of each label, where large ``values`` (N,) mean close; of equals the first.

    Args:
        pictured: (N,) the same number for pairs of the same pictures, one of which is enough.
    """
    flat = " All are equal." if len(values) and np.ptp(values) == 0 else ""
    for end, most_by, sign in (("Closest", "highest", -1), ("Farthest", "lowest", 1)):
        for name, own in (("different", label == 0), ("same", label == 1)):
            rows = np.flatnonzero(own)
            chosen = _unlike(rows[np.argsort(sign * values[rows], kind="stable")], pictured)[:most]
            text = f"Of the {len(rows):,} {name} pairs those with the {most_by} {by}.{flat}"
            yield Gallery(f"{end} {name} by {by}", text, chosen)


def surest(scores: Scored, right: np.ndarray, most: int, pictured: Rows | None = None) -> Iterator[Gallery]:
    """The wrong and the right decisions with the scores (N,) farthest from 0; ``pictured`` as in :func:`ends`."""
    for title, own in (("Surest mistakes", ~right), ("Surest right decisions", right)):
        rows = np.flatnonzero(own)
        text = f"{len(rows):,} of {len(scores):,} test pairs; the score farthest from 0 first."
        ordered = rows[np.argsort(-np.abs(scores[rows]), kind="stable")]
        yield Gallery(title, text, _unlike(ordered, pictured)[:most])


def _unlike(rows: Rows, pictured: Rows | None) -> Rows:
    """The first of the rows that show the same pictures, in their order."""
    if pictured is None:
        return rows
    chosen: Rows = rows[np.sort(np.unique(pictured[rows], return_index=True)[1])]
    return chosen


@register_view
class Galleries(View):
    """Closest and farthest pairs of each label by score and by cosine, and the surest decisions.

    Args:
        most: pairs of each gallery.
    """

    name = "galleries"

    def __init__(self, most: int = 6) -> None:
        self._most = within(type(self), "most", most, 1)

    def pictures(self, subject: Subject) -> Iterable[Picture]:
        galleries = [*ends(subject.label, subject.scores, "score", self._most, subject.pictured)]
        if subject.cosine is not None:
            galleries += ends(subject.label, subject.cosine, "cosine", self._most, subject.pictured)
        galleries += surest(subject.scores, subject.right, self._most, subject.pictured)
        for one in galleries:
            if len(one.rows):
                yield Picture(one.title, one.text, draw_pairs(subject, one.title, one.rows))
