"""The card of a warm-up and its pictures."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from bench.catalogue.contact_sheet import SAMPLE
from bench.catalogue.warmup_card import WarmedUp, warmup_card
from bench.catalogue.warmup_pictures import centre_gallery, destandardised, distinct, reconstructions
from bench.domain import DOMAINS, Images
from bench.errors import StorageError, UsageError
from bench.model import standardise
from bench.training.warmup import WARMUPS, WarmupSpec, answers, build_task, named_examples

TINY = WarmedUp(warmup_recipe={"images": 64, "batch_size": 32})


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def drawn(task: str, n: int) -> tuple[Images, Tensor, Tensor]:
    color = DOMAINS.get("color")()
    return named_examples(build_task(WARMUPS.settle(task), "mobilenetv3_small_32", color), color, "val", 0, n)


def positions(sheet: Image.Image, image: Tensor) -> list[tuple[int, int]]:
    """Where an image (3, H, W) stands on a sheet, as (top, left), whatever black and white marks lie on it."""
    times = SAMPLE // image.shape[1]
    picture = image.permute(1, 2, 0).numpy().repeat(times, 0).repeat(times, 1)
    whole = np.asarray(sheet)
    marks = (whole == 0).all(-1) | (whole == 255).all(-1)
    height, width = (size - SAMPLE + 1 for size in whole.shape[:2])
    # Most places are ruled out by a few pixels; the corner has no mark.
    possible = (whole[:height, :width] == picture[0, 0]).all(-1)
    for y, x in product(range(0, SAMPLE, SAMPLE // 4), repeat=2):
        here = (slice(y, y + height), slice(x, x + width))
        possible &= (whole[here] == picture[y, x]).all(-1) | marks[here]
    found = []
    for top, left in np.argwhere(possible):
        here = (slice(top, top + SAMPLE), slice(left, left + SAMPLE))
        if ((whole[here] == picture).all(-1) | marks[here]).all():
            found.append((int(top), int(left)))
    return found


def test_a_card_computes_what_its_pictures_need_once_and_says_so(tmp_path: Path, capsys) -> None:
    card = warmup_card("centre", TINY)
    assert "measure     rmse_px (px), lower is better" in card
    assert "needs       x, y of every image" in card
    assert "on 2,000 held-out images: mobilenetv3_small_32 on color, 64 images" in card
    assert "computing the warm-up centre of mobilenetv3_small_32 on color: 64 images" in capsys.readouterr().err
    path = tmp_path / "centre-color-mobilenetv3_small_32.png"
    first = path.read_bytes()
    assert f"pictures written to {path.name}" in card
    assert warmup_card("centre", TINY) == card
    assert capsys.readouterr().err == ""
    assert path.read_bytes() == first


def test_a_domain_that_another_one_serves_is_told_so() -> None:
    for domain in ("digits", "color:shift=noise"):
        card = warmup_card("names", WarmedUp(domain=domain))
        assert f"serves      {domain}, whose cells start from the warm-up on color" in card
        assert "not yet computed for mobilenetv3_small_32 on color" in card


def test_a_task_without_pictures_computes_nothing(tmp_path: Path) -> None:
    card = warmup_card("jigsaw:grid=3", TINY)
    assert "option      grid = 2" in card
    assert "unknown: not yet computed for mobilenetv3_small_32 on color" in card
    assert not (tmp_path / "cache").exists()
    assert "random initialisation" in warmup_card("none", TINY)
    with pytest.raises(UsageError, match="jigsaw has no pictures; those that have: centre, autoencoder"):
        warmup_card("jigsaw", TINY, tmp_path / "out.png")


def test_pictures_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file: exists and is no folder"):
        warmup_card("autoencoder", TINY, tmp_path / "file" / "out.png")


def test_the_gallery_shows_the_smallest_and_the_largest_errors_in_order() -> None:
    images, shown, target = drawn("centre", 100)
    task = build_task(WARMUPS.settle("centre"), "mobilenetv3_small_32", DOMAINS.get("color")())
    # Image i is missed by i / 10 pixels.
    outputs = target + torch.stack([torch.arange(100) / 160, torch.zeros(100)], 1)
    sheet = centre_gallery(task, shown, outputs, target, "title")
    at = {i: positions(sheet, images.pixels[i]) for i in (0, 1, 31, 32, 67, 68, 98, 99)}
    assert [len(at[i]) for i in at] == [1, 1, 1, 0, 0, 1, 1, 1]
    (first,), (second,), (worst,), (next_worst,) = at[0], at[1], at[99], at[98]
    assert first[0] == second[0] < worst[0] == next_worst[0]
    assert first[1] < second[1]
    assert worst[1] < next_worst[1]


def test_ring_and_cross_lie_where_they_should() -> None:
    shown = drawn("centre", 1)[1]
    task = build_task(WARMUPS.settle("centre"), "mobilenetv3_small_32", DOMAINS.get("color")())
    blank = torch.full_like(shown, 200)
    true, predicted = torch.tensor([[-0.5, 0.5]]), torch.tensor([[0.5, -0.25]])
    sheet = np.asarray(centre_gallery(task, blank, predicted, true, ""))
    (top, left), *_ = np.argwhere((sheet == 200).all(-1))
    picture = sheet[top : top + SAMPLE, left : left + SAMPLE]
    white = np.argwhere((picture == 255).all(-1)) + 0.5
    rings, crosses = white[white[:, 1] < SAMPLE / 2], white[white[:, 1] > SAMPLE / 2]
    assert np.allclose(rings.mean(0), (SAMPLE * 0.75, SAMPLE * 0.25), atol=1.5)
    assert np.allclose(crosses.mean(0), (SAMPLE * 0.375, SAMPLE * 0.75), atol=1.5)
    middle = picture[int(SAMPLE * 0.75), int(SAMPLE * 0.25)]
    assert (middle == 200).all()  # a ring is open in the middle
    assert (picture[int(SAMPLE * 0.375), int(SAMPLE * 0.75)] == 0).all()  # a cross is not


def test_reconstructions_stand_below_their_originals() -> None:
    images, shown, target = drawn("autoencoder", 60)
    task = build_task(WARMUPS.settle("autoencoder"), "mobilenetv3_small_32", DOMAINS.get("color")())
    outputs = target.clone()
    outputs[7] = 0  # the worst: all grey
    sheet = reconstructions(task, shown, outputs, target, "title")
    best, grey = images.pixels[0], destandardised(torch.zeros_like(target[7:8]), shown[7:8])[0]
    above, below = positions(sheet, best)[:2]
    assert above[1] == below[1]
    assert below[0] - above[0] > SAMPLE
    (original,), (drawn_again,) = positions(sheet, images.pixels[7]), positions(sheet, grey)
    assert original[1] == drawn_again[1]
    assert drawn_again[0] - original[0] == below[0] - above[0]


def test_destandardised_undoes_standardised() -> None:
    pixels = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(destandardised(standardise(pixels), pixels), pixels)


def test_an_image_that_was_drawn_twice_is_shown_once() -> None:
    images = torch.arange(12, dtype=torch.uint8).view(4, 3, 1, 1)
    assert distinct(images[[2, 0, 2, 3, 0]]).tolist() == [0, 1, 3]


def test_a_warm_up_is_tested_and_drawn_on_another_domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.catalogue.warmup_card.HELD_OUT", 64)
    card = warmup_card("centre", TINY.model_copy(update={"on": "texture"}))
    (line,) = (line for line in card.splitlines() if line.startswith("elsewhere"))
    spec = WarmupSpec.declared("centre", "mobilenetv3_small_32", "color", TINY.warmup_recipe)
    task = spec.restore(spec.ensure())
    _, shown, target = named_examples(task, DOMAINS.get("texture")(), "val", 0, 64)
    rmse = (task.distance(answers(task, shown), target) ** 2).mean().sqrt()
    assert f"rmse_px {float(rmse):.3f}, " in line
    assert line.endswith("on 64 images of the bank of texture, on which it was not trained")
    assert (tmp_path / "centre-color-mobilenetv3_small_32-on-texture.png").exists()
    with pytest.raises(UsageError, match="--on digits: it has no named images of its own; those of color serve it"):
        warmup_card("centre", TINY.model_copy(update={"on": "digits"}))
