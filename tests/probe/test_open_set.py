"""Retrieval and clusters of classes that no classifier was trained on."""

from __future__ import annotations

import numpy as np
import pytest

from bench.probe.open_set import cluster, directions, retrieve

RNG = np.random.default_rng(0)


def blobs(classes: int, each: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    label = np.repeat(np.arange(classes), each)
    vectors = np.eye(8)[label] + spread * RNG.normal(size=(len(label), 8))
    return directions(vectors.astype(np.float32), vectors.mean(0).astype(np.float32)), label


def by_hand(directed: np.ndarray, label: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    """Class-balanced recall at 1 and 5 and mean average precision in plain loops."""
    found: dict[int, list[tuple[float, float, float]]] = {}
    for query in range(len(label)):
        others = [one for one in range(len(label)) if groups[one] != groups[query]]
        others.sort(key=lambda one: -float(directed[query] @ directed[one]))
        right = [label[one] == label[query] for one in others]
        if any(right):
            precisions = [sum(right[: at + 1]) / (at + 1) for at in range(len(right)) if right[at]]
            found.setdefault(label[query], []).append((right[0], any(right[:5]), float(np.mean(precisions))))
    means = np.mean([np.mean(rows, axis=0) for rows in found.values()], axis=0)
    return dict(zip(("recall1", "recall5", "average_precision"), means.tolist(), strict=True))


@pytest.mark.parametrize("grouped", [False, True])
def test_retrieval_is_that_of_plain_loops(grouped: bool) -> None:
    directed, label = blobs(4, 15, 0.8)
    directed, label = directed[:51], label[:51]  # classes of different size
    groups = RNG.integers(0, 9, len(label)) if grouped else None
    found = retrieve(directed, label, groups)
    assert found
    expected = by_hand(directed, label, np.arange(len(label)) if groups is None else groups)
    assert {name: getattr(found, name).value for name in expected} == pytest.approx(expected, abs=1e-6)
    assert found.chance < found.recall1.value < found.recall5.value


def test_images_of_one_group_do_not_find_each_other() -> None:
    directed, label = blobs(3, 4, 0.01)
    assert retrieve(directed, label, None).recall1.value == 1  # type: ignore[union-attr]
    assert retrieve(directed, label, label) is None
    assert retrieve(directed[::4], label[::4], None) is None


def test_encodings_behind_a_relu_are_centred() -> None:
    vectors = np.abs(RNG.normal(size=(50, 8))).astype(np.float32) + 5
    directed = directions(vectors, vectors.mean(0))
    assert np.allclose(np.linalg.norm(directed, axis=1), 1, atol=1e-5)
    assert (directed @ directed.T).mean() == pytest.approx(0, abs=0.1)
    assert np.isfinite(directions(vectors[:1], vectors[0])).all()


def test_classes_that_are_clusters_are_found_to_be_so() -> None:
    apart, label = blobs(4, 20, 0.05)
    found = cluster(apart, label, 0)
    assert found
    assert (found.best_k, found.classes) == (4, 4)
    assert found.agreement == pytest.approx(1)
    assert found.silhouette == pytest.approx(found.by_k[4])
    assert found.silhouette > 0.8
    mixed = cluster(apart, RNG.permutation(label), 0)
    assert mixed
    assert mixed.agreement < 0.1
    assert mixed.silhouette < 0


def test_what_has_no_clusters_has_none() -> None:
    directed, _ = blobs(4, 20, 0.05)
    assert cluster(directed, np.zeros(80, int), 0) is None
    assert cluster(directed, np.arange(80) % 79, 0) is None  # hardly an image has another of its class
    with pytest.warns(match="distinct clusters"):
        one = cluster(np.ones((20, 8), np.float32), np.arange(20) % 4, 0)
    assert one
    assert set(one.by_k.values()) == {-1.0}
