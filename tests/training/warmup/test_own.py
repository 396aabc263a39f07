"""Warm-ups on the images of the domain itself: which are shown, how they are named, and what keys say of it."""

from __future__ import annotations

import pickle

import pytest
import torch

from bench import zoo
from bench.domain import Domain, Images, Pairs, Split, build_domain, register_domain
from bench.errors import UsageError
from bench.training.warmup import WARMUPS, WarmupSpec, build_task, named_examples
from bench.training.warmup.own import OwnImages

zoo.load()
BACKBONE = "mobilenetv3_small_32"
OWN = ["names", "autoencoder", "jigsaw:grid=3", "rotation:relative=false", "supcon"]


class Numbered(Domain):
    """The first pixel of A is the number of the pair, that of B 100 more."""

    name, version = "numbered", 1
    classes, warmup_classes = ("zero", "one", "two"), ("none of these",)

    def __init__(self) -> None:
        self.asked: list[tuple[Split, int]] = []

    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        self.asked.append((split, seed))
        number = torch.arange(start, start + n)

        def side(first: int) -> Images:
            pixels = torch.arange(32).expand(n, 3, 32, 32).to(torch.uint8).clone()
            pixels[..., 0, 0] = (first + number).to(torch.uint8)[:, None]
            return Images(pixels, {"class": (first + number) % 3, "x": number, **({} if first else {"side": number})})

        return Pairs(side(0), side(100), torch.ones(n, dtype=torch.int64))

    def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
        raise AssertionError("the bank is not asked for")


@pytest.fixture
def numbered(registries: None) -> Numbered:
    domain = build_domain(register_domain(Numbered).name)
    assert isinstance(domain, Numbered)
    domain.asked.clear()
    return domain


def test_both_images_of_pairs_are_shown_by_turns_with_what_is_known_of_both(numbered: Numbered) -> None:
    images = OwnImages(numbered).draw_named("warmup", 4, 5, 3)
    assert images.pixels[:, 0, 0, 0].tolist() == [103, 4, 105, 6, 107]
    assert images.latents["class"].tolist() == [103 % 3, 4 % 3, 105 % 3, 6 % 3, 107 % 3]
    assert set(images.latents) == {"class", "x"}


def test_training_shows_training_pairs_and_the_quality_is_of_validation_pairs(numbered: Numbered) -> None:
    recipe = {"images": 64, "batch_size": 32}
    spec = WarmupSpec.declared("names:images=own", BACKBONE, "numbered", recipe, 2)
    warmup = spec.ensure()
    assert [*dict.fromkeys(numbered.asked)] == [("train", 2), ("val", 2)]
    trained = spec.restore(warmup)
    assert trained.head.out_features == len(numbered.classes)  # type: ignore[union-attr]


@pytest.mark.parametrize("task", OWN)
def test_no_image_that_digits_hold_out_is_shown(task: str) -> None:
    digits = build_domain("digits")
    held_out = {
        int(image)
        for pairs in (digits.draw(split, 0, 2000) for split in ("val", "test"))
        for side in (pairs.a, pairs.b)
        for image in side.latents["image"]
    }
    spec = WarmupSpec.declared(f"{task}:images=own", BACKBONE, "digits")
    built = build_task(spec.task, BACKBONE, spec.shown)
    images, shown, target = named_examples(built, spec.shown, "warmup", 0, 300)
    assert not held_out & set(images.latents["image"].tolist())
    assert images.latents["class"].max() < len(digits.classes) < 10
    built.eval()
    with torch.inference_mode():
        assert torch.isfinite(built.loss(built(shown[:8]), target[:8]))


def test_the_warm_up_is_that_of_the_domain_and_not_of_the_one_that_serves_it() -> None:
    bank, own = (WarmupSpec.declared(task, BACKBONE, "digits") for task in ("names", "names:images=own"))
    assert (str(bank.domain), str(own.domain)) == ("color", "digits")
    assert len({spec.key() for spec in (bank, own, WarmupSpec.declared(str(own.task), BACKBONE, "color"))}) == 3
    assert own.shown.warmup_classes == build_domain("digits").classes
    assert bank.shown is build_domain("color")


def test_the_bank_goes_without_saying() -> None:
    settled = WARMUPS.settle("jigsaw:images=bank:grid=3")
    assert str(settled) == "jigsaw:grid=3"
    own = WARMUPS.settle("jigsaw:images=own:grid=3")
    assert pickle.loads(pickle.dumps(own)) == own
    assert WARMUPS.identity(own) == {"task": "jigsaw:grid=3:images=own"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("names:images=mine", "images = 'mine': expected bank or own"),
        ("names:images=true", "images = True: expected bank or own"),
        ("none:images=own", "none shows no images"),
        ("imagenet:images=bank", "imagenet shows no images"),
        ("names:image=own", "unknown parameter 'image'"),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_line(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match="warm-up") as caught:
        WARMUPS.settle(text)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_latent_that_own_images_lack_is_named_with_the_domain() -> None:
    spec = WarmupSpec.declared("centre:images=own", BACKBONE, "digits")
    with pytest.raises(UsageError, match="the domain digits does not know x, y"):
        build_task(spec.task, BACKBONE, spec.shown)


@pytest.mark.parametrize("task", ["names", "supcon"])
def test_pairs_that_name_no_image_cannot_be_named(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    unnamed = OwnImages(build_domain("digits"))
    unnamed.names_images = False
    with pytest.raises(UsageError, match=f"warm-up {task}.* needs the class of every image, and digits labels pairs"):
        build_task(WARMUPS.settle(task), "mobilenetv3_small_32", unnamed)
