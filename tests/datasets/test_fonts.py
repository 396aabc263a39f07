"""The domain ``fonts``: of a folder of fonts, and of the real package where it is installed, as it is in CI."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path

import matplotlib
import pytest
import torch

from bench import zoo
from bench.domain import Domain, build_domain, clear_identities
from bench.errors import UsageError

zoo.load()
labelled = importlib.import_module("_fusebench_plugins.datasets.labelled")
QUARTERS = ("", "seen", "novel", "novel_both")


@pytest.fixture(scope="module")
def installed(from_packages: Callable[[str], Domain]) -> Domain:
    return from_packages("fonts")


def test_the_package_has_the_fonts_and_characters_that_the_documentation_says(installed: Domain) -> None:
    latents = installed.bank.latents
    assert (len(installed.names), len(installed.bank.pixels)) == (47, 24397)
    assert (len(latents["font"].unique()), len(latents["group"].unique())) == (450, 283)


def test_no_picture_is_shown_under_two_characters_or_families(installed: Domain) -> None:
    seen: dict[bytes, tuple[int, int]] = {}
    bank = installed.bank
    labels = zip(bank.classes.tolist(), bank.latents["group"].tolist(), strict=True)
    for pixels, label in zip(bank.pixels[:, 0].numpy(), labels, strict=True):
        assert seen.setdefault(pixels.tobytes(), label) == label


@pytest.mark.parametrize("shift", QUARTERS)
def test_the_two_images_are_of_two_families_that_have_both_characters(installed: Domain, shift: str) -> None:
    found = build_domain(f"fonts:shift={shift}" if shift else "fonts")
    pairs = found.draw("test", 0, 4000)
    a, b = pairs.a.latents, pairs.b.latents
    assert not (a["group"] == b["group"]).any()
    of = found.bank
    shown = set(zip(of.classes.tolist(), of.latents["group"].tolist(), strict=True))
    for classes, groups in ((a["class"], b["group"]), (b["class"], a["group"])):
        assert set(zip(classes.tolist(), groups.tolist(), strict=True)) <= shown


@pytest.mark.parametrize("shift", QUARTERS)
def test_neither_image_tells_the_label(installed: Domain, shift: str) -> None:
    """A table of how often each character of each family was in same pairs is at chance on other pairs."""
    found = build_domain(f"fonts:shift={shift}" if shift else "fonts")
    one, other = found.draw("test", 0, 20_000), found.draw("test", 1, 20_000)
    for side in ("a", "b"):
        cell, asked = (
            getattr(p, side).latents["class"] * 1000 + getattr(p, side).latents["group"] for p in (one, other)
        )
        n = torch.bincount(cell, minlength=100_000)
        rate = torch.zeros(100_000).index_add(0, cell, one.label.float()) / n.clamp(1)
        hits = (rate[asked] > 0.5) == other.label.bool()
        # Five standard errors.
        assert abs(hits.float().mean() - 0.5) < 0.0177


def test_no_family_of_training_is_in_validation_or_testing(installed: Domain) -> None:
    families = {}
    for split in ("train", "val", "test"):
        pairs = installed.draw(split, 0, 4000)
        families[split] = {*pairs.a.latents["group"].tolist(), *pairs.b.latents["group"].tolist()}
    assert not families["train"] & (families["val"] | families["test"])
    assert not families["val"] & families["test"]
    novel = build_domain("fonts:shift=novel")
    classes = novel.draw("test", 0, 4000).a.latents["class"]
    assert {novel.classes[k] for k in classes.unique().tolist()} == set(installed.names[-12:])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "cache"))
    fonts = tmp_path / "fonts"
    fonts.mkdir()
    for name in ("DejaVuSans", "STIXGeneral", "cmr10", "cmss10", "cmtt10", "cmb10"):
        shutil.copy(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf", fonts)
    return fonts


def test_a_folder_of_fonts_is_known_by_its_content(folder: Path, tmp_path: Path) -> None:
    found = build_domain(f"fonts:root={folder}:held_out=0")
    pairs = found.draw("train", 0, 64)
    assert not (pairs.a.latents["group"] == pairs.b.latents["group"]).any()
    moved = shutil.copytree(folder, tmp_path / "moved")
    again = build_domain(f"fonts:root={moved}:held_out=0")
    assert again.content == found.content
    assert torch.equal(again.draw("train", 0, 64).a.pixels, pairs.a.pixels)
    (moved / "cmb10.ttf").unlink()
    clear_identities()
    assert build_domain(f"fonts:root={moved}:held_out=0").content != found.content


def test_a_folder_that_cannot_be_used_says_what_is_missing(folder: Path) -> None:
    for name in ("STIXGeneral", "cmr10", "cmss10", "cmtt10", "cmb10"):
        (folder / f"{name}.ttf").unlink()
    with pytest.raises(UsageError, match="1 groups; with split=group at least 3 are needed"):
        build_domain(f"fonts:root={folder}")
    (folder / "DejaVuSans.ttf").write_bytes(b"nothing")
    with pytest.raises(UsageError, match=r"none of 1 fonts shows all of A to Z.*DejaVuSans.ttf: no readable font"):
        build_domain(f"fonts:root={folder}")
    (folder / "DejaVuSans.ttf").unlink()
    with pytest.raises(UsageError, match=r"no fonts found; expected files that end in \.ttf"):
        build_domain(f"fonts:root={folder}")
    with pytest.raises(UsageError, match="no such folder"):
        build_domain(f"fonts:root={folder}/none")


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr("bench.packages.find.CLIENTS", {"apt": Nowhere()})
    with pytest.raises(UsageError, match=r"fonts: fonts-aenigma .* is not installed .*; run bench data install fonts"):
        build_domain("fonts:size=33")


class Nowhere:
    """A client that has installed nothing."""

    def places(self, package: object) -> list[Path]:
        return []
