"""Ways to deal labelled images out to training, validation and testing: by image, by class, by group, by both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import UsageError

from .bank import MIN_IMAGES, PARTS
from .folds import FOLDS, MIN_FOLDS, group_folds, lightest_folds, shuffled

Index = NDArray[np.int64]
TRAIN, VAL, TEST = range(3)
# Shares of the classes that are for validation and for testing, and folds that test every class once.
CLASS_VAL, CLASS_FOLDS = 0.15, 4
VALS = ("next", "most_groups")


@dataclass(frozen=True)
class Plan:
    """How to split, as the user asks for it.

    Attributes:
        split: what validation and testing of the domain itself hold out: ``image``, ``class``, ``group`` or ``both``.
        held_out, held_out_groups: number of classes and groups that are only for the quarters of new ones.
        fold: which part is for testing. split_seed: of every draw.
        val: the fold for validation: the ``next`` one, or that of ``most_groups``.
    """

    split: str = "image"
    held_out: int = 0
    held_out_groups: int = 0
    fold: int = 0
    split_seed: int = 0
    val: str = "next"


@dataclass(frozen=True)
class Listed:
    """The classes and groups of a collection: sorted names and the numbers (N,) of each image's."""

    where: str
    names: tuple[str, ...]
    class_index: Index
    group_names: tuple[str, ...]
    group_index: Index
    has_groups: bool

    @classmethod
    def of(cls, where: str, classes: Sequence[str], groups: Sequence[str] | None) -> Listed:
        names, class_index = np.unique(classes, return_inverse=True)
        own = [str(number) for number in range(len(classes))] if groups is None else groups
        group_names, group_index = np.unique(own, return_inverse=True)
        found = tuple(map(str, names)), class_index, tuple(map(str, group_names)), group_index
        return cls(where, *found, groups is not None)


@dataclass(frozen=True)
class Dealt:
    """Split (N,) of each image as index in ``PARTS``; ``rank`` (classes,) orders the names, ``held_out`` are the last.

    What is for testing here may be of any quarter.
    """

    part: Index
    rank: Index
    held_out: int
    has_groups: bool


def deal(listed: Listed, plan: Plan, given: Sequence[str] | None = None) -> Dealt:
    """Deal images out as planned, or as ``given`` for each image.

    Raises:
        UsageError: the plan does not fit the images.
    """
    if given is not None:
        return _as_given(listed, plan, given)
    if plan.split not in _WAYS:
        raise UsageError(f"{listed.where}: split={plan.split!r}; expected one of {', '.join(_WAYS)}")
    if plan.val not in VALS:
        raise UsageError(f"{listed.where}: val={plan.val!r}; expected one of {', '.join(VALS)}")
    if not plan.split_seed >= 0:
        raise UsageError(f"{listed.where}: split_seed={plan.split_seed}; expected 0 or more")
    if plan.split in ("group", "both") and not listed.has_groups:
        raise UsageError(
            f"{listed.where}: split={plan.split} needs groups, and every image is its own; expected a column group, or "
            "split=image or split=class"
        )
    _check_held_out(listed, plan)
    return _WAYS[plan.split](listed, plan)


def _check_held_out(listed: Listed, plan: Plan) -> None:
    where = listed.where
    if plan.split in ("class", "both") and plan.held_out:
        raise UsageError(f"{where}: held_out={plan.held_out}; split={plan.split} tests new classes anyway, expected 0")
    most = len(listed.names) - MIN_IMAGES
    if not 0 <= plan.held_out <= most:
        raise UsageError(
            f"{where}: held_out={plan.held_out} of {len(listed.names)} classes; expected 0 to {most}, so that at least "
            f"{MIN_IMAGES} classes are seen"
        )
    if plan.held_out_groups and (plan.split != "class" or not listed.has_groups):
        raise UsageError(f"{where}: held_out_groups={plan.held_out_groups}; expected 0 unless split=class, with groups")
    most = len(listed.group_names) - 1
    if not 0 <= plan.held_out_groups <= most:
        raise UsageError(
            f"{where}: held_out_groups={plan.held_out_groups} of {most + 1} groups; expected 0 to {most}, so that one "
            "is seen"
        )


def _by_image(listed: Listed, plan: Plan) -> Dealt:
    """Every class in all splits, no group in two of them."""
    held = _last(listed.names, plan.held_out, "held_out", plan.split_seed)
    own = ~held[listed.class_index]
    kept = np.flatnonzero(~held)
    classes = np.searchsorted(kept, listed.class_index[own])
    groups = np.unique(listed.group_index[own], return_inverse=True)[1]
    fold, folds = group_folds(listed.where, [listed.names[k] for k in kept], classes, groups, plan.split_seed)
    part = np.full(len(own), TEST)
    part[own] = parts_of_folds(listed.where, fold.numpy(), folds, plan, groups)
    return Dealt(part, held.astype(np.int64), plan.held_out, listed.has_groups)


