"""What every domain of labelled images keeps to: splits, balance, held-out classes, shifts, and the warm-up."""

import importlib
from collections import Counter
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from bench import zoo
from bench.domain import DOMAINS, Domain, Images, Pairs, build_domain
from bench.errors import UsageError

zoo.load()
labelled = importlib.import_module("_fusebench_plugins.datasets.labelled")

SPLITS = ("train", "val", "test")
REFERENCE = 600
DRAWN = ("digits", "digits:shift=novel_vs_seen", "digits:shift=noise", "glyphs", "glyphs:held_out=96:shift=novel")


@cache
def drawn(text: str, split: str = "test", n: int = REFERENCE) -> Pairs:
    return build_domain(text).draw(split, 0, n)


def assert_same_rows(part: Images, whole: Images, start: int) -> None:
    rows = slice(start, start + len(part))
    assert torch.equal(part.pixels, whole.pixels[rows])
    assert set(part.latents) == set(whole.latents)
    for key, value in part.latents.items():
        assert torch.equal(value, whole.latents[key][rows]), key


def shown(text: str, split: str) -> set[int]:
    pairs = drawn(text, split, 1000)
    return {*pairs.a.latents["image"].tolist(), *pairs.b.latents["image"].tolist()}


def names(domain: Domain, images: Images) -> list[str]:
    return [domain.classes[number] for number in images.latents["class"].tolist()]


@pytest.mark.parametrize("text", DRAWN)
@given(start=st.integers(0, REFERENCE - 1), n=st.integers(1, 50))
@settings(max_examples=12, deadline=None)
def test_a_pair_depends_on_its_number_alone(text: str, start: int, n: int) -> None:
    n = min(n, REFERENCE - start)
    pairs, whole = build_domain(text).draw("test", 0, n, start), drawn(text)
    assert torch.equal(pairs.label, whole.label[start : start + n])
    assert_same_rows(pairs.a, whole.a, start)
    assert_same_rows(pairs.b, whole.b, start)
    assert (pairs.strata is None) == (whole.strata is None)
    if pairs.strata is not None and whole.strata is not None:
        assert torch.equal(pairs.strata.index, whole.strata.index[start : start + n])


@pytest.mark.parametrize("text", DRAWN)
def test_pairs_are_labelled_by_class_and_record_every_factor(text: str) -> None:
    domain, pairs = build_domain(text), drawn(text)
    for images in (pairs.a, pairs.b):
        assert images.pixels.shape == (REFERENCE, 3, 32, 32)
        assert images.pixels.dtype == torch.uint8
        assert all(len(value) == REFERENCE for value in images.latents.values())
        assert {"class", "image"} <= set(images.latents)
    same = [a == b for a, b in zip(names(domain, pairs.a), names(domain, pairs.b), strict=True)]
    assert pairs.label.tolist() == [int(value) for value in same]


@pytest.mark.parametrize("text", ["digits", "digits:shift=novel", "digits:held_out=5:shift=greyscale"])
def test_classes_are_balanced(text: str) -> None:
    k = len(build_domain(text).classes)
    block = 2 * k * (k - 1)
    pairs = drawn(text, n=3 * block)
    cells = Counter(zip(pairs.a.latents["class"].tolist(), pairs.b.latents["class"].tolist(), strict=True))
    assert cells == {(i, j): 3 * (k - 1) if i == j else 3 for i in range(k) for j in range(k)}


@pytest.mark.parametrize("name", ["digits", "glyphs"])
def test_no_two_splits_share_an_image_of_the_bank(name: str) -> None:
    images = {split: shown(name, split) for split in SPLITS}
    assert all(images.values())
    assert not images["train"] & images["val"]
    assert not images["train"] & images["test"]
    assert not images["val"] & images["test"]


def test_seeds_draw_different_pairs_of_the_same_images() -> None:
    domain = build_domain("digits")
    first, second = domain.draw("train", 0, 500), domain.draw("train", 1, 500)
    assert not torch.equal(first.a.latents["image"], second.a.latents["image"])


@given(start=st.integers(0, 300), n=st.integers(1, 60))
@settings(max_examples=12, deadline=None)
def test_of_many_classes_two_neighbours_are_one_same_and_one_different_pair(start: int, n: int) -> None:
    k, key = 500, ("many",)
    a, b = labelled.spread_classes(key, 0, 400, k)
    part = labelled.spread_classes(key, start, n, k)
    assert torch.equal(part[0][: 400 - start], a[start : start + n])
    assert torch.equal(part[1][: 400 - start], b[start : start + n])
    assert ((a == b).view(-1, 2).sum(1) == 1).all()
    assert 0 <= int(torch.minimum(a, b).min()) <= int(torch.maximum(a, b).max()) < k
    assert 70 < int((a == b)[::2].sum()) < 130


# --- held-out classes ---


@pytest.mark.parametrize("split", SPLITS)
def test_held_out_classes_are_in_no_pair_of_the_domain(split: str) -> None:
    held_out = set(build_domain("glyphs:shift=novel").classes)
    domain = build_domain("glyphs")
    assert len(held_out) == 50
    assert not held_out & set(domain.classes)
    assert len(held_out | set(domain.classes)) == 100
    seen_items = shown("glyphs", split)
    assert not seen_items & shown("glyphs:shift=novel", split)


