"""Characters of a set of fonts: which of them show all characters, and pictures of these in one scale per font."""

from __future__ import annotations

import hashlib
import io
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, ImageFont, features

Mask = NDArray[np.uint8]

CHARACTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits
# Alike but for their size, or not told apart in a good part of all fonts: each of these is one class.
TWINS = ("Cc", "Jj", "Kk", "Oo0", "Pp", "Ss", "Uu", "Vv", "Ww", "Xx", "Yy", "Zz", "Il1")
CLASSES = (*TWINS, *(character for character in CHARACTERS if character not in "".join(TWINS)))
CLASS_OF = tuple(next(k for k, name in enumerate(CLASSES) if character in name) for character in CHARACTERS)

SUFFIXES = (".ttf", ".otf", ".ttc")
# Rises with every change of this file that changes a picture.
CODE = 1
# Points per pixel of a finished picture that outlines are drawn at, and the empty border as a share of its side.
OVERSAMPLING = 3
BORDER = 1 / 16
# Side of the pictures that are compared, and letters whose two cases have different shapes.
COMPARED = 24
CASED = "abdefghmnqrt"
# Correlations from which two glyphs of a font are the same picture; see docs/data.md for what each leaves out.
SAME_PICTURE, SAME_CASE, NO_LOWER_CASE = 0.98, 0.9, 0.75


@dataclass(frozen=True)
class FontFile:
    """A font that shows all characters.

    Attributes:
        family: first word of its family's name in small letters: ``Quantum Flat`` and ``Quantum Round`` are one.
        masks: the ink box of each of ``CHARACTERS``, 255 in the ink, in the scale of the font.
    """

    family: str
    masks: tuple[Mask, ...]


def read_font(content: bytes, points: int) -> FontFile | str:
    """A font file at a size in pixels, or why it cannot be used."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        font = TTFont(io.BytesIO(content), lazy=True, fontNumber=0)
        mapped = font.getBestCmap() or {}
        name = font["name"].getDebugName(16) or font["name"].getDebugName(1) or ""
        face = ImageFont.truetype(io.BytesIO(content), points, layout_engine=ImageFont.Layout.BASIC)
    except (TTLibError, OSError, KeyError, ValueError, AssertionError) as error:
        return f"no readable font ({type(error).__name__})"
    if not name.split():
        return "no name of a family"
    missing = [character for character in CHARACTERS if mapped.get(ord(character), ".notdef") == ".notdef"]
    if missing:
        return f"no glyph for {missing[0]!r}"
    masks = [_ink(face, character) for character in CHARACTERS]
    blank = [character for character, mask in zip(CHARACTERS, masks, strict=True) if mask is None]
    if blank:
        return f"nothing drawn for {blank[0]!r}"
    return FontFile(name.split()[0].lower(), tuple(mask for mask in masks if mask is not None))


def _ink(face: ImageFont.FreeTypeFont, character: str) -> Mask | None:
    drawn = face.getmask(character, mode="L")
    box = drawn.getbbox()
    if box is None:
        return None
    left, top, right, bottom = box
    page = np.array(drawn, np.uint8).reshape(drawn.size[1], drawn.size[0])
    return page[top:bottom, left:right]


def distinct(font: FontFile) -> NDArray[np.bool_]:
    """Which of ``CHARACTERS`` a font shows so that their class can be told from the picture (characters,) bool.

    Left out are lower-case letters that are drawn as capitals, all lower-case letters of a font that has none of its
    own, and characters of different classes that look alike.
    """
    shapes = np.stack([_fitted(mask, COMPARED, COMPARED / max(mask.shape)).ravel() for mask in font.masks])
    shapes = shapes.astype(np.float64) - shapes.mean(1, keepdims=True)
    shapes /= np.linalg.norm(shapes, axis=1, keepdims=True).clip(1e-9)
    alike = shapes @ shapes.T
    lower = np.array([CHARACTERS.index(letter) for letter in string.ascii_lowercase])
    upper = np.array([CHARACTERS.index(letter) for letter in string.ascii_uppercase])
    classes = np.array(CLASS_OF)
    clear = np.ones(len(CHARACTERS), bool)
    case = alike[lower, upper]
    one_class = classes[lower] == classes[upper]
    clear[lower[(case > SAME_CASE) & ~one_class]] = False
    if np.median(case[[string.ascii_lowercase.index(letter) for letter in CASED]]) > NO_LOWER_CASE:
        clear[lower] = False
    clash = (alike > SAME_PICTURE) & (classes[:, None] != classes[None]) & clear[:, None] & clear[None]
    return clear & ~clash.any(1)


def pictures(font: FontFile, size: int) -> NDArray[np.uint8]:
    """Every character (characters, size, size) uint8, dark on light, its ink box in the middle.

    All are scaled alike, so that the largest of the font reaches the border.
    """
    scale = size * (1 - 2 * BORDER) / max(max(mask.shape) for mask in font.masks)
    return 255 - np.stack([_fitted(mask, size, scale) for mask in font.masks])


def _fitted(mask: Mask, size: int, scale: float) -> Mask:
    """A mask, scaled, in the middle of a square."""
    height, width = (max(1, round(side * scale)) for side in mask.shape)
    small = Image.fromarray(mask).resize((width, height), Image.Resampling.BOX)
    square = Image.new("L", (size, size))
    square.paste(small, ((size - width) // 2, (size - height) // 2))
    return np.asarray(square)


def glyphs_of(fonts: Sequence[FontFile], size: int) -> dict[str, NDArray[np.generic]]:
    """The distinct characters of fonts, one row each: ``pixels`` (N, size, size) uint8, ``character`` and ``font`` as
    numbers, ``family`` as text."""
    kept = [distinct(font) for font in fonts]
    shown = [np.flatnonzero(mask) for mask in kept]
    font = np.repeat(np.arange(len(fonts)), [len(own) for own in shown])
    glyphs = {
        "pixels": np.concatenate([pictures(own, size)[mask] for own, mask in zip(fonts, kept, strict=True)]),
        "character": np.concatenate(shown),
        "font": font,
        "family": np.array([own.family for own in fonts])[font],
    }
    own = _of_one_owner(glyphs["pixels"], glyphs["family"], np.array(CLASS_OF)[glyphs["character"]])
    return {name: values[own] for name, values in glyphs.items()}


def _of_one_owner(pixels: NDArray[np.uint8], *owners: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Which pictures (N,) bool no other family or class has shown before."""
    rows = pixels.reshape(len(pixels), -1)
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    before = first[inverse.ravel()]
    return np.logical_and.reduce([own == own[before] for own in owners])


def settings() -> dict[str, str | int | float]:
    """What the pictures depend on beside the files and the size: a number for this code, and what draws outlines."""
    return {"code": CODE, "pillow": PIL.__version__, "freetype": str(features.version("freetype2"))}


def digest(contents: Iterable[bytes]) -> str:
    """SHA-256 of the contents of files, whatever their names."""
    whole = hashlib.sha256()
    for content in contents:
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()


def font_paths(folder: Path) -> list[Path]:
    """All font files below a folder."""
    return sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in (".ttf", ".otf", ".ttc") and path.is_file()
    )
