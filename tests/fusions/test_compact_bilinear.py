"""Compact bilinear pooling: count sketches keep inner products, and their convolution sketches the outer product."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

EXACT = {"rtol": 0.0, "atol": 1e-5}


def test_every_dimension_goes_to_one_bucket_with_a_sign(small: Any) -> None:
    fusion = small.build("compact_bilinear:width=4")
    for sketch in (fusion.first, fusion.second):
        assert sketch.shape == (small.spec.dim, 4)
        assert ((sketch != 0).sum(1) == 1).all()
        assert (sketch.abs().sum(1) == 1).all()


@torch.no_grad()
def test_the_convolution_is_the_sketch_of_the_outer_product(small: Any) -> None:
    """Entry (i, j) goes to the sum of the two buckets, modulo the width, with the product of the two signs."""
    width = 4
    fusion, (a, b) = small.build(f"compact_bilinear:width={width}"), small.embeddings()
    for row, (u, v) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        expected = [0.0] * width
        for i, x in enumerate(u):
            for j, y in enumerate(v):
                first, second = fusion.first[i], fusion.second[j]
                bucket = (int(first.abs().argmax()) + int(second.abs().argmax())) % width
                expected[bucket] += float(first.sum() * second.sum()) * x * y
        torch.testing.assert_close(fusion.sketch(a, b)[row], torch.tensor(expected), **EXACT)


@torch.no_grad()
def test_inner_products_are_kept_in_expectation(small: Any) -> None:
    """Of the sketches: E <S x, S y> = <x, y>. Of the joins: E <f(a, b), f(c, d)> = <a, c> <b, d>."""
    (a, b), (c, d) = small.embeddings(), small.embeddings(seed=1)
    simple, outer = [], []
    for seed in range(400):
        fusion = small.build(f"compact_bilinear:width=8:seed={seed}")
        simple.append(((a @ fusion.first) * (c @ fusion.first)).sum(1))
        outer.append((fusion.sketch(a, b) * fusion.sketch(c, d)).sum(1))
    for samples, expected in ((simple, (a * c).sum(1)), (outer, (a * c).sum(1) * (b * d).sum(1))):
        drawn = torch.stack(samples)
        error = drawn.std(0) / math.sqrt(len(samples))
        assert ((drawn.mean(0) - expected).abs() < 4 * error).all()


@torch.no_grad()
def test_sharing_averages_both_orders_before_the_normalisation(small: Any) -> None:
    shared, classic = small.build("compact_bilinear"), small.build("compact_bilinear:shared=false")
    a, b = small.embeddings()
    mean = (shared.sketch(a, b) + shared.sketch(b, a)) / 2
    root = mean.sign() * ((mean.abs() + 1e-3).sqrt() - 1e-3**0.5)
    expected = root / (root.square().mean(1, keepdim=True) + 1e-3).sqrt()
    torch.testing.assert_close(shared(a, b), expected, **EXACT)
    assert (classic(a, b) - classic(b, a)).abs().max() > 1e-3
    assert (shared.symmetric, classic.symmetric) == (True, False)


def test_the_seed_alone_draws_the_sketches(small: Any) -> None:
    """They are part of the fusion's specification, are saved with it, and are no weights."""
    first, again = small.build("compact_bilinear"), small.build("compact_bilinear")
    other = small.build("compact_bilinear:seed=1")
    assert torch.equal(first.first, again.first)
    assert not torch.equal(first.first, other.first)
    assert not torch.equal(first.first, first.second)
    assert set(first.state_dict()) == {"first", "second"}
    assert not list(first.parameters())


@pytest.mark.parametrize("width", [7, 8])
def test_odd_and_even_widths(small: Any, width: int) -> None:
    fusion = small.build(f"compact_bilinear:width={width}")
    assert fusion(*small.embeddings()).shape == (small.batch, width)
