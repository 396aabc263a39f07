"""Folds of labelled images: a fifth of every class each, or of the groups, and never part of a group."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.domain import uniforms
from bench.errors import UsageError

from .bank import PARTS

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


def shuffled(names: Sequence[str], *key: str | int) -> list[int]:
    """Numbers of the names in an order that hangs on ``key`` and on the names alone, not on how they are sorted."""
    drawn = [hashlib.sha256(repr((*key, name)).encode()).digest() for name in names]
    return sorted(range(len(names)), key=drawn.__getitem__)


def lightest_folds(sizes: Index, order: Sequence[int], folds: int) -> Index:
    """Fold of each of several things that stay whole (K,) int64: the largest first, those of one size in ``order``,
    each to the fold that holds least."""
    fold, held = np.empty(len(sizes), np.int64), [0] * folds
    for number in sorted(order, key=lambda number: -sizes[number]):
        fold[number] = held.index(min(held))
        held[fold[number]] += int(sizes[number])
    return fold


def group_folds(where: str, names: Sequence[str], classes: Index, groups: Index, seed: int) -> tuple[Tensor, int]:
    """Fold of each image (N,) int64 and the number of folds; the images of a group share a fold.

    As many folds as leave two images of every class in each of them: five, or else four or three.

    Args:
        where: the user's text, for messages.
        names: of the classes.
        classes, groups: number of each image's class and group (N,), all of which occur.

    Raises:
        UsageError: there are too few images or groups of a class; the message names it.
    """
    images, own_groups = np.bincount(classes), _groups_per_class(classes, groups)
    for name, count, distinct in zip(names, images, own_groups, strict=True):
        _check_class(where, name, int(count), int(distinct))
    most = min(FOLDS, int(own_groups.min()), int(images.min()) // MIN_PER_FOLD)
    for folds in range(most, MIN_FOLDS - 1, -1):
        fold = _assign(classes, groups, folds, seed)
        table = np.zeros((len(names), folds), int)
        np.add.at(table, (classes, fold), 1)
        if table.min() >= MIN_PER_FOLD:
            return torch.from_numpy(fold), folds
    scarce = names[table.min(axis=1).argmin()]
    raise UsageError(
        f"{where}: the groups cannot be split into {MIN_FOLDS} folds with {MIN_PER_FOLD} images of class {scarce!r} "
        "each; more or smaller groups of it are needed, or split=group, where a class need not be in every split"
    )


def _groups_per_class(classes: Index, groups: Index) -> Index:
    return np.bincount(np.unique(np.stack([classes, groups]), axis=1)[0])


def _check_class(where: str, name: str, images: int, groups: int) -> None:
    if images < MIN_FOLDS * MIN_PER_FOLD:
        raise UsageError(
            f"{where}: class {name!r} has {_counted(images, 'image')}; at least {MIN_FOLDS * MIN_PER_FOLD} are needed, "
            "two each for training, validation and testing; with split=class two are enough"
        )
    if groups < MIN_FOLDS:
        raise UsageError(
            f"{where}: all images of class {name!r} lie in {_counted(groups, 'group')}; at least {MIN_FOLDS} are "
            "needed, one each for training, validation and testing; with split=group a class need not be in every split"
        )


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _assign(classes: Index, groups: Index, folds: int, seed: int) -> Index:
    from sklearn.model_selection import StratifiedGroupKFold

    if groups.max() + 1 == len(groups):
        # Nothing to keep together: the same balance without a search that takes seconds for 10,000 images.
        return stratified_folds(f"group folds {seed}", torch.from_numpy(classes), folds).numpy()
    fold = np.empty(len(classes), np.int64)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(np.zeros(len(classes)), classes, groups)):
        fold[held_out] = number
    return fold
