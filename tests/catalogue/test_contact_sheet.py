"""The contact sheet: what stands on it, and that it is what the domain drew."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from bench.catalogue.contact_sheet import (
    SAMPLE,
    SMALL,
    Strip,
    balanced_rows,
    contact_sheet,
    rows_of,
    sample_rows,
    stack,
)
from bench.domain import Images, Pairs, Strata

CLASSES = ("first", "second")


def plain(n: int, hue: int, size: int = 32, **latents: torch.Tensor) -> Images:
    """Images of one colour each, which nothing else on the sheet has."""
    color = torch.stack([torch.arange(n), torch.full((n,), hue), torch.full((n,), 7)], dim=1).to(torch.uint8)
    pixels = color[:, :, None, None].expand(n, 3, size, size)
    return Images(pixels, {"class": torch.arange(n) % 2, **latents})


def pairs(n: int, hue: int, size: int = 32, strata: Strata | None = None) -> Pairs:
    return Pairs(plain(n, hue, size), plain(n, hue + 1, size), torch.arange(n) % 2, strata)


def area(sheet: Image.Image, color: tuple[int, int, int]) -> int:
    return int((np.asarray(sheet) == color).all(-1).sum())


def has(sheet: Image.Image, picture: NDArray[np.uint8]) -> bool:
    """Whether the picture stands somewhere on the sheet, pixel by pixel."""
    whole = np.asarray(sheet)
    height, width = picture.shape[:2]
    candidates = np.argwhere((whole == picture[0, 0]).all(-1))
    return any(np.array_equal(whole[y : y + height, x : x + width], picture) for y, x in candidates)


@pytest.fixture(scope="module")
def sheet() -> Image.Image:
    samples = {"train": pairs(8, 10), "val": pairs(8, 20), "test": pairs(8, 30)}
    shifts = [Strip(f"shift {i}", "what it changes", pairs(4, 50 + 10 * i)) for i in range(3)]
    return contact_sheet("color", CLASSES, samples, pairs(4, 40), shifts)


def test_every_sample_of_every_split_stands_there_once(sheet: Image.Image) -> None:
    for hue in (10, 11, 20, 21, 30, 31):
        assert [area(sheet, (row, hue, 7)) for row in range(8)] == [SAMPLE**2] * 8


def test_every_shift_stands_there_once_and_the_source_beside_each_line(sheet: Image.Image) -> None:
    for hue in (50, 51, 60, 61, 70, 71):
        assert [area(sheet, (row, hue, 7)) for row in range(4)] == [SMALL**2] * 4
    assert area(sheet, (0, 40, 7)) == 2 * SMALL**2


def test_a_shift_lies_at_the_height_of_its_source(sheet: Image.Image) -> None:
    pixels = np.asarray(sheet)
    tops = {hue: np.argwhere((pixels == (0, hue, 7)).all(-1))[0, 0] for hue in (40, 50, 60)}
    assert len(set(tops.values())) == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_repeated_not_smoothed(channels: int) -> None:
    noise = torch.randint(0, 256, (1, channels, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    shown = Images(noise, {"class": torch.zeros(1, dtype=torch.int64)})
    row = stack(sample_rows(Pairs(shown, shown, torch.ones(1)), CLASSES))
    large = (
        noise[0].expand(3, -1, -1).permute(1, 2, 0).numpy().repeat(SAMPLE // 32, axis=0).repeat(SAMPLE // 32, axis=1)
    )
    assert has(row, large)


@pytest.mark.parametrize(("size", "side"), [(28, 84), (96, 96), (200, 96)])
def test_images_of_any_size_fit(size: int, side: int) -> None:
    row = stack(sample_rows(pairs(2, 10, size), CLASSES))
    assert area(row, (1, 10, 7)) == side**2


def test_samples_go_on_in_further_rows() -> None:
    one, three = (stack(sample_rows(pairs(n, 10), CLASSES)) for n in (8, 24))
    assert one.width == three.width
    assert three.height > 2.5 * one.height
    assert area(three, (23, 10, 7)) == SAMPLE**2


def test_a_domain_without_shifts_has_a_shorter_sheet(sheet: Image.Image) -> None:
    alone = contact_sheet("color", CLASSES, {"test": pairs(8, 30)}, pairs(4, 40), [])
    assert alone.height < sheet.height
    assert area(alone, (0, 40, 7)) == 0


def test_long_names_change_no_size() -> None:
    long = Strata(("a name that is far too long for the place below a pair",), torch.zeros(4, dtype=torch.int64))
    heights = [
        contact_sheet("", CLASSES, {}, pairs(4, 40), [Strip("s", what, pairs(4, 50, strata=strata))]).size
        for what, strata in (("word " * 40, None), ("word " * 400, long))
    ]
    assert heights[0] == heights[1]


def test_known_radii_and_angles_get_a_line_each() -> None:
    drawn = {"radius": torch.full((1,), 5.0), "angle": torch.full((1,), 1.0)}
    with_pose = Pairs(plain(1, 10, **drawn), plain(1, 11, **drawn), torch.ones(1))
    assert sample_rows(with_pose, CLASSES)[0].height > sample_rows(pairs(1, 10), CLASSES)[0].height


@pytest.mark.parametrize("label", [[1, 1, 1, 0, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0, 0, 1, 1]])
def test_rows_shown_are_half_same_half_different(label: list[int]) -> None:
    rows = balanced_rows(torch.tensor(label))
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert [label[row] for row in rows].count(1) == 2
    assert len(rows) == 4


def test_rows_of_keeps_every_part_of_a_pair() -> None:
    strata = Strata(("low", "high"), torch.tensor([0, 1, 0]))
    chosen = rows_of(pairs(3, 10, strata=strata), torch.tensor([1, 2]))
    assert chosen.a.pixels[:, 0, 0, 0].tolist() == [1, 2]
    assert chosen.b.latents["class"].tolist() == [1, 0]
    assert chosen.label.tolist() == [1, 0]
    assert chosen.strata is not None
    assert chosen.strata.index.tolist() == [1, 0]
