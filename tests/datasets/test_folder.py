"""The domain ``folder``: what a user gets for a folder or a CSV file, and what is said when it cannot be used."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench import zoo
from bench.domain import DOMAINS, Domain, build_domain
from bench.errors import UsageError

zoo.load()
Folder = DOMAINS.get("folder")
COUNTS = {"ant": 12, "bee": 15, "cat": 11}


def write_image(path: Path, red: int, seed: int, size: tuple[int, int] = (20, 20)) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    pixels[..., 0] = red
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder of class folders; the red of an image is ten times the number of its class."""

    def write(counts: dict[str, int], name: str = "photos") -> Path:
        for number, (label, count) in enumerate(sorted(counts.items())):
            for i in range(count):
                write_image(tmp_path / name / label / f"{i:02}.png", 10 * number, 100 * number + i)
        return tmp_path / name

    return write


@pytest.fixture
def make_csv(make: Callable[..., Path]) -> Callable[..., Path]:
    """Writes a CSV file of the images with a group for each: a function of class and number."""

    def write(group: Callable[[str, int], str], counts: dict[str, int] = COUNTS) -> Path:
        root = make(counts)
        with (root / "list.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "class", "group"])
            writer.writerows(
                [f"{label}/{i:02}.png", label, group(label, i)] for label, n in counts.items() for i in range(n)
            )
        return root / "list.csv"

    return write


def used(domain: Domain, split: str, key: str = "image") -> set[int]:
    pairs = domain.draw(split, 0, 400)
    return {*pairs.a.latents[key].tolist(), *pairs.b.latents[key].tolist()}


def test_classes_are_the_folders_and_pairs_show_them(make: Callable[..., Path]) -> None:
    domain = Folder(str(make(COUNTS)))
    assert domain.classes == ("ant", "bee", "cat")
    pairs = domain.draw("train", 0, 200)
    for images in (pairs.a, pairs.b):
        assert images.pixels.shape == (200, 3, 32, 32)
        assert torch.equal(images.pixels[:, 0, 3, 7].long(), 10 * images.latents["class"])
    assert (pairs.a.latents["image"] != pairs.b.latents["image"]).all()


def test_every_image_is_tested_in_exactly_one_fold_and_never_trained_on_in_it(make: Callable[..., Path]) -> None:
    root = make(COUNTS)
    tested: list[int] = []
    for fold in range(5):
        domain = Folder(str(root), fold=fold)
        train, val, test = (used(domain, split) for split in ("train", "val", "test"))
        assert not train & val
        assert not train & test
        assert not val & test
        assert train | val | test == set(range(38))
        tested += test
    assert sorted(tested) == list(range(38))


def test_no_group_is_in_two_splits_in_any_fold(make_csv: Callable[..., Path]) -> None:
    path = make_csv(lambda label, i: f"{label} {i // 2}" if label == "ant" else f"shared {i // 3}")
    for fold in range(3):
        domain = Folder(str(path), fold=fold)
        groups = {split: used(domain, split, "group") for split in ("train", "val", "test")}
        assert sum(map(len, groups.values())) == len(set.union(*groups.values()))


def test_fewer_folds_where_there_are_fewer_images(make: Callable[..., Path]) -> None:
    root = make({"ant": 7, "bee": 20})
    assert len(used(Folder(str(root), fold=2), "test")) == 27 / 3
    with pytest.raises(UsageError, match="fold=3; there are 3 folds, 0 to 2"):
        Folder(str(root), fold=3)


def test_csv_and_folder_give_the_same_pairs(make_csv: Callable[..., Path]) -> None:
    path = make_csv(lambda label, i: f"{label}/{i:02}.png")
    listed, found = Folder(str(path)), Folder(str(path.parent))
    for split in ("train", "test"):
        assert torch.equal(listed.draw(split, 0, 50).a.pixels, found.draw(split, 0, 50).a.pixels)


def test_held_out_classes_are_drawn_and_tested_by_default(make: Callable[..., Path]) -> None:
    root = make({**COUNTS, "dog": 10})
    domain = Folder(str(root), size=16, held_out=2)
    assert domain.companions == (f"folder:held_out=2:path={root}:shift=novel:size=16",)
    novel = build_domain(domain.companions[0])
    assert set(novel.classes) == {"ant", "bee", "cat", "dog"}
    shown = {novel.classes[number] for number in novel.draw("test", 0, 40).a.latents["class"].tolist()}
    assert shown == set(novel.classes) - set(domain.classes)
    assert len(shown) == 2
    images = novel.draw("test", 0, 40).a
    red = torch.tensor([10 * sorted(novel.classes).index(name) for name in novel.classes])
    assert torch.equal(images.pixels[:, 0, 3, 7].long(), red[images.latents["class"]])


def test_which_classes_are_held_out_follows_the_seed_and_more_include_fewer(make: Callable[..., Path]) -> None:
    root = str(make(dict.fromkeys("abcdef", 6)))
    drawn = {seed: Folder(root, held_out=2, split_seed=seed).classes for seed in range(6)}
    assert len(set(drawn.values())) > 1
    for seed, kept in drawn.items():
        assert set(Folder(root, held_out=3, split_seed=seed).classes) < set(kept)


def test_the_quarters_are_tested_by_default_and_show_what_their_names_say(make_csv: Callable[..., Path]) -> None:
    path = make_csv(lambda label, i: f"g{i % 5}", {f"c{c:02}": 10 for c in range(12)})
    domain = build_domain(f"folder:{path}:size=16:split=both")
    assert domain.quarter == "novel_both"
    found = {build_domain(text).quarter: build_domain(text) for text in domain.companions}
    assert list(found) == ["seen", "novel_group", "novel"] == [name for name in domain.shifts if name in found]
    images, classes, groups = (used(domain, "train", key) for key in ("image", "class", "group"))
    for quarter, one in found.items():
        own, own_classes, own_groups = (used(one, "test", key) for key in ("image", "class", "group"))
        assert not own & (images | used(domain, "val"))
        assert bool(own_classes & classes) == (quarter in ("seen", "novel_group"))
        assert bool(own_groups & groups) == (quarter in ("seen", "novel"))
        assert used(found[quarter], "train") <= images
    with pytest.raises(UsageError, match="shift 'novel_both': the domain itself is tested on new classes, new groups"):
        build_domain(f"folder:{path}:size=16:split=both:shift=novel_both")


@pytest.mark.parametrize("size", [16, 48])
def test_images_and_warm_up_have_the_size_asked_for(make: Callable[..., Path], size: int) -> None:
    domain = Folder(str(make(COUNTS)), size=size)
    assert (domain.image.height, domain.image.width) == (size, size)
    assert domain.draw("val", 0, 6).b.pixels.shape == (6, 3, size, size)
    named = domain.draw_named("warmup", 0, 6, easy=True)
    color = DOMAINS.get("color")().draw_named("warmup", 0, 6, easy=True)
    assert named.pixels.shape == (6, 3, size, size)
    assert torch.equal(named.latents["class"], color.latents["class"])
    assert (named.pixels.float().mean((2, 3)) - color.pixels.float().mean((2, 3))).abs().max() < 4
    assert domain.warmup_domain == ""


# --- identity ---


def test_the_key_follows_the_content_not_the_place(make: Callable[..., Path], tmp_path: Path) -> None:
    root = make(COUNTS)
    shutil.copytree(root, tmp_path / "copy")
    shutil.copytree(root, tmp_path / "changed")
    write_image(tmp_path / "changed" / "ant" / "00.png", 0, 999)
    shutil.copytree(root, tmp_path / "renamed")
    (tmp_path / "renamed" / "cat").rename(tmp_path / "renamed" / "cow")
    first, copy, changed, renamed = (
        DOMAINS.settle(f"folder:path={tmp_path / name}").identity() for name in ("photos", "copy", "changed", "renamed")
    )
    assert first == copy
    assert first["content"] != changed["content"]
    assert first["content"] != renamed["content"]


def test_the_key_follows_the_groups(make_csv: Callable[..., Path]) -> None:
    first = Folder(str(make_csv(lambda label, i: str(i)))).content["path"]
    path = make_csv(lambda label, i: str(i // 2))
    other = path.rename(path.with_name("other.csv"))
    assert Folder(str(other)).content["path"] != first


# --- what cannot be used ---


def refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        build_domain(text)
    assert "\n" not in str(caught.value)


def test_a_missing_path_is_one_clear_line(tmp_path: Path) -> None:
    refused("folder", "folder: no path given; expected folder:PATH")
    refused(f"folder:path={tmp_path}/absent", "absent does not exist; expected a folder of class folders, or a CSV")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("size=8", "size=8; expected 16 to 256 pixels"),
        ("size=300", "size=300; expected 16 to 256 pixels"),
        ("fold=5", "fold=5; there are 5 folds, 0 to 4"),
        ("fold=-1", "fold=-1; there are 5 folds, 0 to 4"),
        ("held_out=2", "held_out=2 of 3 classes; expected 0 to 1"),
        ("shift=outline", "folder: unknown shift 'outline'; expected one of blur"),
    ],
)
def test_parameters_out_of_range(make: Callable[..., Path], params: str, message: str) -> None:
    refused(f"folder:path={make(COUNTS)}:{params}", message)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"ant": 12}, "only one class, 'ant'; at least 2 are needed"),
        ({"ant": 12, "bee": 1}, "class 'bee' has 1 image; at least 6 are needed"),
        ({"ant": 12, "bee": 5}, "class 'bee' has 5 images; at least 6 are needed"),
    ],
)
def test_too_few_classes_or_images(make: Callable[..., Path], counts: dict[str, int], message: str) -> None:
    refused(f"folder:path={make(counts)}", message)


def test_groups_that_cannot_be_split(make_csv: Callable[..., Path]) -> None:
    path = make_csv(lambda label, i: f"bee {i % 2}" if label == "bee" else f"{label} {i}")
    refused(f"folder:path={path}", "all images of class 'bee' lie in 2 groups; at least 3 are needed")


def test_groups_that_leave_a_split_short(make_csv: Callable[..., Path]) -> None:
    path = make_csv(lambda label, i: f"bee {min(i, 2)}" if label == "bee" else f"{label} {i}")
    refused(f"folder:path={path}", "the groups cannot be split into 3 folds with 2 images of class 'bee' each")
