"""The ``fonts`` domain: one character in two families of fonts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from bench.domain import register_domain
from bench.errors import UsageError
from bench.packages import Package, Rendered, locate, rendered

from .bank import ACROSS_COLUMNS, Bank, Part
from .dealt import Plan
from .font_glyphs import (
    CLASS_OF,
    CLASSES,
    OVERSAMPLING,
    FontFile,
    digest,
    font_paths,
    glyphs_of,
    read_font,
    settings,
)
from .labelled import NOVEL_VS_SEEN, LabelledDomain
from .renderer import IMAGE_SIZE
from .splits import split_images

AENIGMA = Package(
    name="fonts-aenigma",
    version="0.0.20080511+dfsg-4",
    client="apt",
    licence="free to redistribute and modify with attribution",
    size=7374384,
    integrity="sha256-x/M6Tlkyr4KpLIGlqZOh0RfEMJtHUyyw2cOtNLxU9ag=",
    files=("usr/share/fonts/truetype/aenigma/*.ttf",),
    digest="e7ba240030ece50e924b3444b2431082ac6a24747f185f3a4ccdd8501d0ae8fd",
    author="Brian Kent",
    home="https://packages.debian.org/fonts-aenigma",
)
# Files of the package that show something other than upright characters under their codes.
NO_CHARACTERS = frozenset(
    "90stars bin01st binx01s bitbttf entlayrb fauxsnow hdmaker lineding skullcap snailets symmetry "
    "vertigo vertigo2".split()
)
MIN_SIZE, MAX_SIZE = 16, 128


@register_domain
class Fonts(LabelledDomain):
    """Letters and digits, dark on light: do two images, never of one family of fonts, show the same character?

    The 450 usable fonts of Debian's ``fonts-aenigma``, or any folder of fonts. 47 classes: characters that differ in
    size alone (c, C) or that many fonts do not tell apart (O, o, 0) are one. Families are split, three fifths for
    training; so the test is on seen characters in new families. Beside it stand pairs of held-out characters in seen
    and in new families, and of seen ones in seen families. A pair is of two families, drawn first, and of characters
    that both have: the partner of a different pair comes from where the same partner would come from.

    Args:
        root: folder of fonts, read with all folders in it; empty for the package.
        size: height and width of the images in pixels.
        held_out: number of classes that training never shows, drawn by ``split_seed``.
        fold: the fold of families that is for testing, from 0.
        split_seed: of the draw of folds and of held-out characters.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
    """

    name, version = "fonts", 1
    needs_files = True
    packages = (AENIGMA,)
    choice_columns = ACROSS_COLUMNS

    def __init__(
        self,
        root: str = "",
        size: int = IMAGE_SIZE,
        held_out: int = 12,
        fold: int = 0,
        split_seed: int = 0,
        shift: str = "",
    ) -> None:
        if not MIN_SIZE <= size <= MAX_SIZE:
            raise UsageError(f"fonts: size={size}; expected {MIN_SIZE} to {MAX_SIZE} pixels")
        where = f"fonts in {root}" if root else self.name
        self._glyphs = _from_folder(where, Path(root).expanduser(), size) if root else _from_package(size)
        plan = Plan("group", held_out, fold=fold, split_seed=split_seed)
        arrays = self._glyphs.arrays
        classes = tuple(CLASSES[CLASS_OF[character]] for character in arrays["character"])
        splits = split_images(where, classes, tuple(map(str, arrays["family"])), plan)
        super().__init__(splits.names, shift, held_out, size, splits, root=root, fold=fold, split_seed=split_seed)

    @property
    def content(self) -> Mapping[str, str]:
        return {"root": self._glyphs.content}

    @cached_property
    def bank(self) -> Bank:
        assert self.splits is not None
        assert self.splits.groups is not None
        arrays = self._glyphs.arrays
        pixels = torch.from_numpy(arrays["pixels"])[:, None].expand(-1, 3, -1, -1)
        latents = {"group": self.splits.groups, "font": torch.from_numpy(arrays["font"])}
        return Bank(pixels, self.splits.classes, self.splits.parts, latents)

    def usable(self, part: Part) -> Tensor:
        return part.spans_groups

    def choose(self, part: Part, class_a: Tensor, class_b: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """Images of two families and of characters that both have."""
        if self.shift == NOVEL_VS_SEEN:
            # Which classes a pair has is the shift itself.
            return part.pick_across(class_a, class_b, u)
        return part.pick_common(class_a == class_b, u)


def _from_package(size: int) -> Rendered:
    root = locate(AENIGMA, Fonts.name)
    paths = [path for path in AENIGMA.files_in(root) if path.stem not in NO_CHARACTERS]
    return _kept(Fonts.name, AENIGMA.digest, paths, size)


def _from_folder(where: str, folder: Path, size: int) -> Rendered:
    if not folder.is_dir():
        raise UsageError(f"{where}: no such folder; expected a folder of .ttf and .otf files")
    paths = font_paths(folder)
    if not paths:
        raise UsageError(f"{where}: no fonts found; expected files that end in .ttf, .otf or .ttc")
    return _kept(where, digest(path.read_bytes() for path in paths), paths, size)


def _kept(where: str, of_files: str, paths: Sequence[Path], size: int) -> Rendered:
    """The characters of the files, rendered once for one content of files and settings."""
    identity = {"fonts": of_files, "size": size, "without": sorted(NO_CHARACTERS), **settings()}
    return rendered(identity, lambda: glyphs_of(_usable(where, paths, size), size))


def _usable(where: str, paths: Sequence[Path], size: int) -> list[FontFile]:
    read = [(path, read_font(path.read_bytes(), OVERSAMPLING * size)) for path in paths]
    usable = [font for _, font in read if isinstance(font, FontFile)]
    if not usable:
        path, why = read[0]
        raise UsageError(
            f"{where}: none of {len(paths)} fonts shows all of A to Z, a to z and 0 to 9; {path.name}: {why}"
        )
    return usable
