"""The classes alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws, both
from bench.audit.rows import Row, judged, not_applicable

Classes = NDArray[np.int64]


@register_audit_baseline
class Balance(AuditBaseline):
    """What the classes alone say about the label, before any pixel is looked at.

    The most frequent answer must be no better than a guess: over all pairs, for each class, and for the order of those
    classes that training shows as well. Where images have no names of classes only the first can be asked.
    """

    name = "balance"

    def rows(self, draws: Draws) -> Iterator[Row]:
        train, test = draws.train, draws.test
        label = test.label.numpy()
        classes = len(draws.domain.classes)
        a, b = test.a.latents["class"].numpy(), test.b.latents["class"].numpy()
        yield judged("the most frequent label", "pair", label == _mode(label))
        if not draws.domain.names_images:
            yield not_applicable("classes: only pairs are labelled")
            return
        for side, known, asked in (("A", train.a, a), ("B", train.b, b)):
            usual = _usual(known.latents["class"].numpy(), train.label.numpy(), classes)
            yield judged(f"class of {side} → label", "pair", usual[asked] == label)
        shown = np.concatenate([a, b])
        yield judged("the most frequent class", "single", shown == _mode(shown), draws.class_chance)
        # Which of two classes comes first is known of those alone that training shows.
        known = both(train).latents["class"].unique().numpy()
        ordered = (a < b)[(a != b) & np.isin(a, known) & np.isin(b, known)]
        if len(ordered):
            yield judged("which of two different classes is A", "pair", ordered == _mode(ordered))


def _mode(values: NDArray[np.generic]) -> np.generic:
    distinct, times = np.unique(values, return_counts=True)
    return np.asarray(distinct)[times.argmax()]


def _usual(shown: Classes, label: Classes, classes: int) -> Classes:
    """For each class the label that its pairs have most often, (classes,)."""
    same = np.bincount(shown, label, minlength=classes)
    return (same > np.bincount(shown, minlength=classes) / 2).astype(np.int64)
