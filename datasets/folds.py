"""Splits of labelled images: folds that hold a fifth of every class each, and never part of a group."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.domain import uniforms
from bench.errors import UsageError

from .labelled import PARTS

Index = NDArray[np.int64]

FOLDS, MIN_FOLDS = 5, 3
# A same-pair needs two different images in every split.
MIN_PER_FOLD = 2


def parts_of(fold: Tensor, test: int, folds: int) -> Tensor:
    """Split of each image as its index in ``PARTS``: one fold is for testing, the next for validation, the rest train.

    Args:
        fold: (N,) int64.
    """
    parts = torch.full_like(fold, PARTS.index("train"))
    parts[fold == (test + 1) % folds] = PARTS.index("val")
    parts[fold == test] = PARTS.index("test")
    return parts


def stratified_folds(name: str, classes: Tensor, folds: int = FOLDS) -> Tensor:
    """Fold of each image (N,) int64: the images of each class (N,) in random order, dealt out in turn."""
    u = uniforms((name, "folds"), 0, len(classes), 1)[:, 0]
    shuffled = u.argsort(stable=True)
    order = shuffled[classes[shuffled].argsort(stable=True)]
    fold = torch.empty_like(classes)
    fold[order] = torch.arange(len(classes)) % folds
    return fold


@cache
def group_folds(where: str, classes: tuple[str, ...], groups: tuple[str, ...]) -> tuple[Tensor, int]:
    """Fold of each image (N,) int64 and the number of folds; the images of a group share a fold.

    As many folds as leave two images of every class in each of them: five, or else four or three.

    Args:
        where: the user's text, for messages.
        classes, groups: name of each image's class and group.

    Raises:
        UsageError: there are too few images or groups of a class; the message names it.
    """
    names, class_index = np.unique(classes, return_inverse=True)
    group_index = np.unique(groups, return_inverse=True)[1]
    images, own_groups = np.bincount(class_index), _groups_per_class(class_index, group_index)
    for name, count, distinct in zip(names, images, own_groups, strict=True):
        _check_class(where, str(name), int(count), int(distinct))
    most = min(FOLDS, int(own_groups.min()), int(images.min()) // MIN_PER_FOLD)
    for folds in range(most, MIN_FOLDS - 1, -1):
        fold = _assign(class_index, group_index, folds)
        table = np.zeros((len(names), folds), int)
        np.add.at(table, (class_index, fold), 1)
        if table.min() >= MIN_PER_FOLD:
            return torch.from_numpy(fold), folds
    scarce = str(names[table.min(axis=1).argmin()])
    raise UsageError(
        f"{where}: the groups cannot be split into {MIN_FOLDS} folds with {MIN_PER_FOLD} images of class {scarce!r} "
        "each; more or smaller groups of it are needed"
    )


def _groups_per_class(classes: Index, groups: Index) -> Index:
    return np.bincount(np.unique(np.stack([classes, groups]), axis=1)[0])


def _check_class(where: str, name: str, images: int, groups: int) -> None:
    if images < MIN_FOLDS * MIN_PER_FOLD:
        raise UsageError(
            f"{where}: class {name!r} has {_counted(images, 'image')}; at least {MIN_FOLDS * MIN_PER_FOLD} are needed, "
            "two each for training, validation and testing"
        )
    if groups < MIN_FOLDS:
        raise UsageError(
            f"{where}: all images of class {name!r} lie in {_counted(groups, 'group')}; at least {MIN_FOLDS} are "
            "needed, one each for training, validation and testing"
        )


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _assign(classes: Index, groups: Index, folds: int) -> Index:
    from sklearn.model_selection import StratifiedGroupKFold

    if groups.max() + 1 == len(groups):
        # Nothing to keep together: the same balance without a search that takes seconds for 10,000 images.
        return stratified_folds("group folds", torch.from_numpy(classes), folds).numpy()
    fold = np.empty(len(classes), np.int64)
    splitter = StratifiedGroupKFold(folds)
    for number, (_, held_out) in enumerate(splitter.split(np.zeros(len(classes)), classes, groups)):
        fold[held_out] = number
    return fold
