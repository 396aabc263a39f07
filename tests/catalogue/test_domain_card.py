"""The card of a domain, on a small domain whose figures are known."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from bench.catalogue.domain_card import PAIRS, domain_card, sheet_path
from bench.errors import StorageError

DOMAIN = '''
from bench.domain import Domain, Images, Pairs, Strata, register_domain, uniforms


@register_domain
class Greys(Domain):
    """Grey squares, half of them light."""

    name, version = "{name}", 3
    warmup_classes = ("left", "right")
    shifts = {{"darker": "Half as light", "copied": "B lies where A lies"}}

    def __init__(self, shift: str = "", many: int = 2) -> None:
        self.shift = shift
        self.classes = ("dark", "light") if many == 2 else tuple("kind %d" % i for i in range(many))

    def draw(self, split, seed, n, start=0):
        rows, k = torch.arange(start, start + n), len(self.classes)
        a = (rows // 2) % k
        b = torch.where(rows % 2 == 0, a, (a + 1) % k)
        first, second = (self._images(c, uniforms((split, seed, i), start, n, 2)) for i, c in enumerate((a, b)))
        if self.shift == "copied":
            second = Images(second.pixels, {{**second.latents, "x": first.latents["x"]}})
        strata = Strata(("low", "high"), (rows % 4 == 0).long()) if self.shift else None
        return Pairs(first, second, (a == b).long(), strata)

    def _images(self, classes, u):
        level = 100 + 100 * classes / (len(self.classes) - 1) + 20 * u[:, 0]
        pixels = (level / (2 if self.shift == "darker" else 1)).to(torch.uint8)
        latents = {{"class": classes, "x": u[:, 1].float(), "at_contrast_floor": u[:, 0] < 0.25}}
        return Images(pixels[:, None, None, None].expand(-1, 3, 32, 32), latents)

    def draw_named(self, split, seed, n, start=0, easy=False):
        raise NotImplementedError
'''


@pytest.fixture
def greys(plugin: Callable[..., Path], tmp_path: Path) -> str:
    """Name of the domain, another one for each test: built domains are remembered by name."""
    name = f"greys_{tmp_path.name}"
    plugin(DOMAIN.format(name=name))
    return name


def line(card: str, start: str) -> str:
    (found,) = [text for text in card.splitlines() if text.split()[: len(start.split())] == start.split()]
    return found


def test_facts(greys: str, tmp_path: Path) -> None:
    card = domain_card(greys, tmp_path / "sheet.png")
    assert card.startswith(f"{greys} (version 3)\n\nGrey squares, half of them light.\n")
    assert "dark, light" in line(card, "classes")
    assert "0.500 same, 0.500 different, of 2,000" in line(card, "labels")
    assert line(card, "cells").endswith("dark dark 0.250, dark light 0.250, light dark 0.250, light light 0.250")
    at_floor = re.findall(r"0\.\d+", line(card, "at floor"))
    assert [float(share) for share in at_floor] == pytest.approx([0.25, 0.25], abs=0.05)


def test_factors_of_a_and_b(greys: str, tmp_path: Path) -> None:
    card = domain_card(greys, tmp_path / "sheet.png")
    table = card[card.index("\nfactors") : card.index("\nshifts")]
    mean, sd, low, high, *_, correlation = map(float, line(table, "x").split()[1:])
    assert (mean, sd, low, high) == pytest.approx((0.5, 12**-0.5, 0, 1), abs=0.02)
    assert abs(correlation) < 0.08
    assert "class" not in table.replace("within classes", "")


def test_shifts_and_what_they_change(greys: str, tmp_path: Path) -> None:
    card = domain_card(greys, tmp_path / "sheet.png")
    table = card[card.index("\nshifts") : card.index("\nstrata of shifts")]
    name, change_a, change_b, factor, before, _, after = line(table, "darker").split()
    assert (name, factor) == ("darker", "brightness")
    assert float(after) == pytest.approx(float(before) / 2, abs=0.01)
    assert float(change_a) == pytest.approx(100 * float(after), abs=1)
    assert float(change_b) == pytest.approx(100 * float(after), abs=1)
    assert line(table, "copied").split() == ["copied", "0.0", "0.0", "r", "x", "1.00"]
    assert "  darker, copied: low 0.75; high 0.25" in card.splitlines()


def test_a_domain_under_a_shift_shows_that_shift_alone(greys: str, tmp_path: Path) -> None:
    card = domain_card(f"{greys}:shift=darker", tmp_path / "sheet.png")
    assert "low 0.75; high 0.25" in line(card, "strata low")
    assert line(card, "darker")
    assert "copied" not in card


def test_many_classes_are_summed_up(greys: str, tmp_path: Path) -> None:
    card = domain_card(f"{greys}:many=20", tmp_path / "sheet.png")
    assert line(card, "classes").endswith("kind 15 and 4 more")
    same, different = line(card, "cells").split(";")
    assert "20 same, 0.0250 to 0.0250 each" in same
    assert "380 different, 0.0000 to 0.0250 each" in different
    # Brightness follows the class, and pairs are alike in it: within classes nothing of that is left.
    table = card[card.index("\nfactors") : card.index("\nshifts")]
    assert abs(float(line(table, "brightness").split()[-1])) < 0.08


def test_the_sheet_is_a_png_whatever_its_name_and_folders_are_made(greys: str, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder" / "sheet"
    assert domain_card(greys, out).endswith(f"contact sheet written to {out}")
    with Image.open(out) as sheet:
        assert sheet.format == "PNG"
        assert 1600 <= sheet.width <= 2000


def test_a_place_that_cannot_be_written_is_bad_input(greys: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=f"{re.escape(str(tmp_path))}: Is a directory"):
        domain_card(greys, tmp_path)


def test_by_default_the_sheet_is_named_after_the_domain(
    greys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    domain_card(f"{greys}:shift=darker")
    assert [path.name for path in tmp_path.glob("*.png")] == [f"{greys}-shift-darker.png"]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("color", "color.png"),
        ("color:difficulty=hard", "color-difficulty-hard.png"),
        ("color:difficulty=hard:shift=noise-3", "color-difficulty-hard-shift-noise-3.png"),
        ("folder:../my photos/all", "folder-..-my-photos-all.png"),
    ],
)
def test_file_names(name: str, file: str) -> None:
    assert sheet_path(name) == Path(file)


def test_the_card_of_a_rendered_domain(tmp_path: Path) -> None:
    card = domain_card("color:shift=smaller", tmp_path / "sheet.png")
    assert f"of {PAIRS:,} test pairs" in card
    assert {"x", "y", "radius", "angle", "area"} <= {text.split()[0] for text in card.splitlines() if text}
    change = re.search(r"radius ([\d.]+) → ([\d.]+)", line(card, "smaller"))
    assert change is not None
    assert float(change[2]) == pytest.approx(3.25, abs=0.1)
    assert len(card.splitlines()) < 60
