"""The domain ``digits``."""

from collections import Counter

import pytest
import torch
from sklearn.datasets import load_digits

from bench import zoo
from bench.domain import build_domain

zoo.load()


def test_the_bank_is_scikit_learns_digits_enlarged() -> None:
    bank, data = build_domain("digits").bank, load_digits()
    assert bank.pixels.shape == (1797, 3, 32, 32)
    assert bank.classes.tolist() == data.target.tolist()
    assert torch.equal(bank.pixels[:, 0], bank.pixels[:, 2])
    # Interpolation keeps the mean of each 4x4 block near the pixel it came from, and the darkest and brightest.
    blocks = bank.pixels[:, 0].float().view(-1, 8, 4, 8, 4).mean((2, 4))
    source = torch.from_numpy(data.images).float() * 255 / 16
    assert torch.corrcoef(torch.stack([blocks.flatten(), source.flatten()]))[0, 1] > 0.95
    assert bank.pixels.min() == 0
    assert bank.pixels.max() == 255


@pytest.mark.parametrize(("part", "share"), [(0, 0.6), (1, 0.2), (2, 0.2)])
def test_every_split_has_its_share_of_every_digit(part: int, share: float) -> None:
    bank = build_domain("digits").bank
    whole, own = Counter(bank.classes.tolist()), Counter(bank.classes[bank.parts == part].tolist())
    for digit, count in whole.items():
        assert own[digit] == pytest.approx(share * count, abs=2)


def test_the_images_of_a_pair_are_those_of_the_bank_and_never_one_twice() -> None:
    domain = build_domain("digits")
    pairs = domain.draw("test", 0, 4000)
    for images in (pairs.a, pairs.b):
        chosen = images.latents["image"]
        assert torch.equal(images.pixels, domain.bank.pixels[chosen])
        assert torch.equal(images.latents["class"], domain.bank.classes[chosen])
    assert (pairs.a.latents["image"] != pairs.b.latents["image"]).all()


def test_every_image_of_a_class_is_drawn_about_as_often() -> None:
    domain = build_domain("digits")
    pairs = domain.draw("test", 0, 20_000)
    test = (domain.bank.parts == 2) & (domain.bank.classes < 8)
    for images in (pairs.a, pairs.b):
        count = images.latents["image"].bincount(minlength=len(domain.bank.classes))[test].float()
        expected = 20_000 / int(test.sum())
        assert count.min() > expected / 2
        assert count.max() < expected * 2
