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


def ends(label: Rows, values: Scored, by: str, most: int) -> Iterator[Gallery]:
    """The closest and farthest pairs of each label, where large ``values`` (N,) mean close; of equals the first."""
    flat = " All are equal." if len(values) and np.ptp(values) == 0 else ""
    for end, most_by, sign in (("Closest", "highest", -1), ("Farthest", "lowest", 1)):
        for name, own in (("different", label == 0), ("same", label == 1)):
            rows = np.flatnonzero(own)
            chosen = rows[np.argsort(sign * values[rows], kind="stable")[:most]]
            text = f"Of the {len(rows):,} {name} pairs those with the {most_by} {by}.{flat}"
            yield Gallery(f"{end} {name} by {by}", text, chosen)


def surest(scores: Scored, right: np.ndarray, most: int) -> Iterator[Gallery]:
    """The wrong and the right decisions with the scores (N,) farthest from 0."""
    for title, own in (("Surest mistakes", ~right), ("Surest right decisions", right)):
        rows = np.flatnonzero(own)
        text = f"{len(rows):,} of {len(scores):,} test pairs; the score farthest from 0 first."
        yield Gallery(title, text, rows[np.argsort(-np.abs(scores[rows]), kind="stable")[:most]])


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
        galleries = [*ends(subject.label, subject.scores, "score", self._most)]
        if subject.cosine is not None:
            galleries += ends(subject.label, subject.cosine, "cosine", self._most)
        galleries += surest(subject.scores, subject.right, self._most)
        for one in galleries:
            if len(one.rows):
                yield Picture(one.title, one.text, draw_pairs(subject, one.title, one.rows))
