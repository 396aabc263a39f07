"""Balance: what the classes alone say about the label, before any pixel is looked at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.audit.draws import Material
from bench.audit.rows import Row, judged

NAME = "balance"
Classes = NDArray[np.int64]


def balance(material: Material) -> Iterator[Row]:
    """The most frequent answer must be no better than a guess: over all pairs, for each class, and for the order."""
    train, test = material.train, material.test
    label = test.label.numpy()
    classes = len(material.domain.classes)
    a, b = test.a.latents["class"].numpy(), test.b.latents["class"].numpy()
    yield judged(NAME, "the most frequent label", "pair", label == _mode(label))
    for side, known, asked in (("A", train.a, a), ("B", train.b, b)):
        usual = _usual(known.latents["class"].numpy(), train.label.numpy(), classes)
        yield judged(NAME, f"class of {side} → label", "pair", usual[asked] == label)
    shown = np.concatenate([a, b])
    yield judged(NAME, "the most frequent class", "single", shown == _mode(shown), material.class_chance)
    ordered = (a < b)[a != b]
    yield judged(NAME, "which of two different classes is A", "pair", ordered == _mode(ordered))


def _mode(values: NDArray[np.generic]) -> np.generic:
    distinct, times = np.unique(values, return_counts=True)
    return np.asarray(distinct)[times.argmax()]


def _usual(shown: Classes, label: Classes, classes: int) -> Classes:
    """For each class the label that its pairs have most often, (classes,)."""
    same = np.bincount(shown, label, minlength=classes)
    return (same > np.bincount(shown, minlength=classes) / 2).astype(np.int64)
