"""Sample i of a rendered domain depends on (version, split, seed, i) alone."""

import hashlib
import importlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bench import zoo
from bench.domain import DOMAINS, Domain, Images, Pairs

zoo.load()
renderer = importlib.import_module("_fusebench_plugins.datasets.renderer")

SPLITS = ("train", "val", "test")
POSE = ("x", "y", "radius", "angle")
REFERENCE = 1200
each_domain = pytest.mark.parametrize("name", ["color", "texture"])


@cache
def domain(name: str) -> Domain:
    return DOMAINS.get(name)()


@cache
def drawn(name: str, split: str = "val", seed: int = 0) -> Pairs:
    return domain(name).draw(split, seed, REFERENCE)


@cache
def named(name: str, easy: bool) -> Images:
    return domain(name).draw_named("val", 0, 200, easy=easy)


def assert_same_images(first: Images, second: Images) -> None:
    assert torch.equal(first.pixels, second.pixels)
    assert set(first.latents) == set(second.latents)
    for key, value in first.latents.items():
        assert torch.equal(value, second.latents[key]), key


def rows(images: Images, start: int, n: int) -> Images:
    part = slice(start, start + n)
    return Images(images.pixels[part], {key: value[part] for key, value in images.latents.items()})


def fingerprints(pixels: Tensor) -> list[str]:
    return [hashlib.sha256(image.numpy().tobytes()).hexdigest() for image in pixels]


@contextmanager
def threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@each_domain
@given(start=st.integers(0, REFERENCE - 1), n=st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_a_pair_depends_on_its_number_alone(name: str, start: int, n: int) -> None:
    n = min(n, REFERENCE - start)
    pairs, whole = domain(name).draw("val", 0, n, start), drawn(name)
    assert torch.equal(pairs.label, whole.label[start : start + n])
    assert_same_images(pairs.a, rows(whole.a, start, n))
    assert_same_images(pairs.b, rows(whole.b, start, n))


@each_domain
@pytest.mark.parametrize("easy", [False, True])
@given(start=st.integers(0, 199), n=st.integers(1, 40))
@settings(max_examples=10, deadline=None)
def test_a_named_image_depends_on_its_number_alone(name: str, easy: bool, start: int, n: int) -> None:
    n = min(n, 200 - start)
    assert_same_images(domain(name).draw_named("val", 0, n, start, easy), rows(named(name, easy), start, n))


@each_domain
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_pairs_do_not_depend_on_threads_or_chunks(
    name: str, count: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = drawn(name)
    monkeypatch.setattr(renderer, "CHUNK", chunk)
    with threads(count):
        pairs = domain(name).draw("val", 0, 150)
    assert_same_images(pairs.a, rows(whole.a, 0, 150))
    assert_same_images(pairs.b, rows(whole.b, 0, 150))


@each_domain
def test_a_second_domain_object_draws_the_same_whatever_the_global_seed(name: str) -> None:
    torch.manual_seed(12345)
    pairs = DOMAINS.get(name)().draw("val", 0, 40)
    assert_same_images(pairs.a, rows(drawn(name).a, 0, 40))


@each_domain
def test_splits_and_seeds_differ_and_share_no_image(name: str) -> None:
    draws = {(split, seed): drawn(name, split, seed) for split in SPLITS for seed in (0, 1)}
    prints = Counter(p for pairs in draws.values() for side in (pairs.a, pairs.b) for p in fingerprints(side.pixels))
    assert len(prints) == 2 * len(draws) * REFERENCE
    orders = {tuple((2 * pairs.a.latents["class"] + pairs.b.latents["class"]).tolist()) for pairs in draws.values()}
    assert len(orders) == len(draws)


@each_domain
def test_latents_of_the_splits_do_not_repeat(name: str) -> None:
    sides = [side for split in SPLITS for side in (drawn(name, split).a, drawn(name, split).b)]
    poses = [torch.stack([side.latents[key] for key in POSE], 1) for side in sides]
    assert len(torch.unique(torch.cat(poses), dim=0)) == 6 * REFERENCE


@each_domain
def test_warm_up_images_are_none_of_the_training_images(name: str) -> None:
    train, warmup = drawn(name, "train"), domain(name).draw_named("warmup", 0, REFERENCE)
    assert not set(fingerprints(train.a.pixels) + fingerprints(train.b.pixels)) & set(fingerprints(warmup.pixels))
