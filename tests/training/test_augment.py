"""Augmentation: what each operation does to pixels, what it depends on, and who is shown the result."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as v2

from bench import zoo
from bench.domain import uniforms
from bench.errors import UsageError
from bench.model import build_model
from bench.spec import parse_spec
from bench.training.augment import ERASED, MOVES, OPERATIONS, Augmentation, Augmenter, read_at
from bench.training.pairs import NameLearner, PairLearner
from bench.training.recipe import Recipe

zoo.load()

EVERYTHING = "flip+rotate=20+crop=.7+jitter=.4+erase=.5"


def images(n: int, seed: int = 0, height: int = 32, width: int = 32) -> Tensor:
    """Smooth ones, so that what lies between pixels hardly depends on how it is read."""
    coarse = torch.rand((n, 3, 5, 5), generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)
    return (smooth * 255).clamp(0, 255).to(torch.uint8)


def altered(text: str, shown: Tensor, seed: int = 3) -> Tensor:
    return Augmenter(Augmentation.parse(text), seed)(shown, shown)[0]


def drawn(name: str, n: int, seed: int = 3) -> Tensor:
    return uniforms(("augment", name, "a", seed), 0, n, OPERATIONS[name].columns)


# --- the operations, one image at a time with torchvision ---


def test_a_flip_exchanges_left_and_right_in_the_stated_share_of_images() -> None:
    shown = images(120)
    flipped = altered("flip=0.3", shown)
    where = drawn("flip", 120)[:, 0] < 0.3
    assert torch.equal(flipped[where], shown[where].flip(3))
    assert torch.equal(flipped[~where], shown[~where])
    assert 0.2 < where.float().mean() < 0.4
    assert torch.equal(altered("flip=1", shown), shown.flip(3))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (24, 48)])
def test_a_rotation_is_that_of_torchvision_and_edges_go_on_beyond_the_image(height: int, width: int) -> None:
    shown = images(8, 0, height, width)
    turned = altered("rotate=40", shown)
    pad = 30
    wide = v2.pad(shown, [pad] * 4, padding_mode="edge").float()
    for image, found, u in zip(wide, turned, drawn("rotate", 8)[:, 0].tolist(), strict=True):
        expected = v2.rotate(image, (2 * u - 1) * 40, v2.InterpolationMode.BILINEAR)
        assert (expected[:, pad:-pad, pad:-pad] - found.float()).abs().max() <= 1.5


def test_a_crop_is_a_part_of_the_image_of_at_least_the_stated_area() -> None:
    ramp = torch.arange(32.0).expand(1, 3, 32, 32)
    u = drawn("crop", 50)
    found = read_at(ramp.repeat(50, 1, 1, 1), MOVES["crop"].matrices(u, 0.4))
    # Columns of a ramp say from where they were read.
    first, last = found[:, 0, 0, 0] + 0.5, found[:, 0, 0, -1] + 0.5
    side = (last - first) / 31
    assert torch.allclose(side.double().square(), 1 - 0.6 * u[:, 0], atol=0.03)
    assert (first >= 0).all()
    assert (last <= 32).all()


def test_jitter_is_that_of_torchvision() -> None:
    shown = images(20)
    for image, found, u in zip(shown, altered("jitter=.6", shown), drawn("jitter", 20).tolist(), strict=True):
        brightness, contrast, saturation = (1 + (2 * one - 1) * 0.6 for one in u)
        bright = v2.adjust_brightness(image.float() / 255, brightness)
        expected = v2.adjust_saturation(v2.adjust_contrast(bright, contrast), saturation) * 255
        assert (expected - found.float()).abs().max() <= 0.51


def test_erasing_fills_one_rectangle_with_the_mean_in_the_stated_share_of_images() -> None:
    shown = torch.zeros(200, 3, 32, 32, dtype=torch.uint8)
    shown[..., ::2] = 255
    gone = (altered("erase=.25", shown) == 128)[:, 0]
    hit = gone.flatten(1).any(1)
    assert torch.equal(hit, drawn("erase", 200)[:, 0] < 0.25)
    rows, columns = gone.any(2), gone.any(1)
    assert torch.equal(gone, rows[:, :, None] & columns[:, None, :])
    share = gone[hit].float().mean((1, 2))
    assert ERASED[0] * 0.5 < share.min()
    assert share.max() < ERASED[1] * 1.2


# --- what it depends on ---


@pytest.mark.parametrize("sizes", [[1, 1, 2], [7, 2], [3, 3, 3]])
def test_the_ith_pair_is_altered_alike_whatever_the_batches(sizes: list[int]) -> None:
    a, b = images(sum(sizes), 1), images(sum(sizes), 2)
    whole = Augmenter(Augmentation.parse(EVERYTHING), 5)(a, b)
    augmenter = Augmenter(Augmentation.parse(EVERYTHING), 5)
    parts = [augmenter(*part) for part in zip(a.split(sizes), b.split(sizes), strict=True)]
    for side in range(2):
        assert torch.equal(torch.cat([part[side] for part in parts]), whole[side])


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_image_every_step_and_every_seed_is_altered_differently(name: str) -> None:
    one = images(1).expand(8, -1, -1, -1)
    text = f"{name}=0.5" if name in ("flip", "erase") else name
    augmenter = Augmenter(Augmentation.parse(text), 0)
    a, b = augmenter(one, one)
    later, _ = augmenter(one, one)
    other, _ = Augmenter(Augmentation.parse(text), 1)(one, one)
    assert len({image.numpy().tobytes() for image in a}) > 1
    assert not any(torch.equal(a, another) for another in (b, later, other))


def test_aligned_pairs_are_moved_alike_and_painted_apart() -> None:
    shown = images(32)
    a, b = Augmenter(Augmentation.parse("flip+rotate=20+crop=.5"), 0, aligned=True)(shown, shown)
    assert torch.equal(a, b)
    a, b = Augmenter(Augmentation.parse("flip+jitter"), 0, aligned=True)(shown, shown)
    assert not torch.equal(a, b)


def test_autocast_changes_no_image() -> None:
    shown = images(16)
    expected = altered(EVERYTHING, shown)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(altered(EVERYTHING, shown), expected)


# --- as it is written ---


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("none", "none"),
        ("flip", "flip=0.5"),
        ("erase=.25 + rotate", "rotate=15+erase=0.25"),
        ("jitter=.20+crop", "crop=0.8+jitter=0.2"),
    ],
)
def test_there_is_one_way_to_write_it(text: str, canonical: str) -> None:
    assert str(Augmentation.parse(text)) == canonical == str(Augmentation.parse(canonical))
    assert Recipe(augment=text).augment == canonical


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("spin", "unknown operation 'spin'; known: flip, rotate, crop, jitter, erase"),
        ("", "unknown operation ''"),
        ("flip+", "unknown operation ''"),
        ("flip+none", "unknown operation 'none'"),
        ("flip+flip=.1", "flip is given twice"),
        ("rotate=181", "rotate=181: expected a number above 0 and at most 180"),
        ("rotate=0", "expected a number above 0"),
        ("crop=-1", "expected a number above 0"),
        ("jitter=nan", "expected a number above 0"),
        ("erase=often", "expected a number above 0 and at most 1"),
    ],
)
def test_what_it_cannot_be_is_said_in_a_line(text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        Augmentation.parse(text)
    assert str(caught.value).startswith(f"augment {text!r}: ")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


# --- who is shown it ---


@pytest.mark.parametrize(("fusion", "kind"), [("abs_diff", PairLearner), ("name_then_xnor", NameLearner)])
def test_training_alone_is_shown_altered_images_each_once_in_a_batch(
    fusion: str, kind: type[PairLearner], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build_model(parse_spec(fusion), "mobilenetv3_small_32", seed=0)
    a, b = images(8, 1), images(8, 2)
    label = torch.arange(8) % 2
    recipe = Recipe(batch_size=4, pairs_per_image=3)
    learner = kind(model, recipe, a, b, label, label, augment=Augmenter(Augmentation.parse(EVERYTHING), 7))
    shown: list[Tensor] = []
    normalised = model.normalised
    monkeypatch.setattr(model, "normalised", lambda batch: (shown.append(batch), normalised(batch))[1])
    expected = Augmenter(Augmentation.parse(EVERYTHING), 7)
    for index in (torch.arange(4), torch.tensor([5, 0, 7, 2])):
        learner.batch_loss(index)
        assert torch.equal(shown.pop(), torch.cat(expected(a[index], b[index])))
        assert not shown
    learner.validation_loss(a, b, label, label)
    assert torch.equal(torch.cat(shown), torch.cat([side[at : at + 4] for at in (0, 4) for side in (a, b)]))
    assert torch.equal(a, images(8, 1))
