"""The domain ``contours``: a large bank for each split, drawn evenly."""

import importlib

import pytest
import torch

from bench import zoo
from bench.domain import build_domain

zoo.load()
contours = importlib.import_module("_fusebench_plugins.datasets.contours")
descriptors = importlib.import_module("_fusebench_plugins.datasets.mask_descriptors")
renderer = importlib.import_module("_fusebench_plugins.datasets.renderer")
shapes = importlib.import_module("_fusebench_plugins.datasets.shapes")

EVALUATED = ("val", "test")


def test_no_contour_serves_two_splits() -> None:
    banks = [set(names) for names in contours.CONTOURS.values()]
    assert sum(map(len, banks)) == len(set().union(*banks)) == len(build_domain("contours").classes)
    assert len(contours.CONTOURS["train"]) > 2 * len(contours.CONTOURS["test"]) - 1


def test_every_contour_fits_where_poses_put_it() -> None:
    assert max(map(shapes.circumradius, contours.ALL_CONTOURS)) <= renderer.max_circumradius()


def test_the_warm_up_shares_no_contour_with_the_task() -> None:
    domain = build_domain("contours")
    assert domain.warmup_domain == "color"
    assert not set(domain.warmup_classes) & set(domain.classes)
    assert len(domain.draw_named("warmup", 0, 8)) == 8


@pytest.mark.parametrize("split", EVALUATED)
def test_classes_are_those_of_the_split(split: str) -> None:
    domain = build_domain("contours")
    pairs = domain.draw(split, 0, 80)
    index = torch.cat([pairs.a.latents["class"], pairs.b.latents["class"]]).tolist()
    assert {domain.classes[i] for i in index} <= set(contours.CONTOURS[split])


def test_half_of_the_pairs_are_same_in_every_four() -> None:
    pairs = build_domain("contours").draw("val", 0, 400)
    assert torch.equal(pairs.label, (pairs.a.latents["class"] == pairs.b.latents["class"]).long())
    assert (pairs.label.view(-1, 4).sum(1) == 2).all()


def test_contours_and_pairs_of_them_are_uniform() -> None:
    """Classes alone, without painting: each count within five standard deviations of its mean."""
    domain, n = build_domain("contours"), 65536
    first, names = contours.contours_of("val")
    a, b = (side - first for side in domain._classes_of_pairs("val", ("test",), 0, n))
    same = a == b
    for side in (a, b):
        for rows in (same, ~same):
            assert torch.allclose(
                torch.bincount(side[rows], minlength=len(names)).double(),
                torch.tensor(n / 2 / len(names)).double(),
                rtol=0,
                atol=5 * (n / 2 / len(names)) ** 0.5,
            )
    # How far B stands behind A: any way round but none.
    step = torch.bincount(((b - a) % len(names))[~same], minlength=len(names)).double()
    assert step[0] == 0
    assert (step[1:] - n / 2 / (len(names) - 1)).abs().max() < 5 * (n / 2 / (len(names) - 1)) ** 0.5


def test_a_pair_depends_on_its_number_alone() -> None:
    domain = build_domain("contours")
    whole, part = domain.draw("val", 3, 40), domain.draw("val", 3, 9, 22)
    for one, other in ((whole.a, part.a), (whole.b, part.b)):
        assert torch.equal(one.pixels[22:31], other.pixels)
        assert torch.equal(one.latents["class"][22:31], other.latents["class"])


def test_same_pairs_show_one_contour_and_different_pairs_two() -> None:
    """Descriptors of the masks, with a threshold from the validation contours, tell test pairs apart."""
    domain = build_domain("contours")
    gap, same = {}, {}
    for split in EVALUATED:
        pairs = domain.draw(split, 0, 600)
        a, b = (descriptors.mask_descriptors(images.latents["mask"]) for images in (pairs.a, pairs.b))
        gap[split], same[split] = (a - b).norm(dim=1), pairs.label == 1
    threshold = max(gap["val"], key=lambda limit: int(((gap["val"] < limit) == same["val"]).sum()))
    assert ((gap["test"] < threshold) == same["test"]).double().mean() > 0.95


def test_shifts_change_pixels_and_keep_the_pairs() -> None:
    source, outlined = (build_domain(text).draw("val", 0, 60) for text in ("contours", "contours:shift=outline"))
    assert torch.equal(source.label, outlined.label)
    assert torch.equal(source.a.latents["class"], outlined.a.latents["class"])
    assert outlined.a.latents["mask"].sum() < source.a.latents["mask"].sum()
    assert "novel" not in build_domain("contours").shifts
