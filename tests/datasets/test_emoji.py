"""The domain ``emoji`` on the real packages: ``bench data install emoji`` fetches them, and CI does."""

from __future__ import annotations

import importlib
import json
from collections import defaultdict
from collections.abc import Callable

import pytest
import torch

from bench import zoo
from bench.domain import Domain, build_domain
from bench.errors import UsageError
from bench.packages import locate

zoo.load()
emoji = importlib.import_module("_fusebench_plugins.datasets.emoji")
lock = importlib.import_module("_fusebench_plugins.datasets.emoji_packages")
QUARTERS = ("", "seen", "novel_group", "novel_both")
SPLITS = ("train", "val", "test")


@pytest.fixture(scope="module", autouse=True)
def _installed(from_packages: Callable[[str], Domain]) -> None:
    from_packages("emoji")


def domain(shift: str = "") -> Domain:
    return build_domain(f"emoji:shift={shift}" if shift else "emoji")


def family(vendors: torch.Tensor) -> torch.Tensor:
    of_set = {name: number for number, sets in enumerate(lock.FAMILIES.values()) for name in sets}
    return torch.tensor([of_set[name] for name in lock.SETS])[vendors]


def test_there_are_as_many_concepts_and_images_as_the_documentation_says() -> None:
    found = domain()
    assert (len(found.classes), len(found.bank.pixels)) == (1083, 7891)
    assert torch.bincount(found.bank.classes).min() >= 6


@pytest.mark.parametrize("shift", QUARTERS)
def test_no_pair_of_aliases_is_called_different(shift: str) -> None:
    """From the files of the packages, without the code that matched them: no drawing, name or code point is shared by
    the two concepts of a different pair."""
    found = domain(shift)
    marks: dict[int, set[object]] = defaultdict(set)
    for image, concept in enumerate(found.bank.classes.tolist()):
        marks[concept].add(found.bank.pixels[image].numpy().tobytes())
    named = {name: number for number, name in enumerate(found.classes)}
    for entry in json.loads((locate(lock.UNICODE, "emoji") / "emoji.json").read_text()):
        if entry["name"] in named:
            marks[named[entry["name"]]].add(entry["codes"].replace(" FE0F", ""))
    pairs = found.draw("test", 0, 20_000)
    different = pairs.label == 0
    sides = (side.latents["class"][different].tolist() for side in (pairs.a, pairs.b))
    drawn = set(zip(*sides, strict=True))
    assert not [(found.classes[a], found.classes[b]) for a, b in drawn if marks[a] & marks[b]]
    assert not (pairs.a.pixels == pairs.b.pixels)[different].flatten(1).all(1).any()


def test_no_concept_is_in_two_splits_and_no_left_out_vendor_in_any() -> None:
    found = domain()
    left_out = list(lock.FAMILIES).index("openmoji")
    shown = {}
    for split in SPLITS:
        pairs = found.draw(split, 0, 4000)
        shown[split] = {int(number) for side in (pairs.a, pairs.b) for number in side.latents["class"].unique()}
        families = [family(side.latents["group"]) for side in (pairs.a, pairs.b)]
        assert (families[0] != families[1]).all()
        assert all((one != left_out).all() for one in families)
    assert not shown["train"] & shown["val"]
    assert not (shown["train"] | shown["val"]) & shown["test"]
    assert [round(len(shown[split]) / 1083, 1) for split in SPLITS] == [0.6, 0.2, 0.3]


def test_every_quarter_shows_what_it_says() -> None:
    left_out = list(lock.FAMILIES).index("openmoji")
    train = domain().draw("train", 0, 20_000)
    concepts = set(train.a.latents["class"].tolist())
    images = {int(number) for side in (train.a, train.b) for number in side.latents["image"]}
    for shift in QUARTERS:
        pairs = domain(shift).draw("test", 0, 2000)
        sides = pairs.a.latents, pairs.b.latents
        assert (
            set(sides[0]["class"].tolist()) <= concepts
            if shift in ("seen", "novel_group")
            else (not set(sides[0]["class"].tolist()) & concepts)
        )
        new_vendor = sum((family(side["group"]) == left_out).long() for side in sides)
        assert (new_vendor == (1 if shift.startswith("novel_") else 0)).all()
        new_image = sum(torch.tensor([int(one) not in images for one in side["image"]]).long() for side in sides)
        assert (new_image >= 1).all()
        assert domain(shift).quarter == (shift or "novel")


def test_neither_image_alone_tells_the_label() -> None:
    pairs = domain().draw("test", 0, 20_000)
    same = pairs.label == 1
    for side in (pairs.a, pairs.b):
        counts = [torch.bincount(side.latents["image"][rows], minlength=7891).double() for rows in (same, ~same)]
        total = counts[0] + counts[1]
        z = (counts[0] - counts[1]).abs()[total > 0] / total[total > 0].sqrt()
        assert z.pow(2).mean().sqrt() < 1.1


def test_grey_images_are_grey_and_of_the_same_pairs() -> None:
    grey, color = (build_domain(name).draw("val", 1, 64) for name in ("emoji:gray=true", "emoji"))
    assert torch.equal(grey.a.latents["image"], color.a.latents["image"])
    assert (grey.a.pixels == grey.a.pixels[:, :1]).all()
    assert not torch.equal(grey.a.pixels, color.a.pixels)


def test_another_fold_tests_on_other_concepts() -> None:
    draws = [build_domain(f"emoji:fold={fold}").draw("test", 0, 4000) for fold in (0, 1)]
    folds = [set(pairs.a.latents["class"].tolist()) for pairs in draws]
    assert 0.1 < len(folds[0] & folds[1]) / len(folds[0]) < 0.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("emoji:size=48", "size=48; expected one of 32, 64, 96"),
        ("emoji:negatives=soft", "negatives=soft; expected one of mixed, hard, easy"),
        ("emoji:vendors_out=apple", "vendors_out=apple; expected one of noto, twemoji"),
        ("emoji:shift=novel", "the domain itself is tested on new classes, seen groups"),
    ],
)
def test_what_is_not_allowed_is_one_line(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        build_domain(text)
