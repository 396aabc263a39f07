"""Which single images a probe is shown."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.domain import Domain, Images, Pairs, Split, build_domain, register_domain
from bench.errors import UsageError
from bench.probe.shown import Part, bank_images, own_images


def contents(part: Part) -> set[bytes]:
    return {image.numpy().tobytes() for image in part.pixels}


def test_every_image_of_a_collection_is_shown_once_and_in_one_part() -> None:
    parts = own_images("digits", ["digits:shift=novel"], 0, 10_000, 10_000)
    assert [part.name for part in parts] == ["train", "val", "test", "digits:shift=novel"]
    train, val, test, novel = parts
    assert len(train) + len(val) + len(test) == 1443  # of 1,797 images those of the digits 0 to 7
    sets = [contents(part) for part in parts]
    assert [len(own) for own in sets] == [len(part) for part in parts]
    assert not sets[0] & (sets[1] | sets[2] | sets[3])
    assert set(test.names) == set("01234567")
    assert set(novel.names) == {"8", "9"}
    again = own_images("digits", [], 0, 100, 50)
    assert [len(part) for part in again] == [100, 50, 50]
    assert torch.equal(again[0].pixels, train.pixels[:100])


def test_what_is_rendered_anew_is_shown_as_it_is_drawn() -> None:
    train, val, test = own_images("color", [], 3, 20, 10)
    assert [len(part) for part in (train, val, test)] == [20, 10, 10]
    pairs = build_domain("color").draw("test", 3, 5)
    assert torch.equal(test.pixels, torch.cat([pairs.a.pixels, pairs.b.pixels]))
    drawn = [build_domain("color").classes[at] for at in pairs.a.latents["class"]]
    assert test.names[:5].tolist() == drawn
    assert test.groups is None


def test_the_bank_is_shown_with_the_classes_of_the_task_as_new_ones() -> None:
    parts = bank_images("color", [], 0, 30, 20)
    assert [part.name for part in parts] == ["train", "val", "test", "color"]
    assert set(parts[0].names) <= set(build_domain("color").warmup_classes)
    assert set(parts[3].names) == {"circle", "square"}
    assert not contents(parts[0]) & contents(parts[2])


@pytest.mark.usefixtures("registries")
def test_a_training_image_beside_a_new_one_is_in_no_test() -> None:
    @register_domain
    class Mixed(Domain):
        """Image i is grey of i; a test pair has one image of training and a new one."""

        name, version = "mixed", 1
        classes = warmup_classes = ("dark", "light")

        def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
            at = torch.arange(start, start + n) % 20
            first = {"train": at, "val": 20 + at, "test": at}[split]
            second = {"train": 19 - at, "val": 39 - at, "test": 40 + at}[split]
            return Pairs(self.show(first), self.show(second), torch.zeros(n).long())

        def show(self, number: torch.Tensor) -> Images:
            pixels = number.to(torch.uint8)[:, None, None, None].expand(-1, 3, 4, 4)
            return Images(pixels, {"class": number % 2, "image": number, "group": number // 10})

        def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
            raise NotImplementedError

    train, val, test = own_images("mixed", [], 0, 5, 50)
    # Not only those that are shown: a warm-up may have seen all of them.
    assert len(train) == 5
    assert sorted(test.pixels[:, 0, 0, 0].tolist()) == list(range(40, 60))
    assert sorted(val.pixels[:, 0, 0, 0].tolist()) == list(range(20, 40))
    assert test.groups is not None
    assert np.array_equal(test.groups, test.pixels[:, 0, 0, 0].numpy() // 10)
    build_domain("mixed").names_images = False
    with pytest.raises(UsageError, match="mixed: labels pairs alone"):
        own_images("mixed", [], 0, 5, 5)
