"""Principal components."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from bench.stats.principal import Principal


def test_components_are_those_of_another_implementation() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 6)) * [5, 3, 1, 1, 1, 1]
    found, other = Principal.of(vectors), PCA(2).fit(vectors)
    flat, expected = found.flat(vectors), other.transform(vectors)
    np.testing.assert_allclose(np.abs(flat), np.abs(expected), atol=1e-9)
    assert found.share == pytest.approx(other.explained_variance_ratio_.sum())
    assert (flat[np.abs(flat).argmax(0), [0, 1]] > 0).all()
    np.testing.assert_allclose(found.flat(vectors[None] + 1)[0] - flat, np.ones((40, 6)) @ found.axes, atol=1e-9)


def test_one_dimension_leaves_the_second_component_empty() -> None:
    found = Principal.of(np.array([[0.0], [1.0], [2.0], [7.0]]))
    assert found.flat(np.array([[2.5], [3.5]])).tolist() == [[0, 0], [1, 0]]
    assert found.share == 1
