"""The learner of pairs under other objectives and with auxiliary heads: what each term is given, and what trains."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bench.fusion import MapShape
from bench.model import PairModel, build_model
from bench.spec import parse_spec
from bench.training.auxiliary import Auxiliary
from bench.training.loop import batches, fit
from bench.training.pairs import FrozenModel, NameLearner, PairLearner
from bench.training.recipe import Recipe

N = 16


def images(seed: int) -> Tensor:
    return torch.randint(0, 256, (N, 3, 32, 32), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def classes(seed: int) -> Tensor:
    return torch.randint(0, 3, (N,), generator=torch.Generator().manual_seed(seed))


def model_of(fusion: str) -> PairModel:
    return build_model(parse_spec(fusion), "mobilenetv3_small_32")


def learner(model: PairModel, *auxiliary: object, **recipe: object) -> PairLearner:
    options = {"train_pairs": N, "batch_size": 8, **recipe}
    torch.manual_seed(0)
    return PairLearner(model, Recipe(**options), images(0), images(1), classes(2), classes(3), *auxiliary)


@pytest.mark.parametrize("fusion", ["cosine", "fmap_diff", "cross_attention"])
def test_pair_terms_are_given_every_pair_that_is_scored(fusion: str) -> None:
    model = model_of(fusion).eval()
    subject = learner(model, objective="contrastive:margin=1.2", pairs_per_image=3)
    got = subject.batch_loss(torch.arange(4, 12))[0]
    with torch.no_grad():
        encoded = model.encode(torch.cat([images(0)[4:12], images(1)[4:12]]))
    if fusion == "cross_attention":
        encoded = encoded.mean(1)
    if fusion == "fmap_diff":
        encoded = encoded.mean((2, 3))
    u, v = F.normalize(encoded, dim=1).chunk(2)
    losses: dict[bool, list[Tensor]] = {True: [], False: []}
    for shift in range(3):
        for i in range(8):
            j = (i - shift) % 8
            d = (u[i] - v[j]).square().sum().sqrt()
            same = bool(classes(2)[4 + i] == classes(3)[4 + j])
            losses[same].append(d**2 if same else (1.2 - d).clamp_min(0) ** 2)
    expected = (torch.stack(losses[True]).mean() + torch.stack(losses[False]).mean()) / 2
    assert got.item() == pytest.approx(expected.item(), rel=1e-3)


@pytest.mark.parametrize("times", [1, 4])
def test_class_terms_and_heads_are_given_each_image_once(times: int) -> None:
    model = model_of("concat").eval()
    auxiliary = Auxiliary({"centre": 2.0}, MapShape(3, 32, 32), 3)
    places = torch.rand(2, N, 2, generator=torch.Generator().manual_seed(9))
    targets = ({"centre": places[0]}, {"centre": places[1]})
    recipe = {"pairs_per_image": times}
    plain = learner(model, **recipe).batch_loss(torch.arange(8))[0]
    subject = learner(model, auxiliary, targets, objective="bce+0.5*triplet:margin=0.3", **recipe)
    got = subject.batch_loss(torch.arange(8))[0]

    with torch.no_grad():
        encoded = model.encode(torch.cat([images(0)[:8], images(1)[:8]]))
        head = subject.heads["centre"](encoded)
    z, own = F.normalize(encoded, dim=1), torch.cat([classes(2)[:8], classes(3)[:8]]).tolist()
    costs = []
    for a in range(16):
        for p in range(16):
            for n in range(16):
                if a != p and own[a] == own[p] != own[n]:
                    cost = (z[a] - z[p]).norm() - (z[a] - z[n]).norm() + 0.3
                    costs += [cost.item()] if cost > 0 else []
    triplet = sum(costs) / len(costs)
    centre = (head - torch.cat([places[0][:8], places[1][:8]])).square().mean().item()
    assert got.item() == pytest.approx(plain.item() + 0.5 * triplet + 2 * centre, rel=1e-3)


def test_an_objective_without_scores_leaves_the_fusion_and_trains_the_encoder() -> None:
    start, model = model_of("cosine"), model_of("cosine")
    subject = learner(model, objective="contrastive")
    fit(subject, subject.recipe, batches(N, 8, 1, 0), 2)
    before = dict(start.named_parameters())
    changed = {name: not torch.equal(value, before[name]) for name, value in model.named_parameters()}
    assert not any(moved for name, moved in changed.items() if name.startswith("fusion."))
    assert sum(moved for name, moved in changed.items() if name.startswith("backbone.")) > 20


def test_the_weights_of_objective_and_heads_are_trained_and_no_part_of_the_model() -> None:
    model = model_of("cosine")
    auxiliary = Auxiliary({"name": 1.0}, MapShape(3, 32, 32), 3)
    targets = ({"name": classes(2)}, {"name": classes(3)})
    subject = learner(model, auxiliary, targets, objective="arcface", lr=0.01)
    extra = [*subject.loss.parameters(), *subject.heads.parameters()]
    assert len(extra) == 3
    own = {id(p) for p in model.parameters()}
    assert own.isdisjoint(map(id, extra))
    found = [id(p) for group in subject.parameter_groups() for p in group["params"]]
    assert sorted(found) == sorted([*own, *map(id, extra)])
    before = [p.detach().clone() for p in extra]
    fit(subject, subject.recipe, batches(N, 8, 1, 0), 2)
    assert all(not torch.equal(p, q) for p, q in zip(before, extra, strict=True))


def test_heads_on_frozen_encodings_train_without_touching_the_rest() -> None:
    model = model_of("cosine")
    u, v = torch.randn(2, N, 128, generator=torch.Generator().manual_seed(8))
    auxiliary = Auxiliary({"name": 1.0}, MapShape(3, 32, 32), 3)
    targets = ({"name": classes(2)}, {"name": classes(3)})
    recipe = Recipe(train_pairs=N, batch_size=8, lr=0.05, epochs=40)
    subject = PairLearner(FrozenModel(model), recipe, u, v, classes(2), classes(3), auxiliary, targets)
    fit(subject, recipe, batches(N, 8, 40, 0), 80)
    encoded, target = torch.cat([u, v]), torch.cat([classes(2), classes(3)])
    assert auxiliary.errors(subject.heads, encoded, {"name": target})["name"]["accuracy"] > 0.9


def test_the_curve_of_untrained_scores_is_split_halfway_between_same_and_different() -> None:
    model = model_of("cosine").eval()
    with torch.no_grad():
        model.fusion.bias.fill_(100.0)
    _, predictions, label = learner(model, objective="triplet").batch_loss(torch.arange(8))
    assert 0 < predictions.float().mean() < 1
    _, by_zero, _ = learner(model).batch_loss(torch.arange(8))
    assert by_zero.all()
    assert len(label) == len(predictions)


def test_the_validation_loss_is_the_mean_objective_in_evaluation_mode() -> None:
    model = model_of("cosine")
    subject = learner(model, objective="hinge", pairs_per_image=1)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    found = subject.validation_loss(images(4), images(5), classes(6), classes(7))
    model.eval()
    expected = []
    for rows in (slice(0, 8), slice(8, 16)):
        with torch.no_grad():
            scores = model(images(4)[rows], images(5)[rows])
        same = classes(6)[rows] == classes(7)[rows]
        sides = (1 - scores[same]).clamp_min(0), (1 + scores[~same]).clamp_min(0)
        expected.append((sides[0].mean() + sides[1].mean()).item() / 2)
    assert found == pytest.approx(sum(expected) / 2, rel=1e-4)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_the_validation_loss_may_meet_classes_that_no_training_pair_shows() -> None:
    options = (Recipe(train_pairs=N, batch_size=8, objective="arcface"), images(0), images(1), classes(2), classes(3))
    subject = PairLearner(model_of("cosine"), *options, classes=5)
    (directions,) = subject.loss.parameters()
    assert directions.shape[0] == 5
    others = torch.full((N,), 4)
    assert math.isfinite(subject.validation_loss(images(4), images(5), classes(6), others))


def test_references_that_name_images_train_heads_beside_the_names() -> None:
    model = build_model(parse_spec("name_then_xnor"), "mobilenetv3_small_32", classes=3).eval()
    options = (model, Recipe(train_pairs=N, batch_size=8, objective="triplet"), images(0), images(1))
    plain = NameLearner(*options, classes(2), classes(3))
    auxiliary = Auxiliary({"size": 3.0}, MapShape(3, 32, 32), 3)
    sizes = torch.full((N, 1), 0.25)
    subject = NameLearner(*options, classes(2), classes(3), auxiliary, ({"size": sizes}, {"size": sizes}))
    index = torch.tensor([5, 1, 2])
    with torch.no_grad():
        head = subject.heads["size"](model.encode(torch.cat([images(0)[index], images(1)[index]])))
        gap = subject.batch_loss(index)[0] - plain.batch_loss(index)[0]
    assert gap.item() == pytest.approx(3 * (head - 0.25).square().mean().item(), rel=1e-3)
