"""A domain on one picture: sample pairs of every split, then every shift beside its source."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from bench.domain import Images, Pairs, Split, Strata

# Largest side of an image in pixels of the sheet.
SAMPLE, SMALL = 96, 64
SAMPLE_PAIRS, STRIP_PAIRS, STRIPS_PER_LINE = 8, 4, 3
SEAM, GAP, GUTTER, MARGIN = 2, 8, 22, 16
STRIP_WIDTH = STRIP_PAIRS * (2 * SMALL + SEAM + GAP) - GAP
WIDTH = STRIPS_PER_LINE * STRIP_WIDTH + (STRIPS_PER_LINE - 1) * GUTTER
TEXT, HEADING, LINE = 12, 19, 15
# The paper is no pure white: images with a white ground end somewhere.
BLACK, GREY, PAPER = (0, 0, 0), (90, 90, 90), (238, 238, 238)


@dataclass(frozen=True)
class Strip:
    """A few pairs with a caption."""

    name: str
    what: str
    pairs: Pairs


def contact_sheet(
    title: str, classes: Sequence[str], samples: Mapping[Split, Pairs], source: Pairs, shifts: Sequence[Strip]
) -> Image.Image:
    """The sheet.

    Args:
        classes: names of what the samples show.
        samples: pairs of each split.
        source: the test pairs that every shift is shown on.
    """
    blocks = [heading(title)]
    for split, pairs in samples.items():
        blocks += [heading(split), *sample_rows(pairs, classes)]
    if shifts:
        blocks.append(heading("shifts: the same test pairs in the source, left, and under each shift"))
    left = Strip("source", "", source)
    for first in range(0, len(shifts), STRIPS_PER_LINE - 1):
        blocks.append(_line([left, *shifts[first : first + STRIPS_PER_LINE - 1]]))
    return stack(blocks)


def sample_rows(pairs: Pairs, classes: Sequence[str]) -> list[Image.Image]:
    """Rows of eight pairs, each with its label and, where the domain knows them, classes, radii and angles."""
    return [
        _sample_row(rows_of(pairs, torch.arange(first, min(first + SAMPLE_PAIRS, len(pairs)))), classes)
        for first in range(0, len(pairs), SAMPLE_PAIRS)
    ]


def stack(blocks: Sequence[Image.Image]) -> Image.Image:
    """The blocks below each other, with a margin around them."""
    sheet = Image.new("RGB", (WIDTH + 2 * MARGIN, sum(block.height for block in blocks) + 2 * MARGIN), PAPER)
    top = MARGIN
    for block in blocks:
        sheet.paste(block, (MARGIN, top))
        top += block.height
    return sheet


def balanced_rows(label: Tensor, count: int = STRIP_PAIRS) -> Tensor:
    """The first rows of which half are same and half different, as far as there are so many: indices in order."""
    same, different = ((label == value).nonzero()[: count // 2, 0] for value in (1, 0))
    return torch.cat([same, different]).sort().values


def rows_of(pairs: Pairs, rows: Tensor) -> Pairs:
    """Some of the pairs."""

    def images(side: Images) -> Images:
        return Images(side.pixels[rows], {name: values[rows] for name, values in side.latents.items()})

    strata = pairs.strata and Strata(pairs.strata.names, pairs.strata.index[rows])
    return replace(pairs, a=images(pairs.a), b=images(pairs.b), label=pairs.label[rows], strata=strata)


def heading(text: str) -> Image.Image:
    """A block with a line of large letters."""
    block = Image.new("RGB", (WIDTH, HEADING + 20), PAPER)
    ImageDraw.Draw(block).text((0, 10), text, font=font_of(HEADING, bold=True), fill=BLACK)
    return block


def _sample_row(pairs: Pairs, classes: Sequence[str]) -> Image.Image:
    captions = _captions(pairs, classes)
    height = SAMPLE + GAP // 2 + max(map(len, captions)) * LINE + GAP
    block, pitch = Image.new("RGB", (WIDTH, height), PAPER), WIDTH // SAMPLE_PAIRS
    draw, font = ImageDraw.Draw(block), font_of(TEXT)
    for place, (picture, lines) in enumerate(zip(_pictures(pairs, SAMPLE), captions, strict=True)):
        block.paste(picture, (place * pitch, 0))
        for number, line in enumerate(lines):
            at = (place * pitch, picture.height + GAP // 2 + number * LINE)
            draw.text(at, fitted(line, pitch - GAP, font), font=font, fill=GREY if number else BLACK)
    return block


def _captions(pairs: Pairs, classes: Sequence[str]) -> list[list[str]]:
    """For each pair its label with the classes, and a line for each factor that is easy to judge by eye."""
    units = {"radius": (1.0, 1, " px"), "angle": (180 / math.pi, 0, "°")}
    lines = []
    for row, same in enumerate(pairs.label.tolist()):
        a, b = (classes[int(side.latents["class"][row])] for side in (pairs.a, pairs.b))
        caption = [f"same: {a}" if same else f"different: {a}, {b}"]
        for name, (factor, digits, unit) in units.items():
            if name in pairs.a.latents:
                u, v = (float(side.latents[name][row]) * factor for side in (pairs.a, pairs.b))
                caption.append(f"{name} {u:z.{digits}f}, {v:z.{digits}f}{unit}")
        lines.append(caption)
    return lines


def _line(strips: Sequence[Strip]) -> Image.Image:
    """Strips beside each other: name and description above, the label of each pair and its stratum below."""
    texts = [textwrap.wrap(strip.what, 85, max_lines=2, placeholder=" …") for strip in strips]
    top = (1 + max(map(len, texts))) * LINE + GAP // 2
    block = Image.new("RGB", (WIDTH, top + SMALL + LINE + 2 * GAP), PAPER)
    draw, font, small = ImageDraw.Draw(block), font_of(TEXT), font_of(TEXT - 1)
    for place, (strip, what) in enumerate(zip(strips, texts, strict=True)):
        left = place * (STRIP_WIDTH + GUTTER)
        draw.text((left, 0), strip.name, font=font_of(TEXT, bold=True), fill=BLACK)
        for number, line in enumerate(what, 1):
            draw.text((left, number * LINE), fitted(line, STRIP_WIDTH, font), font=font, fill=GREY)
        for picture, below in zip(_pictures(strip.pairs, SMALL), _marks(strip.pairs), strict=True):
            block.paste(picture, (left, top))
            text = fitted(below, 2 * SMALL + SEAM, small)
            draw.text((left, top + picture.height + 1), text, font=small, fill=GREY)
            left += 2 * SMALL + SEAM + GAP
    return block


def _marks(pairs: Pairs) -> list[str]:
    signs = ["same" if same else "different" for same in pairs.label.tolist()]
    if pairs.strata is None:
        return signs
    strata = [pairs.strata.names[index] for index in pairs.strata.index.tolist()]
    return [f"{'=' if sign == 'same' else '≠'} {stratum}" for sign, stratum in zip(signs, strata, strict=True)]


def _pictures(pairs: Pairs, side: int) -> list[Image.Image]:
    """A and B of each pair beside each other, every pixel repeated as often as fits into ``side``."""
    a, b = (enlarged(images.pixels.permute(0, 2, 3, 1).numpy(), side) for images in (pairs.a, pairs.b))
    seam = np.full((*a.shape[:2], SEAM, 3), PAPER, dtype=np.uint8)
    return [Image.fromarray(picture) for picture in np.concatenate([a, seam, b], axis=2)]


def enlarged(images: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Images (N, H, W, C), square, as (N, side, side, 3); larger ones than ``side`` are averaged down."""
    size = images.shape[1]
    images = np.broadcast_to(images, (*images.shape[:3], 3))
    if size > side:
        small = [Image.fromarray(image).resize((side, side), Image.Resampling.BOX) for image in images]
        return np.stack([np.asarray(image) for image in small])
    times = side // size
    return images.repeat(times, axis=1).repeat(times, axis=2)


@cache
def font_of(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib ships it: the same on every machine, and with the letters of most scripts."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", name)), size)


def fitted(text: str, width: int, font: ImageFont.FreeTypeFont) -> str:
    """``text``, shortened where it is wider than ``width`` pixels of the sheet."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
