"""What lies in a folder of class folders and is no image of the domain, and groups that a list has in training and in
testing: said beside the domain, since the keys of published records hang on its own file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bench.domain import unread_of
from bench.text import count_of, some

from .folder import Folder
from .image_files import COLUMNS, OPTIONAL, SUFFIXES, ImageFiles, _is_shown
from .list_checks import unread_columns

NAMED = 5


@unread_of.register
def _unread(domain: Folder) -> tuple[str, ...]:
    listed = domain._listed
    if listed.where != f"folder {listed.root}":
        list_file = Path(listed.where.removeprefix("folder "))
        unread = unread_columns(listed.where, list_file, COLUMNS, OPTIONAL, ("class", "group", "split"))
        return (*unread, *_shown_before(listed))
    found = [*_other_files(listed.root), *_without_images(listed.root, set(listed.classes)), *_beside(listed.root)]
    return tuple(f"{listed.where}: {line}" for line in found)


def _shown_before(listed: ImageFiles) -> list[str]:
    """Groups that the column ``split`` tests though training shows them: what they look like is known then."""
    if listed.groups is None or listed.splits is None:
        return []
    placed = set(zip(listed.groups, listed.splits, strict=True))
    both = sorted(group for group, split in placed if split == "train" and (group, "test") in placed)
    groups = count_of(len(both), "group is", "groups are")
    return [f"{listed.where}: {groups} in training and in testing by column split: {some(both, NAMED)}"] if both else []


def _other_files(root: Path) -> list[str]:
    """Of class folders, by ending."""
    files = (file for file in root.glob("*/**/*") if file.is_file() and _is_shown(file.relative_to(root)))
    endings = Counter(file.suffix.lower() or "no ending" for file in files if file.suffix.lower() not in SUFFIXES)
    if not endings:
        return []
    kinds = some((f"{number:,} {ending}" for ending, number in endings.most_common()), NAMED)
    known = ", ".join(sorted(SUFFIXES))
    return [f"{count_of(endings.total(), 'file is', 'files are')} not read ({kinds}); what is read ends in {known}"]


def _without_images(root: Path, classes: set[str]) -> list[str]:
    folders = (one.name for one in sorted(root.iterdir()) if one.is_dir() and _is_shown(Path(one.name)))
    empty = [name for name in folders if name not in classes]
    return [f"no class, as no image that can be read is in it: {some(empty, NAMED)}"] if empty else []


def _beside(root: Path) -> list[str]:
    """Images that are in no class folder."""
    images = [one.name for one in sorted(root.iterdir()) if one.is_file() and one.suffix.lower() in SUFFIXES]
    shown = [name for name in images if _is_shown(Path(name))]
    if not shown:
        return []
    return [f"{count_of(len(shown), 'image is', 'images are')} in no class folder and not read: {some(shown, NAMED)}"]
