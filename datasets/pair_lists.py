"""A user's list of pairs of image files: a CSV file of a, b and label, or a list in the format of LFW's pairs.txt."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import UsageError

from .bank import PARTS
from .dealt import TEST, TRAIN, VAL, Plan, parts_of_folds
from .folds import FOLDS, MIN_FOLDS, lightest_folds, shuffled
from .image_files import SUFFIXES, read_rows

Index = NDArray[np.int64]
COLUMNS, OPTIONAL = ("a", "b", "label"), ("group", "split")
LABELS = {"1": 1, "same": 1, "0": 0, "different": 0}
# A part of the list that hangs together and is larger than this is only trained on.
LARGEST_TESTED = 0.4


@dataclass(frozen=True)
class PairList:
    """Pairs of files.

    Attributes:
        where: the user's text, for messages.
        root: folder to which the names of the files are relative.
        files: name of every file, each once, sorted.
        a, b: (M,) numbers of the files of each pair. label: (M,) 1 for same, 0 for different.
        groups: of each pair; None where there are none.
        splits: the split that the user chose for each pair; None where nothing was chosen.
        folds: of each pair, where the list states them.
        shown: who or what each file shows; None where only pairs are labelled.
    """

    where: str
    root: Path
    files: tuple[str, ...]
    a: tuple[int, ...]
    b: tuple[int, ...]
    label: tuple[int, ...]
    groups: tuple[str, ...] | None = None
    splits: tuple[str, ...] | None = None
    folds: tuple[int, ...] | None = None
    shown: tuple[str, ...] | None = None

    @property
    def digest(self) -> str:
        """16 hex digits of all that stands in the list."""
        told = (self.files, self.a, self.b, self.label, self.groups, self.splits, self.folds, self.shown)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


@cache
def list_pairs(path: Path, root: Path | None) -> PairList:
    """The pairs of a CSV file or, of a name that ends in ``.txt``, of a list as LFW has it.

    Args:
        root: folder of the files; None for the one that the list lies in.

    Raises:
        UsageError: there is no such file, or a row that cannot be used.
    """
    where, root = f"pairs {path}", root or path.parent
    if not path.is_file():
        found = "is no file" if path.exists() else "does not exist"
        raise UsageError(
            f"{where} {found}; expected a CSV file with the columns a, b, label and (optional) group and split, or a "
            "list like LFW's pairs.txt"
        )
    return _from_lfw(where, path, root) if path.suffix.lower() == ".txt" else _from_csv(where, path, root)


def _from_csv(where: str, path: Path, root: Path) -> PairList:
    rows = read_rows(where, path, COLUMNS, OPTIONAL)
    labels, seen = [], {}
    for line, row in rows:
        first, second, said = row["a"], row["b"], row["label"].strip().lower()
        if said not in LABELS:
            raise UsageError(f"{where}: row {line}: label {row['label']!r}; expected 1 or same, 0 or different")
        labels.append(LABELS[said])
        if first == second:
            raise UsageError(f"{where}: row {line} pairs {first} with itself")
        earlier = seen.setdefault(frozenset((first, second)), (line, labels[-1]))
        if earlier[0] != line:
            what = "repeats" if earlier[1] == labels[-1] else "contradicts"
            raise UsageError(f"{where}: row {line} {what} row {earlier[0]}, {first} and {second}; keep one of them")
        for name in (first, second):
            if not (root / name).is_file():
                raise UsageError(f"{where}: row {line}: no file {name} in {root}")
    told = {column: tuple(row[column] for _, row in rows) for column in OPTIONAL if column in rows[0][1]}
    ends = [(row["a"], row["b"]) for _, row in rows]
    return _numbered(where, root, ends, labels, groups=told.get("group"), splits=told.get("split"))


def _from_lfw(where: str, path: Path, root: Path) -> PairList:
    """Rows ``name i j`` of same and ``name i other j`` of different people; the first one states folds and pairs."""
    try:
        rows = [line.split() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise UsageError(f"{where}: not a readable text file in UTF-8") from None
    head, rows = (rows[0], rows[1:]) if rows and len(rows[0]) <= 2 else ([], rows)
    people: dict[str, str] = {}
    ends, labels = [], []
    for number, row in enumerate(rows, 1 + bool(head)):
        if len(row) not in (3, 4) or not all(re.fullmatch("[0-9]+", part) for part in (row[1], row[-1])):
            raise UsageError(f"{where}: row {number}: expected name 1 2 or name 1 other 2, found {' '.join(row)[:60]}")
        both = (row[0], row[1]), (row[-2] if len(row) == 4 else row[0], row[-1])
        names = [_lfw_file(where, number, root, *one) for one in both]
        people |= dict(zip(names, (person for person, _ in both), strict=True))
        ends.append((names[0], names[1]))
        labels.append(int(both[0][0] == both[1][0]))
    if not rows:
        raise UsageError(f"{where}: no pairs found; expected rows like name 1 2 or name 1 other 2")
    folds = _lfw_folds(where, head, len(rows))
    listed = _numbered(where, root, ends, labels)
    shown = tuple(people[name] for name in listed.files)
    return PairList(where, root, listed.files, listed.a, listed.b, listed.label, None, None, folds, shown)


def _lfw_file(where: str, row: int, root: Path, person: str, number: str) -> str:
    stem = f"{person}/{person}_{int(number):04}"
    found = [f"{stem}{suffix}" for suffix in (".jpg", *sorted(SUFFIXES)) if (root / f"{stem}{suffix}").is_file()]
    if not found:
        raise UsageError(f"{where}: row {row}: no file {stem}.jpg in {root}; expected pairs:FILE:root=FOLDER")
    return found[0]


def _lfw_folds(where: str, head: list[str], rows: int) -> tuple[int, ...] | None:
    if len(head) < 2:
        return None
    folds, each = (int(part) if part.isdigit() else 0 for part in head)
    if folds < MIN_FOLDS or 2 * folds * each != rows:
        raise UsageError(
            f"{where}: the first row says {' '.join(head)}, which is {folds} folds of {2 * each} pairs, and there are "
            f"{rows} pairs; at least {MIN_FOLDS} folds are needed"
        )
    return tuple(row // (2 * each) for row in range(rows))


def _numbered(
    where: str,
    root: Path,
    ends: list[tuple[str, str]],
    labels: list[int],
    groups: tuple[str, ...] | None = None,
    splits: tuple[str, ...] | None = None,
) -> PairList:
    files = tuple(sorted({name for pair in ends for name in pair}))
    number = {name: place for place, name in enumerate(files)}
    a, b = (tuple(number[pair[side]] for pair in ends) for side in (0, 1))
    return PairList(where, root, files, a, b, tuple(labels), groups, splits)


@dataclass(frozen=True)
class PairSplits:
    """Split (M,) of each pair as index in ``PARTS``, and into how many components the list falls."""

    parts: Index
    components: int


@cache
def split_pairs(listed: PairList, plan: Plan) -> PairSplits:
    """Splits of pairs, no image and no group in two of them: whole components of what shares an image or a group.

    Raises:
        UsageError: the list hangs together, or a split has no pair of a label.
    """
    component = _components(listed)
    count = int(component.max()) + 1
    if listed.splits is not None:
        unknown = sorted(set(listed.splits) - set(PARTS))
        if unknown:
            raise UsageError(f"{listed.where}: split {unknown[0]!r}; expected {', '.join(PARTS)}")
        if plan != Plan():
            raise UsageError(
                f"{listed.where}: has a column split, which says what is for training, validation and testing; "
                "expected no fold, split_seed or val beside it"
            )
        parts = np.array([PARTS.index(name) for name in listed.splits])
    elif listed.folds is not None:
        if plan.split_seed:
            raise UsageError(f"{listed.where}: its folds are given; expected fold, and no split_seed")
        folds = np.array(listed.folds)
        parts = parts_of_folds(listed.where, folds, int(folds.max()) + 1, plan, component)
    else:
        parts = _dealt(listed, component, count, plan)
    _check_apart(listed, component, parts)
    _check_labels(listed, parts, count)
    return PairSplits(parts, count)


def _components(listed: PairList) -> Index:
    """Component (M,) of each pair: pairs that share an image, a group or a person are in one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a, b = np.array(listed.a), np.array(listed.b)
    edges, nodes = [(a, b)], len(listed.files)
    if listed.groups is not None:
        group = nodes + np.unique(listed.groups, return_inverse=True)[1]
        edges, nodes = [*edges, (a, group)], int(group.max()) + 1
    if listed.shown is not None:
        person = nodes + np.unique(listed.shown, return_inverse=True)[1]
        edges, nodes = [*edges, (np.arange(len(listed.files)), person)], int(person.max()) + 1
    row, column = (np.concatenate([edge[side] for edge in edges]) for side in (0, 1))
    graph = coo_array((np.ones(len(row)), (row, column)), shape=(nodes, nodes))
    found = connected_components(graph, directed=False)[1]
    return np.unique(found[a], return_inverse=True)[1]


