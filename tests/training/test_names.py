"""Training on names: the loss by hand, the same images as for pairs, and that it learns them."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from bench.model import build_model
from bench.spec import Spec
from bench.training.loop import batches, fit
from bench.training.pairs import FrozenModel, NameLearner, PairLearner, learner_of
from bench.training.recipe import Recipe

RECIPE = Recipe(train_pairs=256, batch_size=32, lr=0.02)


def frozen(name: str) -> FrozenModel:
    return FrozenModel(build_model(Spec(name), "mobilenetv3_small_32", classes=3))


def learner(model: FrozenModel) -> PairLearner:
    generator = torch.Generator().manual_seed(0)
    classes = torch.randint(3, (2, 256), generator=generator)
    dim = model.fusion.name_of.in_features
    features = torch.randn(2, 256, dim, generator=generator)
    features[..., :3] += 4 * F.one_hot(classes, 3)
    return learner_of(model)(model, RECIPE, *features, *classes)


def test_the_supervision_that_a_fusion_states_chooses_the_learner() -> None:
    assert learner_of(frozen("name_then_xnor")) is NameLearner
    assert learner_of(frozen("abs_diff")) is PairLearner


def test_the_loss_is_the_cross_entropy_of_both_images_of_each_pair() -> None:
    subject = learner(frozen("name_then_xnor"))
    index = torch.tensor([3, 9, 4])
    loss, predictions, target = subject.batch_loss(index)
    by_hand = []
    for images, classes in ((subject.a, subject.class_a), (subject.b, subject.class_b)):
        for row in index.tolist():
            logits = subject.model.fusion.name_of(images[row])
            by_hand.append((logits.logsumexp(0) - logits[classes[row]]).item())
    assert loss.item() == pytest.approx(sum(by_hand) / 6, rel=1e-5)
    assert target.tolist() == [*subject.class_a[index].tolist(), *subject.class_b[index].tolist()]
    assert predictions.shape == target.shape


def test_names_that_were_learned_tell_pairs() -> None:
    subject = learner(frozen("name_then_xnor"))
    fit(subject, RECIPE, batches(256, 32, 5, 0), 40)
    scores = subject.model(subject.a, subject.b)
    same = subject.class_a == subject.class_b
    assert ((scores > 0) == same).float().mean() > 0.95
