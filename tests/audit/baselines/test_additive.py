"""Marks that one of the two images carries are found on any domain; what differs by nature is no mark."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.audit.baselines.additive import Additive
from bench.audit.draws import Draws
from bench.audit.probes import added_up
from bench.audit.rows import Row, Verdict
from bench.domain import Pairs

N = 3_000


def natural(n: int, seed: int) -> Pairs:
    """Pairs of noise whose brightness and contrast depend on the class: by nature, not by the label."""
    from bench.domain import Images

    generator = torch.Generator().manual_seed(seed)
    label = torch.arange(n) % 2
    class_a = torch.randint(3, (n,), generator=generator)
    class_b = torch.where(label == 1, class_a, (class_a + torch.randint(1, 3, (n,), generator=generator)) % 3)

    def images(classes: torch.Tensor) -> Images:
        noise = torch.randn(n, 3, 16, 16, generator=generator) * (10 + 15 * classes[:, None, None, None])
        return Images((noise + 60 + 50 * classes[:, None, None, None]).clamp(0, 255).byte(), {"class": classes})

    return Pairs(images(class_a), images(class_b), label)


def rows(train: Pairs, test: Pairs) -> list[Row]:
    return list(Additive().rows(Draws("digits", 200).showing(train, test)))


def brighter_where_same(pairs: Pairs) -> Pairs:
    more = (pairs.label * 12)[:, None, None, None]
    a, b = (replace(side, pixels=(side.pixels.short() + more).clamp(0, 255).byte()) for side in (pairs.a, pairs.b))
    return replace(pairs, a=a, b=b)


def marked_where_same(pairs: Pairs) -> Pairs:
    pixels = pairs.b.pixels.clone()
    pixels[pairs.label == 1, :, 3, 3] = 255
    return replace(pairs, b=replace(pairs.b, pixels=pixels))


def test_classes_that_differ_by_nature_are_no_leak() -> None:
    train, test = natural(N, 1), natural(4 * N, 2)
    assert [row.verdict for row in rows(train, test)] == [Verdict.OK] * 3


@pytest.mark.parametrize(
    ("plant", "found"),
    [(brighter_where_same, "statistics"), (marked_where_same, "pixels")],
    ids=["brightness", "pixel"],
)
def test_a_mark_is_found_where_classes_differ_by_nature(plant, found: str) -> None:
    leaks = [row.what for row in rows(plant(natural(N, 1)), plant(natural(N, 2))) if row.verdict is Verdict.LEAK]
    assert any(what.startswith(found) for what in leaks)


@given(st.lists(st.sampled_from([0.0, 0.1, 1.0, 30.0]), min_size=6, max_size=6))
def test_whatever_classes_score_their_balanced_pairs_are_at_chance(scores: list[float]) -> None:
    of_a, of_b = np.array(scores[:3]), np.array(scores[3:])
    different = [(a, b) for a in range(3) for b in range(3) if a != b]
    pairs = np.array([(one, one) for one in range(3) for _ in range(2)] + different)
    sums = of_a[pairs[:, 0]] + of_b[pairs[:, 1]]
    assert added_up(sums, np.repeat([1, 0], 6)).mean() == pytest.approx(0.5, abs=1e-12)


def test_means_that_lie_apart_have_the_accuracy_of_normal_scores() -> None:
    rng, label = np.random.default_rng(0), np.arange(200_000) % 2
    scores = rng.normal(0.2 * label)
    found = added_up(3 * scores + 7, label)
    assert found.mean() == pytest.approx(NormalDist().cdf(0.1), abs=0.001)
    assert found.mean() == pytest.approx(np.mean((scores > 0.1) == label), abs=0.003)
    assert added_up(label - 0.5, label).mean() == pytest.approx(0.9, abs=0.002)