def _dealt(listed: PairList, component: Index, count: int, plan: Plan) -> Index:
    if plan.val != "next" and plan.val != "most_groups":
        raise UsageError(f"{listed.where}: val={plan.val!r}; expected next or most_groups")
    sizes = np.bincount(component)
    if count < MIN_FOLDS:
        together = f"{sizes.max()} of {len(component)} pairs hang together through images or groups that they share"
        raise UsageError(
            f"{listed.where}: {together} ({count} components); at least {MIN_FOLDS} are needed, so that no image is in "
            "two splits, or a column split"
        )
    # A component is known by its first file, however the rows stand.
    first = np.full(count, len(listed.files))
    np.minimum.at(first, component, np.array(listed.a))
    order = shuffled([listed.files[number] for number in first], "components", plan.split_seed)
    fold = lightest_folds(sizes, order, min(FOLDS, count))
    held = np.bincount(fold, weights=sizes)
    tested = np.flatnonzero(held <= LARGEST_TESTED * len(component))
    if len(tested) < 2:
        raise UsageError(
            f"{listed.where}: {sizes.max()} of {len(component)} pairs hang together through images or groups that they "
            f"share, and what is left of {count} components is too little to validate and to test on"
        )
    if not 0 <= plan.fold < len(tested):
        raise UsageError(f"{listed.where}: fold={plan.fold}; there are {len(tested)} folds, 0 to {len(tested) - 1}")
    behind = [int(tested[(plan.fold + step) % len(tested)]) for step in range(1, len(tested))]
    val = behind[0]
    if plan.val == "most_groups":
        val = max(behind, key=lambda number: int((fold == number).sum()))
    part = np.full(count, TRAIN)
    part[fold == val], part[fold == tested[plan.fold]] = VAL, TEST
    return part[component]


