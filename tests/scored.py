"""Scores to measure, and what plain loops and formulas make of them."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench import metrics as m

Labels = NDArray[np.int64]
Scores = NDArray[np.float32]

LABEL = np.array([0, 1] * 50)

near = np.nextafter(np.float32(1), np.float32(2))
nearer = np.nextafter(near, np.float32(2))

logit = st.one_of(
    st.floats(-8, 8, width=32),
    st.sampled_from([0.0, 1.0, -1.0, float(near), float(nearer), 0.5, 20.0, -20.0, 1e4, -1e4]),
)


@st.composite
def scored(draw: st.DrawFn, smallest: int = 2, largest: int = 60) -> tuple[Labels, Scores, Scores]:
    """Labels of both kinds, with the scores of both orders."""
    n = draw(st.integers(smallest, largest))
    label = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n).filter(lambda drawn: 0 < sum(drawn) < n))
    scores, swapped = (draw(st.lists(logit, min_size=n, max_size=n)) for _ in range(2))
    return np.array(label), np.array(scores, np.float32), np.array(swapped, np.float32)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def count(label: Labels, called_same: list[bool]) -> tuple[int, int, int, int]:
    """True positives, false positives, false negatives, true negatives."""
    pairs = list(zip(label.tolist(), called_same, strict=True))
    return tuple(sum(1 for pair in pairs if pair == case) for case in ((1, True), (0, True), (1, False), (0, False)))


def f1(tp: int, fp: int, fn: int) -> float:
    return 2 * tp / (2 * tp + fp + fn)


def decided(label: Labels, scores: Scores, threshold: float) -> tuple[int, int, int, int]:
    return count(label, [s > threshold for s in scores.astype(float).tolist()])


def evaluate(
    label: Labels, scores: NDArray[np.floating], swapped: NDArray[np.floating], threshold: float, tuned: float = 0.0
) -> SimpleNamespace:
    return SimpleNamespace(**m.evaluate(label, scores, swapped, threshold, tuned, np.tanh(scores), math.tanh(tuned)))


close = lambda value: pytest.approx(value, abs=1e-6, rel=1e-6)  # noqa: E731
