"""The ``pairs`` domain: the user's own list of pairs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from bench.domain import Domain, Images, Pairs, Split, register_domain, uniforms
from bench.errors import UsageError
from bench.fusion import MapShape

from .bank import PARTS
from .dealt import Plan
from .folder import check_size
from .image_files import ImageFiles, read_facts, read_images
from .labelled import Color, named_shapes, pixel_shift_of, unknown_shift
from .pair_lists import list_pairs, split_pairs
from .pixel_shifts import PIXEL_SHIFTS
from .renderer import IMAGE_SIZE
from .scene import Key


@register_domain
class ListedPairs(Domain):
    """Your own pairs, ``pairs:FILE``: a CSV file with columns a, b, label, group, split, or LFW's ``pairs.txt``.

    Half of the pairs drawn are same: of every two neighbours one. Each split goes through its same pairs and through
    its different ones in random order, all of them once before any comes again. No image and no group is in two splits:
    what shares one hangs together and stays together. Of five folds one is for testing, one for validation and the
    others for training; a column ``split``, or the folds of LFW, win.

    Of a CSV file only the pairs are labelled: ``class`` says of a pair whether it is same, and nothing across pairs.

    Args:
        path: the list; ``label`` is 1 or same, 0 or different. One that ends in .txt is read as LFW's.
        root: folder that the files are in; empty for the one of the list.
        size: height and width that the middle square of every image is scaled to, in pixels.
        fold: the fold that is for testing, from 0.
        split_seed: of the draw of folds.
        val: the fold for validation: the next one, or that of most_groups, which share no image.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
    """

    name, version = "pairs", 1
    needs_files = True
    warmup_classes = Color.warmup_classes

    def __init__(
        self,
        path: str = "",
        root: str = "",
        size: int = IMAGE_SIZE,
        fold: int = 0,
        split_seed: int = 0,
        val: str = "next",
        shift: str = "",
    ) -> None:
        if not path:
            raise UsageError("pairs: no path given; expected pairs:FILE, where FILE is a CSV file of a, b and label")
        check_size(f"pairs {path}", size)
        self._listed = list_pairs(Path(path).expanduser(), Path(root).expanduser() if root else None)
        if split_seed < 0:
            raise UsageError(f"{self._listed.where}: split_seed={split_seed}; expected 0 or more")
        self._splits = split_pairs(self._listed, Plan(fold=fold, split_seed=split_seed, val=val))
        self._pixel_shift = pixel_shift_of(shift)
        self.shifts = {name: entry.what for name, entry in PIXEL_SHIFTS.items()}
        if shift and self._pixel_shift is None:
            raise UsageError(unknown_shift(self.name, shift, self.shifts))
        self.image = MapShape(3, size, size)
        self.warmup_domain = "color" if size == IMAGE_SIZE else ""
        self.names_images = self._listed.shown is not None
        self.classes = tuple(sorted(set(self._listed.shown or self._listed.files)))
        self.test_pairs = 2 * min(len(rows) for rows in self._rows["test"])
        read_images(self._files, size)

    @cached_property
    def _files(self) -> ImageFiles:
        listed = self._listed
        return ImageFiles(listed.where, listed.root, listed.files, listed.shown or listed.files)

    @property
    def content(self) -> Mapping[str, str]:
        images = read_images(self._files, self.image.height)[1]
        whole = hashlib.sha256(f"{self._listed.digest} {images}".encode()).hexdigest()[:16]
        return {"path": whole, "root": "in path"}

    @property
    def collection(self) -> Tensor | None:
        return self._pixels if self._pixel_shift is None else None

    @property
    def file_facts(self) -> Mapping[str, Tensor]:
        return read_facts(self._files)

    @property
    def _pixels(self) -> Tensor:
        return read_images(self._files, self.image.height)[0]

    @cached_property
    def _rows(self) -> Mapping[str, tuple[Tensor, Tensor]]:
        """Rows of the list that are different and those that are same, by split."""
        parts, label = torch.from_numpy(self._splits.parts), torch.tensor(self._listed.label)
        rows = {
            name: tuple(((parts == number) & (label == value)).nonzero()[:, 0] for value in (0, 1))
            for number, name in enumerate(PARTS)
        }
        return {name: (different, same) for name, (different, same) in rows.items()}

    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        key = (self.name, self.version, split, int(seed))
        different, same = self._rows["train" if split == "warmup" else split]
        first, last = start // 2, (start + n - 1) // 2
        drawn = [_in_turn(own, (*key, place), first, last + 1) for place, own in enumerate((different, same))]
        swapped = (uniforms((*key, "swapped"), first, last + 1 - first, 1) < 0.5)[:, :1]
        both = torch.stack(drawn, 1)
        row = torch.where(swapped, both.flip(1), both).flatten()[start - 2 * first :][:n]
        a, b, label = (torch.tensor(of)[row] for of in (self._listed.a, self._listed.b, self._listed.label))
        class_a, class_b = self._class_of_file[a], self._class_of_file[b]
        if not self.names_images:
            class_b = torch.where(label == 1, class_a, class_b)
        images_a, images_b = self._show(a, class_a, row), self._show(b, class_b, row)
        strata = None
        if self._pixel_shift is not None:
            pixels_a, pixels_b, strata = self._pixel_shift(images_a.pixels, images_b.pixels, key, start)
            images_a, images_b = replace(images_a, pixels=pixels_a), replace(images_b, pixels=pixels_b)
        return Pairs(images_a, images_b, label, strata)

    def _show(self, files: Tensor, classes: Tensor, row: Tensor) -> Images:
        return Images(self._pixels[files].contiguous(), {"class": classes, "image": files, "pair": row})

    @cached_property
    def _class_of_file(self) -> Tensor:
        number = {name: place for place, name in enumerate(self.classes)}
        return torch.tensor([number[name] for name in self._listed.shown or self._listed.files])

    def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
        """The named shapes of the domain ``color``, in the size of this domain's images."""
        return named_shapes(self.image, split, seed, n, start, easy)


def _in_turn(rows: Tensor, key: Key, start: int, stop: int) -> Tensor:
    """Entries ``start`` to ``stop`` of an endless series that goes through ``rows`` again and again, each time in
    another random order."""
    rounds = range(start // len(rows), (stop - 1) // len(rows) + 1)
    orders = [uniforms((*key, "round", number), 0, len(rows), 1)[:, 0].argsort(stable=True) for number in rounds]
    offset = start - rounds.start * len(rows)
    return rows[torch.cat(orders)[offset : offset + stop - start]]
