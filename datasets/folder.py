"""The ``folder`` domain: the user's own photographs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from torch import Tensor

from bench.domain import register_domain
from bench.errors import UsageError

from .bank import Bank
from .dealt import Plan
from .image_files import check_size, list_files, read_facts, read_images
from .labelled import MIN_SEEN, LabelledDomain
from .renderer import IMAGE_SIZE
from .splits import split_images


@register_domain
class Folder(LabelledDomain):
    """Your own images, ``folder:PATH``: a folder of class folders, or a CSV file of file, class, group, split.

    What training, validation and testing share is chosen by ``split``. With ``image`` every class is in all of them and
    no group is in two; without groups every file is one. Of five folds (four or three where a class has few images or
    groups) one is for testing, one for validation and the others for training. With ``class`` a quarter of the classes
    is for testing and 15 % for validation, with ``group`` a fifth of the images each in whole groups, and with ``both``
    testing shows new classes in new groups. A column ``split`` (train, val, test) in the CSV file wins.

    Args:
        path: the folder or the CSV file; file names in it are relative to where it lies.
        size: height and width that the middle square of every image is scaled to, in pixels.
        held_out: number of classes that neither training nor validation shows, drawn by ``split_seed``.
        fold: the fold that is for testing, from 0.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
        split: what validation and testing hold out: image, class, group or both.
        held_out_groups: with split=class, number of groups that neither training nor validation shows.
        split_seed: of the draw of folds and of what is held out.
        val: the fold for validation: the next one, or that of most_groups.
    """

    name, version = "folder", 2
    needs_files = True

    def __init__(
        self,
        path: str = "",
        size: int = IMAGE_SIZE,
        held_out: int = 0,
        fold: int = 0,
        shift: str = "",
        split: str = "image",
        held_out_groups: int = 0,
        split_seed: int = 0,
        val: str = "next",
    ) -> None:
        if not path:
            raise UsageError(
                "folder: no path given; expected folder:PATH, where PATH is a folder of class folders or a CSV file"
            )
        check_size(f"folder {path}", size)
        self._listed = listed = list_files(Path(path).expanduser())
        only = set(listed.classes)
        if len(only) < MIN_SEEN:
            raise UsageError(f"{listed.where}: only one class, {only.pop()!r}; at least {MIN_SEEN} are needed")
        plan = Plan(split, held_out, held_out_groups, fold, split_seed, val)
        splits = split_images(listed.where, listed.classes, listed.groups, plan, listed.splits)
        super().__init__(splits.names, shift, size=size, splits=splits, path=path, **vars(plan))
        read_images(listed, size)

    @property
    def content(self) -> Mapping[str, str]:
        return {"path": read_images(self._listed, self.image.height)[1]}

    @property
    def file_facts(self) -> Mapping[str, Tensor]:
        return read_facts(self._listed)

    @cached_property
    def bank(self) -> Bank:
        splits = self.splits
        assert splits is not None
        latents = {} if splits.groups is None else {"group": splits.groups}
        return Bank(read_images(self._listed, self.image.height)[0], splits.classes, splits.parts, latents)
