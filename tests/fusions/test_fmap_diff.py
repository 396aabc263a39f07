"""Difference of feature maps, recomputed position by position."""

from __future__ import annotations

from typing import Any

import pytest
import torch


@torch.no_grad()
def test_fmap_diff(small: Any) -> None:
    fusion = small.build("fmap_diff:width=4")
    a, b = small.maps()
    weight, bias = fusion.convolution.weight, fusion.convolution.bias
    for i in range(small.batch):
        difference = (a[i] - b[i]).abs()
        for k in range(4):
            total = 0.0
            for y in range(2):
                for x in range(3):
                    value = float(bias[k])
                    for dy in (-1, 0, 1):
                        for dx in (-1, 0, 1):
                            if 0 <= y + dy < 2 and 0 <= x + dx < 3:
                                value += float(weight[k, :, dy + 1, dx + 1] @ difference[:, y + dy, x + dx])
                    total += max(value, 0.0)
            assert float(fusion(a, b)[i, k]) == pytest.approx(total / 6, abs=1e-5)


@torch.no_grad()
def test_identical_maps_join_to_the_same_whatever_they_are(small: Any) -> None:
    fusion, (a, b) = small.build("fmap_diff"), small.maps()
    torch.testing.assert_close(fusion(a, a), fusion(b, b), rtol=0, atol=1e-5)
