"""Pairs by different hands: nothing about one image, or about the two vendors, tells the label."""

from __future__ import annotations

import importlib

import pytest
import torch
from torch import Tensor

from bench import zoo

zoo.load()
emoji_pairs = importlib.import_module("_fusebench_plugins.datasets.emoji_pairs")
CONCEPTS, N = 20, 40_000
# The first two vendors are one family; not every concept has a drawing by each.
FAMILY = torch.tensor([0, 0, 1, 2])
DRAWN = torch.rand((CONCEPTS, 4), generator=torch.Generator().manual_seed(0)) < 0.8
SUBGROUP = torch.tensor([0] * 8 + [1] * 7 + [2, 3, 4] + [5] * 2)


def pick(roles: tuple[Tensor, Tensor], hard: float):
    u = torch.rand((N, 3), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    same = torch.arange(N) % 2 == 0
    return same, emoji_pairs.PairTable(roles, FAMILY, SUBGROUP).pick(same, u, hard)


@pytest.mark.parametrize("hard", [0.0, 0.5, 1.0])
def test_both_images_exist_and_are_by_two_families(hard: float) -> None:
    same, found = pick((DRAWN, DRAWN), hard)
    assert DRAWN[found.concept_a, found.vendor_a].all()
    assert DRAWN[found.concept_b, found.vendor_b].all()
    # The partner that a same pair would have had.
    assert DRAWN[found.concept_a, found.vendor_b].all()
    assert (FAMILY[found.vendor_a] != FAMILY[found.vendor_b]).all()
    assert torch.equal(found.concept_a == found.concept_b, same)
    assert torch.equal(found.kind == 0, same)


@pytest.mark.parametrize("hard", [0.0, 0.5, 1.0])
def test_every_concept_by_every_vendor_is_as_often_same_as_different(hard: float) -> None:
    same, found = pick((DRAWN, DRAWN), hard)
    for side in ("a", "b"):
        image = getattr(found, f"concept_{side}") * 4 + getattr(found, f"vendor_{side}")
        counts = [torch.bincount(image[rows], minlength=CONCEPTS * 4) for rows in (same, ~same)]
        shown = counts[0] + counts[1] > 0
        # About 400 of each: five standard deviations of the difference.
        assert ((counts[0] - counts[1]).abs()[shown] < 5 * (counts[0] + counts[1])[shown].sqrt()).all()


def test_hard_partners_are_of_one_subgroup_where_it_has_two() -> None:
    same, found = pick((DRAWN, DRAWN), 1.0)
    a, b = SUBGROUP[found.concept_a[~same]], SUBGROUP[found.concept_b[~same]]
    large = a < 2
    assert (a == b)[large & (b < 2)].all()
    assert (a == b).double().mean() > 0.7
    assert (found.kind[~same] == 1).all()


def test_two_roles_are_both_in_every_pair_in_either_order() -> None:
    first = torch.zeros_like(DRAWN)
    first[:, 3] = DRAWN[:, 3]
    second = DRAWN & ~first
    _, found = pick((first, second), 0.5)
    in_a = first[found.concept_a, found.vendor_a]
    in_b = first[found.concept_b, found.vendor_b]
    assert (in_a ^ in_b).all()
    assert 0.48 < in_a.double().mean() < 0.52


def test_vendors_that_share_fewer_than_two_concepts_have_no_pairs() -> None:
    drawn = torch.zeros_like(DRAWN)
    drawn[:1, 0] = drawn[:, 2] = drawn[:5, 3] = True
    table = emoji_pairs.PairTable((drawn, drawn), FAMILY, SUBGROUP)
    assert len(table) == 2 * 5