def _by_group(listed: Listed, plan: Plan) -> Dealt:
    """Whole groups; a class need not be in every split."""
    held = _last(listed.names, plan.held_out, "held_out", plan.split_seed)
    part = _parts_of_groups(listed, plan)[listed.group_index]
    part[held[listed.class_index]] = TEST
    return Dealt(part, held.astype(np.int64), plan.held_out, True)


def _by_class(listed: Listed, plan: Plan) -> Dealt:
    """Whole classes; images of held-out groups are all for testing."""
    part_of_class = _parts_of_classes(listed, plan)
    part = part_of_class[listed.class_index]
    held = _last(listed.group_names, plan.held_out_groups, "held_out_groups", plan.split_seed)
    part[held[listed.group_index]] = TEST
    return Dealt(part, part_of_class, 0, listed.has_groups)


def _by_both(listed: Listed, plan: Plan) -> Dealt:
    """Training shows classes and groups of training alone, validation those of validation; the rest is for testing."""
    part_of_group = _parts_of_groups(listed, plan)
    part_of_class = _parts_of_classes(listed, plan)
    of_class, of_group = part_of_class[listed.class_index], part_of_group[listed.group_index]
    return Dealt(np.where(of_class == of_group, of_class, TEST), part_of_class, 0, True)


_WAYS: Mapping[str, Callable[[Listed, Plan], Dealt]] = {
    "image": _by_image,
    "class": _by_class,
    "group": _by_group,
    "both": _by_both,
}
SPLITS = tuple(_WAYS)


def _as_given(listed: Listed, plan: Plan, given: Sequence[str]) -> Dealt:
    if plan != Plan():
        raise UsageError(
            f"{listed.where}: has a column split, which says what is for training, validation and testing; expected no "
            "split, fold, split_seed, val, held_out or held_out_groups beside it"
        )
    unknown = sorted(set(given) - set(PARTS))
    if unknown:
        raise UsageError(f"{listed.where}: split {unknown[0]!r} in the column split; expected {', '.join(PARTS)}")
    part = np.array([PARTS.index(name) for name in given])
    rank = np.full(len(listed.names), TEST)
    for number in (VAL, TRAIN):
        rank[np.unique(listed.class_index[part == number])] = number
    return Dealt(part, rank, 0, listed.has_groups)


def _last(names: Sequence[str], n: int, *key: str | int) -> NDArray[np.bool_]:
    """Which ``n`` names are drawn; more of them include fewer."""
    drawn = np.zeros(len(names), bool)
    drawn[shuffled(names, *key)[:n]] = True
    return drawn


def _parts_of_classes(listed: Listed, plan: Plan) -> Index:
    """Split of each class: of the classes in random order a quarter is for testing, the next 15 % for validation."""
    k = len(listed.names)
    val = max(MIN_IMAGES, round(CLASS_VAL * k))
    folds = min(CLASS_FOLDS, k // MIN_IMAGES)
    if k < 3 * MIN_IMAGES:
        raise UsageError(
            f"{listed.where}: {k} classes; with split={plan.split} at least {3 * MIN_IMAGES} are needed, two each for "
            "training, validation and testing"
        )
    _check_fold(listed.where, plan.fold, folds)
    first, last = plan.fold * k // folds, (plan.fold + 1) * k // folds
    place = np.empty(k, np.int64)
    place[shuffled(listed.names, "classes", plan.split_seed)] = np.arange(k)
    behind = (place - last) % k
    part = np.full(k, TRAIN)
    part[behind < val] = VAL
    part[(place >= first) & (place < last)] = TEST
    return part


def _parts_of_groups(listed: Listed, plan: Plan) -> Index:
    """Split of each group: folds of about as many images."""
    n = len(listed.group_names)
    if n < MIN_FOLDS:
        raise UsageError(
            f"{listed.where}: {n} groups; with split={plan.split} at least {MIN_FOLDS} are needed, one each for "
            "training, validation and testing"
        )
    folds = min(FOLDS, n)
    order = shuffled(listed.group_names, "groups", plan.split_seed)
    fold = lightest_folds(np.bincount(listed.group_index), order, folds)
    return parts_of_folds(listed.where, fold, folds, plan, np.arange(n))


def parts_of_folds(where: str, fold: Index, folds: int, plan: Plan, groups: Index) -> Index:
    """Split of each thing from its fold: one is for testing and one for validation."""
    _check_fold(where, plan.fold, folds)
    behind = [(plan.fold + step) % folds for step in range(1, folds)]
    val = behind[0]
    if plan.val == "most_groups":
        val = max(behind, key=lambda number: len(np.unique(groups[fold == number])))
    part = np.full(len(fold), TRAIN)
    part[fold == val] = VAL
    part[fold == plan.fold] = TEST
    return part


def _check_fold(where: str, fold: int, folds: int) -> None:
    if not 0 <= fold < folds:
        raise UsageError(f"{where}: fold={fold}; there are {folds} folds, 0 to {folds - 1}")
