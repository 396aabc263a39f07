"""Gradients by layer."""

import pytest
import torch
from torch import nn

from bench.fusion import FUSIONS
from bench.model import build_model
from bench.training.gradients import GradientNorms, layers_of
from bench.training.pairs import FrozenModel, PairLearner
from bench.training.recipe import Recipe


def layers(fusion: str, frozen: bool = False) -> dict[str, list[nn.Parameter]]:
    model = build_model(FUSIONS.settle(fusion), "mobilenetv3_small_32")
    images, classes = torch.zeros(2, 3, 32, 32, dtype=torch.uint8), torch.tensor([0, 1])
    subject = FrozenModel(model) if frozen else model
    learner = PairLearner(subject, Recipe(), images, images, classes, classes)
    found = {name: list(own) for name, own in layers_of(learner).items()}
    assert {p for own in found.values() for p in own} == {p for p in learner.module.parameters() if p.requires_grad}
    assert sum(map(len, found.values())) == len({p for own in found.values() for p in own})
    return found


def test_layers_are_named_in_the_order_in_which_an_image_meets_them() -> None:
    assert list(layers("concat")) == ["stem", "stage 0", "stage 1", "stage 2", "embedding", "head"]
    assert list(layers("cosine", frozen=True)) == ["fusion"]
    assert [name for name in layers("pseudo_siamese") if "embedding" in name] == ["embedding", "second embedding"]


def test_norms_are_means_over_every_fourth_step_before_they_are_limited() -> None:
    one, two = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2, 2))
    norms = GradientNorms({"one": [one], "both": [one, two]})
    for size in (1.0, 7.0, 7.0, 7.0, 3.0):
        one.grad, two.grad = torch.full((3,), size), torch.full((2, 2), 2 * size)
        assert abs(float(norms.clip([one, two], 1.0)) - size * 19**0.5) < 1e-5
        assert abs(float(torch.cat([one.grad, two.grad.flatten()]).norm()) - 1) < 1e-5
    found = norms.mean()
    assert abs(found["one"] - 2 * 3**0.5) < 1e-6
    assert abs(found["both"] - 2 * 19**0.5) < 1e-6
    assert not norms.mean()
    norms.clip([one], 1.0)
    assert norms.mean()["one"] == pytest.approx(float(one.grad.norm()))
