"""Losses of pytorch-metric-learning as terms, and what is said where the package is missing."""

from __future__ import annotations

import sys

import pytest
import torch

from bench.errors import UsageError
from bench.training.objectives import Objective, Space


def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning", None)
    with pytest.raises(UsageError, match=r"needs pytorch-metric-learning.*pip install 'fusebench\[metric\]'"):
        Objective.parse("pml:TripletMarginLoss")


def test_a_loss_is_that_of_the_package(one) -> None:
    losses = pytest.importorskip("pytorch_metric_learning.losses")
    z, classes = one.randn(8, 5), torch.arange(8) % 3
    expected = losses.MultiSimilarityLoss(alpha=3.0)(z, classes)
    assert float(one.of_images("pml:MultiSimilarityLoss:alpha=3", z, classes)) == pytest.approx(float(expected))


@pytest.mark.parametrize(("ours", "theirs"), [("supcon", "SupConLoss"), ("infonce", "NTXentLoss")])
def test_our_own_terms_agree_with_the_package(one, ours: str, theirs: str) -> None:
    pytest.importorskip("pytorch_metric_learning")
    z, classes = one.randn(8, 5), torch.arange(8) % 3
    own = one.of_images(f"{ours}:temperature=0.2", z, classes)
    assert float(own) == pytest.approx(float(one.of_images(f"pml:{theirs}:temperature=0.2", z, classes)), rel=1e-4)


def test_a_loss_with_weights_gets_the_width_and_the_classes() -> None:
    pytest.importorskip("pytorch_metric_learning")
    weights = list(Objective.parse("pml:ProxyAnchorLoss").build(Space(7, 4)).parameters())
    assert [tuple(weight.shape) for weight in weights] == [(4, 7)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pml:TripletLoss", "did you mean .*TripletMarginLoss"),
        ("pml", "expected pml:NAME"),
        ("pml:TripletMarginLoss:margn=1", "cannot be used on encoded images and classes .*margn"),
        ("pml:VICRegLoss", "cannot be used on encoded images and classes"),
    ],
)
def test_what_the_package_cannot_do_is_one_clear_line(text: str, message: str) -> None:
    pytest.importorskip("pytorch_metric_learning")
    with pytest.raises(UsageError, match=message) as caught:
        Objective.parse(text)
    assert "\n" not in str(caught.value)
