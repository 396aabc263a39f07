"""A mark at one place is told from likeness by the places around it, without knowing any class."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bench.audit.baselines.one_place import OnePlace
from bench.audit.draws import Draws
from bench.audit.rows import Row, Verdict
from bench.domain import Images, Pairs

N = 1_500
SHARE = 0.8
HIDDEN = {"class": torch.zeros(N, dtype=torch.int64)}


def smooth(seed: int) -> tuple[Pairs, Tensor]:
    """Pairs of coarse pictures, of which same ones are alike; and for each pair a random bit, -1 where it has none."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.arange(N) // 2 % 2
    first = torch.rand(N, 3, 3, 3, generator=generator)
    again = torch.rand(N, 3, 3, 3, generator=generator)
    second = torch.where(label[:, None, None, None] == 1, 0.3 * first + 0.7 * again, again)
    sides = [F.interpolate(side, (16, 16), mode="bilinear") * 200 for side in (first, second)]
    bit = torch.randint(2, (N,), generator=generator)
    bit[torch.rand(N, generator=generator) > SHARE] = -1
    a, b = (Images(side.byte(), HIDDEN) for side in sides)
    return Pairs(a, b, label), bit


def nothing(pixels: Tensor, bit: Tensor) -> None:
    """A clean side."""


def a_pixel(pixels: Tensor, bit: Tensor) -> None:
    pixels[:, :, 5, 6] = (255 * bit)[:, None].byte()


def a_last_bit(pixels: Tensor, bit: Tensor) -> None:
    pixels[:, :, 5, 6] = (pixels[:, :, 5, 6] & 254) | bit[:, None].byte()


def row(mark: Callable[[Tensor, Tensor], None]) -> Row:
    """Same pairs have the mark in common, and of different ones one image has it."""
    planted = []
    for seed in (1, 2):
        pairs, bit = smooth(seed)
        for side, own in ((pairs.a, bit), (pairs.b, bit ^ (1 - pairs.label))):
            marked = side.pixels[bit >= 0]
            mark(marked, own[bit >= 0])
            side.pixels[bit >= 0] = marked
        planted.append(pairs)
    (found,) = OnePlace().rows(Draws("digits", 200).showing(*planted))
    return found


def test_likeness_is_no_mark() -> None:
    assert row(nothing).verdict in (Verdict.OK, Verdict.INFORMATIVE)


@pytest.mark.parametrize("mark", [a_pixel, a_last_bit])
def test_a_mark_in_most_pairs_is_flagged(mark: Callable[[Tensor, Tensor], None]) -> None:
    found = row(mark)
    assert found.verdict is Verdict.FLAGGED
    assert 0.03 < (found.value or 0) < SHARE / 2
