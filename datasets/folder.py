"""The ``folder`` domain: the user's own photographs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import torch

from bench.domain import register_domain
from bench.errors import UsageError

from .folds import group_folds, parts_of
from .image_files import list_files, read_images
from .labelled import MIN_SEEN, Bank, LabelledDomain
from .renderer import IMAGE_SIZE

MIN_SIZE, MAX_SIZE = 16, 256


@register_domain
class Folder(LabelledDomain):
    """Your own images, ``folder:PATH``: a folder of class folders, or a CSV file with columns file, class, group.

    The images of a group are never in two splits; without groups every file is one. Of five folds (four or three where
    a class has few images or groups) one is for testing, the next for validation and the others for training.

    Args:
        path: the folder or the CSV file; file names in it are relative to where it lies.
        size: height and width that the middle square of every image is scaled to, in pixels.
        held_out: number of classes that training never shows, the last ones in alphabetical order.
        fold: the fold that is for testing, from 0.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
    """

    name, version = "folder", 1
    needs_files = True

    def __init__(
        self, path: str = "", size: int = IMAGE_SIZE, held_out: int = 0, fold: int = 0, shift: str = ""
    ) -> None:
        if not path:
            raise UsageError(
                "folder: no path given; expected folder:PATH, where PATH is a folder of class folders or a CSV file"
            )
        if not MIN_SIZE <= size <= MAX_SIZE:
            raise UsageError(f"folder {path}: size={size}; expected {MIN_SIZE} to {MAX_SIZE} pixels")
        self._listed = list_files(Path(path).expanduser())
        names = tuple(sorted(set(self._listed.classes)))
        if len(names) < MIN_SEEN:
            raise UsageError(f"{self._listed.where}: only one class, {names[0]!r}; at least {MIN_SEEN} are needed")
        super().__init__(names, shift, held_out, size, path=path, fold=fold)
        self._fold_of_image, folds = group_folds(self._listed.where, self._listed.classes, self._listed.groups)
        if not 0 <= fold < folds:
            raise UsageError(f"{self._listed.where}: fold={fold}; there are {folds} folds, 0 to {folds - 1}")
        self._fold, self._folds = fold, folds
        read_images(self._listed, size)

    @property
    def content(self) -> Mapping[str, str]:
        return {"path": read_images(self._listed, self.image.height)[1]}

    @cached_property
    def bank(self) -> Bank:
        numbers = {
            "class": {name: number for number, name in enumerate(self.names)},
            "group": {name: number for number, name in enumerate(sorted(set(self._listed.groups)))},
        }
        classes = torch.tensor([numbers["class"][name] for name in self._listed.classes])
        groups = torch.tensor([numbers["group"][name] for name in self._listed.groups])
        pixels = read_images(self._listed, self.image.height)[0]
        return Bank(pixels, classes, parts_of(self._fold_of_image, self._fold, self._folds), {"group": groups})
