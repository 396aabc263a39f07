"""Characters of fonts, of those that matplotlib ships: which can be told apart, and their pictures."""

import importlib
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from bench import zoo

zoo.load()
glyphs = importlib.import_module("_fusebench_plugins.datasets.font_glyphs")
FOLDER = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def font(name: str = "DejaVuSerif") -> "glyphs.FontFile":
    read = glyphs.read_font((FOLDER / f"{name}.ttf").read_bytes(), 96)
    assert not isinstance(read, str), read
    return read


def with_glyph(own: "glyphs.FontFile", **masks: np.ndarray) -> "glyphs.FontFile":
    at = {glyphs.CHARACTERS.index(character): mask for character, mask in masks.items()}
    return glyphs.FontFile(own.family, tuple(at.get(number, mask) for number, mask in enumerate(own.masks)))


def distinct_in(own: "glyphs.FontFile") -> str:
    return "".join(np.array(list(glyphs.CHARACTERS))[glyphs.distinct(own)])


def mask_of(own: "glyphs.FontFile", character: str) -> np.ndarray:
    return own.masks[glyphs.CHARACTERS.index(character)]


def test_every_character_is_of_one_class() -> None:
    assert sorted("".join(glyphs.CLASSES)) == sorted(glyphs.CHARACTERS)
    for character, number in zip(glyphs.CHARACTERS, glyphs.CLASS_OF, strict=True):
        assert character in glyphs.CLASSES[number]


def test_styles_of_one_family_are_one_family() -> None:
    names = ("DejaVuSans", "DejaVuSerif-Bold", "DejaVuSansMono-Oblique")
    assert {font(name).family for name in names} == {"dejavu"}


@pytest.mark.parametrize(("content", "why"), [(b"no font", "no readable font"), (b"", "no readable font")])
def test_what_is_no_font_says_so(content: bytes, why: str) -> None:
    assert str(glyphs.read_font(content, 96)).startswith(why)


def test_a_font_without_some_characters_names_the_first() -> None:
    assert glyphs.read_font((FOLDER / "STIXSizOneSymReg.ttf").read_bytes(), 96) == "no glyph for 'A'"


def test_a_plain_font_has_all_characters() -> None:
    assert distinct_in(font()) == glyphs.CHARACTERS


def test_two_classes_with_one_picture_are_both_left_out() -> None:
    own = font()
    found = distinct_in(with_glyph(own, S=mask_of(own, "5")))
    assert set(glyphs.CHARACTERS) - set(found) == {"S", "5"}


def test_a_small_capital_is_left_out_in_place_of_its_lower_case_letter() -> None:
    own = font()
    found = distinct_in(with_glyph(own, e=mask_of(own, "E")))
    assert set(glyphs.CHARACTERS) - set(found) == {"e"}


def test_of_a_font_of_capitals_no_lower_case_letter_is_used() -> None:
    own = font()
    letters = {letter: mask_of(own, letter.upper()) for letter in glyphs.CASED[:7]}
    assert not set("abcdefghijklmnopqrstuvwxyz") & set(distinct_in(with_glyph(own, **letters)))


def test_pictures_are_dark_on_light_centred_and_in_one_scale() -> None:
    own = font()
    shown = glyphs.pictures(own, 32)
    heights = []
    for picture in shown:
        rows, columns = np.nonzero(picture < 128)
        for at in (rows, columns):
            assert abs((at.min() + at.max()) / 2 - 15.5) <= 1
        heights.append(rows.max() - rows.min() + 1)
    assert shown[:, 0].min() == 255
    drawn = [mask.shape[0] for mask in own.masks]
    assert np.corrcoef(heights, drawn)[0, 1] > 0.99


def test_a_picture_of_two_families_stays_in_the_first() -> None:
    one, other = font(), font("DejaVuSans")
    copied = with_glyph(glyphs.FontFile("copy", other.masks), **{"7": mask_of(one, "7")})
    sizes = [max(mask.shape) for mask in one.masks]
    copied = with_glyph(copied, W=np.full((max(sizes), max(sizes)), 255, np.uint8))
    found = glyphs.glyphs_of([with_glyph(one, W=mask_of(copied, "W")), copied], 32)
    seven = found["character"] == glyphs.CHARACTERS.index("7")
    assert found["family"][seven].tolist() == ["dejavu"]
