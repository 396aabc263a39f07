"""References against independent recomputation: the log-odds by enumeration of all pairs of classes."""

from __future__ import annotations

import importlib
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import zoo
from bench.fusion import FUSIONS, FeatureSpec, MapShape

zoo.load()
references = importlib.import_module("_fusebench_plugins.fusions.references")
SPEC = FeatureSpec(MapShape(3, 32, 32), (MapShape(8, 8, 8),), MapShape(8, 4, 4), 6, classes=3)


def by_enumeration(a: list[float], b: list[float]) -> float:
    """Half of the pairs are same, uniform over classes; the other half uniform over ordered pairs."""
    k = len(a)
    same = sum(0.5 / k * math.exp(a[i] + b[i]) for i in range(k))
    different = sum(0.5 / (k * (k - 1)) * math.exp(a[i] + b[j]) for i in range(k) for j in range(k) if i != j)
    return math.log(same / different)


@given(st.integers(2, 5), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_log_odds_are_those_of_the_generator(classes: int, seed: int) -> None:
    a, b = 2 * torch.randn(2, 4, classes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    expected = [by_enumeration(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    assert references.log_odds_same(a, b).tolist() == pytest.approx(expected)


def test_log_odds_stay_finite_where_a_name_is_certain() -> None:
    certain = torch.tensor([[0.0, -5000.0]])
    assert references.log_odds_same(certain, certain) > 1000
    assert references.log_odds_same(certain, certain.flip(1)) < -1000


def test_two_uninformative_images_are_same_as_often_as_not() -> None:
    flat = torch.full((1, 7), -3.0)
    assert references.log_odds_same(flat, flat).item() == pytest.approx(0, abs=1e-5)


def test_name_then_xnor_says_same_where_both_names_agree() -> None:
    model = FUSIONS.get("name_then_xnor")(SPEC)
    with torch.no_grad():
        model.name_of.weight.zero_()
        model.name_of.bias.zero_()
        model.name_of.weight[:, :3] = 20 * torch.eye(3)
    names = torch.eye(6)[:3]
    scores = torch.stack([model(names, names.roll(shift, 0)) for shift in range(3)])
    assert (scores[0] > 0).all()
    assert (scores[1:] < 0).all()


def test_what_each_reference_is_given() -> None:
    assert FUSIONS.get("name_then_xnor").sees == "image"
    assert FUSIONS.get("mask_oracle").sees == "mask"
    assert FUSIONS.get("template_oracle").sees == "likelihoods"
    assert {FUSIONS.get(name).supervision for name in ("name_then_xnor", "mask_oracle")} == {"names"}
    others = [name for name in FUSIONS if FUSIONS.get(name).role != "reference"]
    assert {(FUSIONS.get(name).sees, FUSIONS.get(name).supervision) for name in others} == {("image", "pairs")}
