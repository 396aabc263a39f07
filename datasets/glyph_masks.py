"""Masks of characters in the fonts that ship with matplotlib."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

# No two alike in any of the fonts: no C beside c, no O beside 0, no l beside 1, no Greek or Cyrillic twins of letters.
CHARACTERS = (
    "ACDFJKLMNQRTUVWXYZdefhmqrt12345789"  # Latin, digits
    "ΞΣΦΨβλμξπσςωДЖЛЧЩЫЮЂЊЋЏ"  # Greek, Cyrillic
    '"#%&*+=?@§¶‡£€$¢¤~<>(±¬©¿«'  # signs
    "ÆŒÞɚɣɮʤʞɠƺɕʂʎʗϠϟΫ"  # ligatures, phonetic and archaic letters
)
FAMILIES = (
    ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
    ("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique", "DejaVuSansMono-BoldOblique"),
    ("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic"),
    ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta"),
)
FONTS = tuple(font for family in FAMILIES for font in family)

# Height or width of a character, whichever is larger, and of the mask around it, in pixels.
INK, SIDE = 48, 52
POINTS = 96


@cache
def glyph_masks() -> Tensor:
    """Every character in every font, scaled to the same longer side and centred.

    Returns:
        (len(CHARACTERS) * len(FONTS), 1, SIDE, SIDE) uint8, 255 in the ink; the fonts of one character follow each
        other.
    """
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [ImageFont.truetype(folder / f"{name}.ttf", POINTS, layout_engine=ImageFont.Layout.BASIC) for name in FONTS]
    masks = [_mask(character, font) for character in CHARACTERS for font in fonts]
    return torch.from_numpy(np.stack(masks))[:, None]


def _mask(character: str, font: ImageFont.FreeTypeFont) -> np.ndarray:
    page = Image.new("L", (3 * POINTS, 3 * POINTS))
    ImageDraw.Draw(page).text((POINTS, POINTS), character, fill=255, font=font)
    ink = page.crop(page.getbbox())
    scale = INK / max(ink.size)
    ink = ink.resize((max(1, round(ink.width * scale)), max(1, round(ink.height * scale))), Image.Resampling.BOX)
    mask = Image.new("L", (SIDE, SIDE))
    mask.paste(ink, ((SIDE - ink.width) // 2, (SIDE - ink.height) // 2))
    return np.asarray(mask)
