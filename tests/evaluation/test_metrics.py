"""What is measured beside the metrics of the table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.evaluation.metrics import class_cells


@given(seed=st.integers(0, 1000), k=st.integers(2, 4), n=st.integers(1, 60))
@settings(max_examples=30, deadline=None)
def test_cells(seed: int, k: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, scores = rng.integers(0, k, n), rng.integers(0, k, n), rng.normal(size=n).astype(np.float32)
    names = ("circle", "square", "star", "cross")[:k]
    cells = class_cells(a, b, scores, names)
    assert sum(cell["n"] for cell in cells.values()) == n
    right = sum(cell["n"] * cell["accuracy"] for cell in cells.values())
    assert right == pytest.approx(sum((s > 0) == (i == j) for i, j, s in zip(a, b, scores, strict=True)))
    for name, cell in cells.items():
        first, second = (names.index(part) for part in name.split("-"))
        mine = [s > 0 for i, j, s in zip(a, b, scores, strict=True) if (i, j) == (first, second)]
        assert cell["n"] == len(mine) > 0
        assert cell["p_same"] == pytest.approx(sum(mine) / len(mine))
