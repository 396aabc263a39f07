"""Splits of labelled images with groups: what training, validation and testing show, and the quarters of the 2 x 2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.errors import UsageError
from bench.quarters import QUARTERS

from .bank import MIN_IMAGES, PARTS
from .dealt import Dealt, Listed, Plan, deal

NONE = -1
TRAIN, VAL, TEST = range(3)
# Of the training images a tenth is withheld, so that pairs of what training shows can be tested.
WITHHELD = 10
LEAST_LEFT = 2


@dataclass(frozen=True)
class Splits:
    """Where each image of a collection is.

    Attributes:
        names: of all classes: those that training shows first, then the others; held-out ones last.
        classes, groups: (N,) int64, number of each image's class and group; None where every image is its own group.
        parts: (N,) int64, index in ``PARTS``, or -1.
        quarters: (N,) int64, index in ``QUARTERS`` of images that neither training nor validation shows, or -1.
        own: the quarter of the images that are for testing; empty where they are of several.
        held_out: how many of the last ``names`` neither training nor validation shows, and testing only in quarters.
    """

    names: tuple[str, ...]
    classes: Tensor
    groups: Tensor | None
    parts: Tensor
    quarters: Tensor
    own: str
    held_out: int

    def in_quarter(self, name: str) -> Tensor:
        """Which images are of a quarter (N,) bool."""
        return self.quarters == list(QUARTERS).index(name)


@cache
def split_images(
    where: str,
    classes: tuple[str, ...],
    groups: tuple[str, ...] | None,
    plan: Plan,
    given: tuple[str, ...] | None = None,
) -> Splits:
    """Splits of images by their classes and groups.

    Args:
        where: the user's text, for messages.
        classes, groups: name of each image's class and group; None where every image is its own group.
        given: split of each image, where the user has chosen it.

    Raises:
        UsageError: the images do not suffice for this plan.
    """
    if groups is not None and len(set(groups)) == len(groups):
        groups = None
    listed = Listed.of(where, classes, groups)
    dealt = deal(listed, plan, given)
    part = dealt.part.copy()
    if given is None and _own(dealt, plan) != "seen":
        part[_withheld(listed.class_index, part, plan.split_seed)] = TEST
    quarter = _quarters(listed, part)
    own = _own(dealt, plan)
    if own == "novel" and not _has_pairs(listed.class_index[quarter == list(QUARTERS).index(own)]):
        own = "novel_both"
    if given is not None:
        found = set(quarter[part == TEST].tolist())
        own = list(QUARTERS)[found.pop()] if len(found) == 1 and NONE not in found else ""
    if own:
        part[part == TEST] = NONE
        part[quarter == list(QUARTERS).index(own)] = TEST
    _check_parts(where, listed, part, plan)
    return _numbered(listed, dealt, part, quarter, own, groups is not None)


def _own(dealt: Dealt, plan: Plan) -> str:
    """The quarter that a way to split tests the domain itself on."""
    by_image = "novel_group" if dealt.has_groups else "seen"
    return {"image": by_image, "group": "novel_group", "class": "novel", "both": "novel_both"}[plan.split]


def _withheld(classes: NDArray[np.int64], part: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Training images that are kept for testing, about a tenth: of a class with many a tenth, and of as many of the
    smaller classes as it takes two images each."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    order = rng.permutation(np.flatnonzero(part == TRAIN))
    by_class = np.split(order[np.argsort(classes[order], kind="stable")], np.cumsum(np.bincount(classes[order]))[:-1])
    large = [own for own in by_class if len(own) >= MIN_IMAGES * WITHHELD]
    small = [own for own in by_class if MIN_IMAGES + LEAST_LEFT <= len(own) < MIN_IMAGES * WITHHELD]
    wanted = max(MIN_IMAGES, round(sum(map(len, small)) / (MIN_IMAGES * WITHHELD)))
    few = [small[number] for number in rng.permutation(len(small))[:wanted]]
    chosen = [*(own[: len(own) // WITHHELD] for own in large), *(own[:MIN_IMAGES] for own in few)]
    return np.concatenate(chosen) if chosen else np.empty(0, np.int64)


def _quarters(listed: Listed, part: NDArray[np.int64]) -> NDArray[np.int64]:
    """Quarter (N,) of each image that is not in training or validation, from what these show."""
    kinds = [_seen_and_new(listed.class_index, part), _seen_and_new(listed.group_index, part)]
    if not listed.has_groups:
        # Every image is new, and that is no other kind of group.
        kinds[1] = np.ones(len(part), bool), np.zeros(len(part), bool)
    (class_seen, class_new), (group_seen, group_new) = kinds
    quarter = np.full(len(part), NONE)
    masks = (class_seen & group_seen, class_seen & group_new, class_new & group_seen, class_new & group_new)
    for number, mask in enumerate(masks):
        quarter[mask & ~np.isin(part, (TRAIN, VAL))] = number
    return quarter


def _seen_and_new(index: NDArray[np.int64], part: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of each image: whether training shows its class (or group), and whether neither training nor validation does."""
    trained, touched = np.unique(index[part == TRAIN]), np.unique(index[np.isin(part, (TRAIN, VAL))])
    return np.isin(index, trained), ~np.isin(index, touched)


def _has_pairs(classes: NDArray[np.int64]) -> bool:
    return int((np.bincount(classes) >= MIN_IMAGES).sum()) >= MIN_IMAGES if len(classes) else False


def _check_parts(where: str, listed: Listed, part: NDArray[np.int64], plan: Plan) -> None:
    for number, name in enumerate(PARTS):
        if not _has_pairs(listed.class_index[part == number]):
            raise UsageError(
                f"{where}: with split={plan.split}, fold={plan.fold} and split_seed={plan.split_seed} the split {name} "
                f"has no two classes of {MIN_IMAGES} images or more; more images, or another way to split, are needed"
            )


def _numbered(
    listed: Listed,
    dealt: Dealt,
    part: NDArray[np.int64],
    quarter: NDArray[np.int64],
    own: str,
    has_groups: bool,
) -> Splits:
    """The splits with classes in the order of :attr:`Splits.names`."""
    order = np.concatenate([np.flatnonzero(dealt.rank == rank) for rank in np.unique(dealt.rank)])
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return Splits(
        tuple(listed.names[old] for old in order),
        torch.from_numpy(number[listed.class_index]),
        torch.from_numpy(listed.group_index) if has_groups else None,
        torch.from_numpy(part),
        torch.from_numpy(quarter),
        own,
        dealt.held_out,
    )