def _check_apart(listed: PairList, component: Index, parts: Index) -> None:
    """Raise where the user's own splits share an image, a group or a person."""
    low, high = np.full(component.max() + 1, TEST), np.full(component.max() + 1, TRAIN)
    np.minimum.at(low, component, parts)
    np.maximum.at(high, component, parts)
    torn = np.flatnonzero(low != high)
    if len(torn):
        rows = np.flatnonzero(component == torn[0])
        one = rows[parts[rows] != parts[rows[0]]][0]
        pairs = [f"{listed.files[listed.a[row]]} and {listed.files[listed.b[row]]}" for row in (rows[0], one)]
        raise UsageError(
            f"{listed.where}: {pairs[0]} ({PARTS[parts[rows[0]]]}) share images or groups, perhaps through other "
            f"pairs, with {pairs[1]} ({PARTS[parts[one]]}); expected no image and no group in two splits"
        )


def _check_labels(listed: PairList, parts: Index, count: int) -> None:
    label = np.array(listed.label)
    for number, name in enumerate(PARTS):
        for value, word in ((1, "same"), (0, "different")):
            if not ((parts == number) & (label == value)).any():
                raise UsageError(
                    f"{listed.where}: the split {name} has no pair labelled {word} ({len(label)} pairs in {count} "
                    "components that share no image and no group); more pairs, or a column split, are needed"
                )