def test_novel_shows_the_held_out_classes_alone() -> None:
    assert build_domain("digits:shift=novel").classes == ("8", "9")
    assert build_domain("digits").classes == tuple("01234567")
    bank = build_domain("digits").bank
    images = drawn("digits:shift=novel").a.latents
    assert torch.equal(bank.classes[images["image"]], 8 + images["class"])


def test_seen_with_novel_are_the_different_pairs_and_every_kind_is_as_frequent_as_it_should_be() -> None:
    domain, pairs = (
        build_domain("digits:held_out=3:shift=novel_vs_seen"),
        drawn("digits:held_out=3:shift=novel_vs_seen"),
    )
    assert domain.classes == tuple("0123456789")
    assert pairs.strata is not None
    kinds = [pairs.strata.names[index] for index in pairs.strata.index.tolist()]
    quarter = REFERENCE // 4
    assert Counter(kinds) == {"same, seen": quarter, "same, novel": quarter, "seen with novel": 2 * quarter}
    novel = set("789")
    orders = Counter()
    for a, b, kind in zip(names(domain, pairs.a), names(domain, pairs.b), kinds, strict=True):
        assert (a == b) == kind.startswith("same")
        assert (a in novel, b in novel) in {
            "same, seen": {(False, False)},
            "same, novel": {(True, True)},
            "seen with novel": {(False, True), (True, False)},
        }[kind]
        orders[a in novel, b in novel] += 1
    assert orders[True, False] == orders[False, True]
    assert set(names(domain, pairs.a)) == set("0123456789")


def test_images_match_their_class_under_novel_vs_seen() -> None:
    bank = build_domain("digits").bank
    pairs = drawn("digits:held_out=3:shift=novel_vs_seen")
    for images in (pairs.a, pairs.b):
        assert torch.equal(bank.classes[images.latents["image"]], images.latents["class"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("digits", ("digits:shift=novel",)),
        ("digits:held_out=4", ("digits:held_out=4:shift=novel",)),
        ("digits:held_out=1", ("digits:held_out=1:shift=novel_vs_seen",)),
        ("digits:held_out=0", ()),
        ("digits:shift=novel", ()),
    ],
)
def test_held_out_classes_are_tested_by_default(text: str, expected: tuple[str, ...]) -> None:
    assert build_domain(text).companions == expected
    for companion in expected:
        assert len(build_domain(companion).classes) > 1


@pytest.mark.parametrize(("held_out", "shifts"), [(0, set()), (1, {"novel_vs_seen"}), (2, {"novel", "novel_vs_seen"})])
def test_shifts_to_held_out_classes_are_offered_where_there_are_enough(held_out: int, shifts: set[str]) -> None:
    domain = build_domain(f"digits:held_out={held_out}")
    assert set(domain.shifts) & {"novel", "novel_vs_seen"} == shifts
    assert {"greyscale", "noise", "noise-b", "jpeg", "sweep_noise"} < set(domain.shifts)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("digits:held_out=9", "digits: held_out=9 of 10 classes; expected 0 to 8"),
        ("digits:held_out=-1", "digits: held_out=-1 of 10 classes; expected 0 to 8"),
        ("glyphs:held_out=99", "glyphs: held_out=99 of 100 classes; expected 0 to 98"),
        ("digits:shift=outline", "digits: unknown shift 'outline'; expected one of blur, .*, or a corruption"),
        ("digits:held_out=1:shift=novel", "shift 'novel' needs 2 held-out classes or more; held_out is 1"),
    ],
)
def test_bad_parameters_are_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        build_domain(text)
    assert "\n" not in str(caught.value)


# --- pixel shifts ---


@pytest.mark.parametrize("shift", ["noise", "noise-3", "noise-b", "greyscale"])
def test_a_pixel_shift_changes_the_pixels_of_the_same_pairs(shift: str) -> None:
    source, changed = drawn("glyphs", n=200), drawn(f"glyphs:shift={shift}", n=200)
    assert torch.equal(source.label, changed.label)
    for side in ("a", "b"):
        before, after = getattr(source, side), getattr(changed, side)
        assert all(torch.equal(value, after.latents[key]) for key, value in before.latents.items())
        alike = torch.equal(before.pixels, after.pixels)
        assert alike == (shift == "noise-b" and side == "a")
    assert (changed.strata is not None) == (shift in ("noise", "noise-b"))


# --- the warm-up ---


@pytest.mark.parametrize("easy", [False, True])
def test_the_warm_up_is_that_of_the_domain_color(easy: bool) -> None:
    domain, color = build_domain("digits"), DOMAINS.get("color")()
    assert domain.warmup_domain == "color"
    assert domain.warmup_classes == color.warmup_classes
    assert_same_rows(domain.draw_named("warmup", 3, 20, 5, easy), color.draw_named("warmup", 3, 20, 5, easy), 0)


def nearest_class(train: Tensor, classes: Tensor, test: Tensor) -> Tensor:
    """Class of the nearest training image by the cosine of the pixels."""
    unit = [F.normalize(pixels.float().flatten(1), dim=1) for pixels in (train, test)]
    return classes[(unit[1] @ unit[0].T).argmax(1)]


def test_the_digits_of_the_test_split_can_be_named_from_those_of_the_training_split() -> None:
    bank = build_domain("digits").bank
    train, test = bank.parts == 0, bank.parts == 2
    named = nearest_class(bank.pixels[train], bank.classes[train], bank.pixels[test])
    assert (named == bank.classes[test]).float().mean() > 0.95
