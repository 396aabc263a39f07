"""Labelled images and the parts they are in; picking images of given classes out of a part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

PARTS = ("train", "val", "test")
# A same-pair needs two different images.
MIN_IMAGES = 2
# Uniform numbers per pair that Part.pick_across and Part.pick_common take.
ACROSS_COLUMNS = 5


@dataclass(frozen=True)
class Bank:
    """Labelled images, each of which belongs to one split at most.

    Attributes:
        pixels: (N, C, H, W) uint8.
        classes: (N,) int64, index into the names of all classes.
        parts: (N,) int64, index of the image's split in ``PARTS``, or -1.
        latents: what else is known of each image, one tensor of N rows per factor.
    """

    pixels: Tensor
    classes: Tensor
    parts: Tensor
    latents: Mapping[str, Tensor] = field(default_factory=dict)


class Part:
    """Some images of a bank, by class and within a class by group.

    Args:
        chosen: (N,) bool, which images of the bank.
        classes: (N,) int64, class of every image of the bank.
        names: number of classes.
        groups: (N,) int64, group of every image of the bank; without them there is no :meth:`pick_across`
            and no :meth:`pick_common`.
    """

    def __init__(self, chosen: Tensor, classes: Tensor, names: int, groups: Tensor | None = None) -> None:
        own = chosen.nonzero()[:, 0]
        if groups is not None:
            own = own[groups[own].argsort(stable=True)]
        self.images = own[classes[own].argsort(stable=True)]
        self.count = torch.bincount(classes[own], minlength=names)
        self.first = self.count.cumsum(0) - self.count
        self._groups, self._classes = groups, classes

    def pick(self, classes: Tensor, u: Tensor) -> Tensor:
        """A random image of each class (N,) from uniform numbers ``u`` (N,), as indices into the bank."""
        return self.images[self.first[classes] + (u * self.count[classes]).long()]

    def pick_two(self, class_a: Tensor, class_b: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """Random images of both classes from ``u`` (N, 2); of one class, two different ones."""
        a = (u[:, 0] * self.count[class_a]).long()
        # Of the others, counted without the first: those behind it move up by one.
        others = (u[:, 1] * (self.count[class_b] - 1)).long()
        b = torch.where(class_a == class_b, others + (others >= a), (u[:, 1] * self.count[class_b]).long())
        return self.images[self.first[class_a] + a], self.images[self.first[class_b] + b]

    @cached_property
    def _cells(self) -> Tensor:
        """Number of images of each class in each group (classes, groups); groups of a single class are left out, for
        nothing differs there."""
        assert self._groups is not None
        groups = int(self._groups.max()) + 1
        cell = self._classes[self.images] * groups + self._groups[self.images]
        return torch.bincount(cell, minlength=len(self.count) * groups).view(-1, groups)

    @cached_property
    def _has(self) -> Tensor:
        """Whether a class has images in a group that another class has some in, too (classes, groups) bool."""
        has = self._cells > 0
        return has & (has.sum(0) >= 2)

    @property
    def spans_groups(self) -> Tensor:
        """Classes (classes,) bool with images in two groups or more, of which :meth:`pick_across` takes pairs."""
        return self._has.sum(1) >= 2

    def pick_across(self, class_a: Tensor, class_b: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """Random images of two different groups each, from ``u`` (N, ``ACROSS_COLUMNS``).

        The group of B is one that the class of A has, whatever the label, so that the two groups do not tell it. Where
        ``class_b`` has no image there, another class that has takes its place.
        """
        group_a = _nth(self._has[class_a], u[:, 0])
        row = torch.arange(len(class_a))
        others = self._has[class_a]
        others[row, group_a] = False
        group_b = _nth(others, u[:, 1])
        standing = self._has[class_b, group_b]
        class_b = torch.where(standing, class_b, self._another(class_a, group_b, u[:, 2]))
        return self._of_cell(class_a, group_a, u[:, 3]), self._of_cell(class_b, group_b, u[:, 4])

    @cached_property
    def _group_pairs(self) -> Tensor:
        """Ordered pairs of different groups that have two classes in common (P, 2) int64."""
        has = (self._cells > 0).double()
        common = (has.T @ has).fill_diagonal_(0)
        return (common >= 2).nonzero()

    def pick_common(self, same: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """Random images of two groups that have classes in common, from ``u`` (N, ``ACROSS_COLUMNS``): for A any of
        these classes, for B that one where ``same`` (N,) bool, else another of them.

        All such pairs of groups are equally likely, and given the groups all their common classes are: nothing in one
        image, its class and group included, tells the label.
        """
        group_a, group_b = self._group_pairs[(u[:, 0] * len(self._group_pairs)).long()].T
        has = self._cells > 0
        common = (has[:, group_a] & has[:, group_b]).T
        class_a = _nth(common, u[:, 1])
        others = common.clone()
        others[torch.arange(len(same)), class_a] = False
        class_b = torch.where(same, class_a, _nth(others, u[:, 2]))
        return self._of_cell(class_a, group_a, u[:, 3]), self._of_cell(class_b, group_b, u[:, 4])

    def _another(self, classes: Tensor, groups: Tensor, u: Tensor) -> Tensor:
        """A random class (N,) with images in the group, not the one of ``classes``, which has some."""
        candidates = self._has.T[groups]
        candidates[torch.arange(len(classes)), classes] = False
        return _nth(candidates, u)

    def _of_cell(self, classes: Tensor, groups: Tensor, u: Tensor) -> Tensor:
        count = self._cells.flatten()
        cell = classes * self._cells.shape[1] + groups
        return self.images[(count.cumsum(0) - count)[cell] + (u * count[cell]).long()]


def _nth(mask: Tensor, u: Tensor) -> Tensor:
    """Column of a random true entry in each row of ``mask`` (N, K), from ``u`` (N,)."""
    nth = (u * mask.sum(1)).long() + 1
    return (mask.cumsum(1) < nth[:, None]).sum(1)
