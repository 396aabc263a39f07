"""Marks that are only seen in both images together, and pairs that are put together anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bench.audit.baselines.rematched import Rematched, rematched
from bench.audit.draws import Draws
from bench.audit.rows import Row, Verdict
from bench.domain import Images, Pairs

N = 1_600
SHAPE = 3, 12, 12


def alike(n: int, seed: int) -> Pairs:
    """Pairs of noise around a picture of the class, so that the pixels of same pairs are nearer by nature."""
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.randint(60, 200, (4, *SHAPE), generator=torch.Generator().manual_seed(0))
    label = torch.arange(n) % 2
    class_a = torch.randint(4, (n,), generator=generator)
    class_b = torch.where(label == 1, class_a, (class_a + torch.randint(1, 4, (n,), generator=generator)) % 4)

    def images(classes: Tensor) -> Images:
        noise = torch.randn(n, *SHAPE, generator=generator) * 60
        number = torch.arange(n)
        return Images((pictures[classes] + noise).clamp(0, 255).byte(), {"class": classes, "image": number})

    return Pairs(images(class_a), images(class_b), label)


def rows(plant: Callable[[Pairs, Tensor], None]) -> list[Row]:
    planted = []
    for seed in (1, 2):
        pairs = alike(N * seed, seed)
        bit = torch.randint(2, (len(pairs),), generator=torch.Generator().manual_seed(seed + 10))
        plant(pairs, bit)
        planted.append(pairs)
    return list(Rematched().rows(Draws("digits", 200).showing(*planted)))


def nothing(pairs: Pairs, bit: Tensor) -> None:
    """A clean domain."""


def a_pixel(pairs: Pairs, bit: Tensor) -> None:
    """A pixel of A is black or white by chance, and that of B the same where the pair is."""
    pairs.a.pixels[:, :, 5, 5] = (bit * 255)[:, None].byte()
    pairs.b.pixels[:, :, 5, 5] = ((bit ^ (1 - pairs.label)) * 255)[:, None].byte()


def a_last_bit(pairs: Pairs, bit: Tensor) -> None:
    """The same in the last bit of a pixel, which nobody sees."""
    for side, marked in ((pairs.a, bit), (pairs.b, bit ^ (1 - pairs.label))):
        side.pixels[:, :, 5, 5] = (side.pixels[:, :, 5, 5] & 254) | marked[:, None].byte()


def brightness(pairs: Pairs, bit: Tensor) -> None:
    """Both images are lighter or darker by the same chance where the pair is same."""
    for side, marked in ((pairs.a, bit), (pairs.b, bit ^ (1 - pairs.label))):
        side.pixels.copy_((side.pixels.short() + 10 * marked[:, None, None, None]).clamp(0, 255).byte())


def test_images_that_are_alike_by_nature_are_no_leak() -> None:
    assert all(row.verdict is not Verdict.LEAK for row in rows(nothing))


@pytest.mark.parametrize(("plant", "found"), [(a_pixel, "pixels"), (a_last_bit, "pixels"), (brightness, "statistics")])
def test_a_mark_that_takes_both_images_is_found(plant: Callable[[Pairs, Tensor], None], found: str) -> None:
    leaks = [row.what for row in rows(plant) if row.verdict is Verdict.LEAK]
    assert any(what.startswith(found) for what in leaks)


def test_exchanging_images_keeps_what_classes_say() -> None:
    pairs = alike(400, 3)
    again = rematched(pairs, torch.Generator().manual_seed(0))
    by_image = dict(zip(pairs.a.latents["image"].tolist(), range(400), strict=True))
    own = torch.tensor([by_image[number] for number in again.a.latents["image"].tolist()])
    assert torch.equal(again.label, pairs.label[own])
    assert torch.equal(again.b.latents["class"], pairs.b.latents["class"][own])
    assert not (again.b.latents["image"] == pairs.b.latents["image"][own]).any()
    assert len(again) == len(pairs)
    assert torch.equal((again.a.latents["class"] == again.b.latents["class"]).long(), again.label)


def test_without_a_partner_of_the_same_class_nothing_is_asked() -> None:
    pairs = alike(300, 4)
    alone = replace(pairs, b=replace(pairs.b, latents={"class": torch.arange(300)}))
    (row,) = Rematched().rows(Draws("digits", 200).showing(alone, alone))
    assert row.verdict is Verdict.NOT_APPLICABLE
