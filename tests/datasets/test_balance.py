"""Half of all pairs are same, whichever classes they show, in every short run of them."""

import importlib
from collections import Counter
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import zoo
from bench.domain import DOMAINS, Pairs

zoo.load()
synthetic = importlib.import_module("_fusebench_plugins.datasets.synthetic")

REFERENCE = 1200
each_domain = pytest.mark.parametrize("name", ["color", "texture"])


@cache
def drawn(name: str, split: str = "val") -> Pairs:
    return DOMAINS.get(name)().draw(split, 0, REFERENCE)


@each_domain
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_labels_agree_with_classes_and_half_are_same(name: str, split: str) -> None:
    pairs = drawn(name, split)
    classes = (side.latents["class"].tolist() for side in (pairs.a, pairs.b))
    expected = [int(a == b) for a, b in zip(*classes, strict=True)]
    assert pairs.label.tolist() == expected
    assert str(pairs.label.dtype) == "torch.int64"
    assert sum(expected) * 2 == REFERENCE


@each_domain
@given(block=st.integers(0, REFERENCE // 4 - 1))
@settings(max_examples=30, deadline=None)
def test_each_block_of_four_pairs_holds_the_four_cells(name: str, block: int) -> None:
    pairs, part = drawn(name), slice(4 * block, 4 * block + 4)
    cells = zip(pairs.a.latents["class"][part].tolist(), pairs.b.latents["class"][part].tolist(), strict=True)
    assert sorted(cells) == [(0, 0), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize("k", [2, 3, 6])
@given(start=st.integers(0, 300), n=st.integers(1, 100))
@settings(max_examples=15, deadline=None)
def test_blocks_of_more_classes_are_balanced_too(k: int, start: int, n: int) -> None:
    size = 2 * k * (k - 1)
    a, b = synthetic.balanced_classes(("test", k), 0, 5 * size, k)
    cells = list(zip(a.tolist(), b.tolist(), strict=True))
    for block in range(5):
        count = Counter(cells[block * size : (block + 1) * size])
        assert count == {(i, j): k - 1 if i == j else 1 for i in range(k) for j in range(k)}
    start, n = min(start, 5 * size - 1), min(n, 5 * size - min(start, 5 * size - 1))
    part_a, part_b = synthetic.balanced_classes(("test", k), start, n, k)
    assert list(zip(part_a.tolist(), part_b.tolist(), strict=True)) == cells[start : start + n]


@pytest.mark.parametrize("k", [2, 3, 6])
def test_of_two_neighbouring_pairs_one_is_same(k: int) -> None:
    """So that every even number of pairs is balanced, however many classes there are."""
    a, b = synthetic.balanced_classes(("test", k), 0, 400, k)
    same = (a == b).view(-1, 2)
    assert (same.sum(1) == 1).all()
    assert same[:, 0].double().mean() == pytest.approx(0.5, abs=0.14)


@each_domain
def test_the_order_within_blocks_is_random(name: str) -> None:
    pairs = drawn(name)
    cells = (2 * pairs.a.latents["class"] + pairs.b.latents["class"]).view(-1, 4)
    orders = Counter(map(tuple, cells.tolist()))
    assert len(orders) == 16  # either first, twice; two orders of the same pairs and of the different ones
    assert max(orders.values()) < 4 * min(orders.values())
