"""The learner of a pair model: which pairs it makes, what it trains, and what frozen features change."""

import copy
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from bench import zoo
from bench.model import PairModel, build_model
from bench.spec import parse_spec
from bench.training.loop import batches, fit
from bench.training.pairs import FrozenModel, PairLearner
from bench.training.recipe import Recipe

zoo.load()

BACKBONE = "mobilenetv3_small_32"
SEPARATE = ["concat", "abs_diff", "cosine", "fmap_diff", "cross_attention", "concat:symmetrize=true"]


def images(n: int, seed: int) -> Tensor:
    return torch.randint(0, 256, (n, 3, 32, 32), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def classes(n: int, seed: int, k: int = 2) -> Tensor:
    return torch.randint(0, k, (n,), generator=torch.Generator().manual_seed(seed))


def learner(model: PairModel, a: Tensor, b: Tensor, n: int = 16, **recipe: object) -> PairLearner:
    return PairLearner(model, Recipe(**recipe), a, b, classes(n, 20), classes(n, 21))


def model_of(fusion: str, seed: int = 0) -> PairModel:
    return build_model(parse_spec(fusion), BACKBONE, seed=seed)


class Names(PairModel):
    """An "image" is its class and a serial number; the score is positive exactly when the classes agree."""

    encodes_separately = True

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.backbone, self.fusion = None, SimpleNamespace(supervision="pairs")
        self.encoded: list[int] = []
        self.compared: list[tuple[int, int]] = []

    def encode(self, images: Tensor) -> Tensor:
        self.encoded += images[:, 1].int().tolist()
        return images

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        self.compared += list(zip(a[:, 1].int().tolist(), b[:, 1].int().tolist(), strict=True))
        return 2 * (a[:, 0] == b[:, 0]).float() - 1

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.compare(*self.encode(torch.cat([a, b])).chunk(2))


def cards(n: int, k: int, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images of A (numbered from 0) and of B (numbered from 1000), and their classes."""
    class_a, class_b = classes(n, seed, k), classes(n, seed + 1, k)
    number = torch.arange(n)
    return torch.stack([class_a, number], 1).float(), torch.stack([class_b, 1000 + number], 1).float(), class_a, class_b


# --- re-pairing ---


@given(
    size=st.integers(1, 12),
    times=st.integers(1, 15),
    k=st.integers(2, 4),
    seed=st.integers(0, 99),
    shuffled=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_every_label_belongs_to_the_pair_that_was_scored(
    size: int, times: int, k: int, seed: int, shuffled: bool
) -> None:
    a, b, class_a, class_b = cards(40, k, seed)
    model = Names()
    made = PairLearner(model, Recipe(pairs_per_image=times), a, b, class_a, class_b)
    index = torch.randperm(40, generator=torch.Generator().manual_seed(seed)) if shuffled else torch.arange(5, 40)
    index = index[:size]
    _, predictions, label = made.batch_loss(index)

    assert torch.equal(predictions, label)  # Names is never wrong, so a wrong label would show
    expected = [int(class_a[i] == class_b[j - 1000]) for i, j in model.compared]
    assert label.tolist() == expected
    # Each image is encoded once and meets `times` others, as far as the batch has that many.
    chosen = index.tolist()
    assert sorted(model.encoded) == sorted(chosen + [1000 + i for i in chosen])
    meetings = min(times, size)
    assert len(model.compared) == len(set(model.compared)) == meetings * size
    for i in chosen:
        assert sum(first == i for first, _ in model.compared) == meetings
        assert sum(second == 1000 + i for _, second in model.compared) == meetings
    assert {(i, 1000 + i) for i in chosen} <= set(model.compared)  # the pairs as drawn are among them


def test_loss_of_re_paired_images_by_loops() -> None:
    a, b = images(16, 0), images(16, 1)
    model = model_of("concat").eval()
    made = learner(model, a, b, pairs_per_image=3)
    index = torch.arange(4, 12)
    got, _, label = made.batch_loss(index)

    losses: dict[int, list[Tensor]] = {0: [], 1: []}
    u, v = model.encode(a[4:12]), model.encode(b[4:12])
    for shift in range(3):
        for i in range(8):
            j = (i - shift) % 8
            same = int(made.class_a[4 + i] == made.class_b[4 + j])
            score = model.compare(u[i : i + 1], v[j : j + 1])
            losses[same].append(F.binary_cross_entropy_with_logits(score, torch.tensor([float(same)])))
    assert len(losses[1]) == int(label.sum())
    expected = (torch.stack(losses[0]).mean() + torch.stack(losses[1]).mean()) / 2  # same and different count alike
    assert got.item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("fusion", ["two_channel", "two_channel:symmetrize=true", "pixel_distance"])
def test_re_pairing_has_no_effect_where_images_are_not_encoded_separately(fusion: str) -> None:
    a, b = images(16, 0), images(16, 1)
    model = model_of(fusion).eval()
    once, many = (learner(model, a, b, pairs_per_image=times).batch_loss(torch.arange(16)) for times in (1, 8))
    assert all(torch.equal(x, y) for x, y in zip(once, many, strict=True))
    assert torch.equal(many[2], (classes(16, 20) == classes(16, 21)).long())


def test_shuffled_and_consecutive_indices_mean_the_same_rows() -> None:
    a, b, class_a, class_b = cards(40, 2, 0)
    for index in ([8, 9, 10, 11], [9, 8], [5, 7, 6, 8], [3], [2, 2]):
        model = Names()
        PairLearner(model, Recipe(pairs_per_image=1), a, b, class_a, class_b).batch_loss(torch.tensor(index))
        assert model.compared == [(i, 1000 + i) for i in index]


# --- what is trained ---


@pytest.mark.parametrize("fusion", ["concat", "cosine", "two_channel", "concat:symmetrize=true", "pixel_distance"])
def test_every_trainable_parameter_is_in_one_group(fusion: str) -> None:
    model = model_of(fusion)
    groups = learner(model, images(16, 0), images(16, 1), backbone_lr_scale=0.1).parameter_groups()
    found = [id(p) for group in groups for p in group["params"]]
    assert sorted(found) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    inside = {id(p) for p in model.backbone.parameters()} if model.backbone is not None else set()
    for group in groups:
        assert {group["lr"]} == {0.1 if id(p) in inside else 1.0 for p in group["params"]}


def trained(fusion: str, seed: int = 0, **recipe: object) -> PairModel:
    model = model_of(fusion, seed)
    options = {"train_pairs": 16, "batch_size": 8, "epochs": 2, **recipe}
    fit(learner(model, images(16, 0), images(16, 1), **options), Recipe(**options), batches(16, 8, 2, 0), 4)
    return model


@pytest.mark.parametrize("fusion", ["concat", "two_channel"])
def test_the_same_seed_gives_the_same_weights_bit_for_bit(fusion: str) -> None:
    torch.manual_seed(1)
    first = trained(fusion).state_dict()
    torch.manual_seed(2)
    second, other = trained(fusion).state_dict(), trained(fusion, seed=1).state_dict()
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert any(not torch.equal(value, other[name]) for name, value in first.items())


def test_a_backbone_with_rate_zero_keeps_its_weights() -> None:
    start, end = model_of("concat"), trained("concat", backbone_lr_scale=0)
    before = dict(start.named_parameters())
    for name, value in end.named_parameters():
        assert torch.equal(value, before[name]) == name.startswith("backbone."), name


def test_the_frozen_random_backbone_of_a_control_is_not_trained() -> None:
    start, end = model_of("random_encoder"), trained("random_encoder")
    before = dict(start.named_parameters())
    for name, value in end.named_parameters():
        assert torch.equal(value, before[name]) == name.startswith("backbone."), name


# --- frozen ---


def features(model: PairModel, pixels: Tensor) -> Tensor:
    model.eval()
    with torch.no_grad():
        return model.encode(pixels)


@pytest.mark.parametrize("fusion", SEPARATE)
@pytest.mark.parametrize("times", [1, 4])
def test_the_frozen_loss_is_the_loss_of_the_whole_model(fusion: str, times: int) -> None:
    a, b = images(16, 0), images(16, 1)
    model = model_of(fusion).eval()
    whole = learner(model, a, b, pairs_per_image=times).batch_loss(torch.arange(16))
    frozen = FrozenModel(model).eval()
    part = learner(frozen, features(model, a), features(model, b), pairs_per_image=times).batch_loss(torch.arange(16))
    assert part[0].item() == pytest.approx(whole[0].item(), rel=1e-4)
    assert torch.equal(part[2], whole[2])


@pytest.mark.parametrize("fusion", SEPARATE)
def test_frozen_trains_the_fusion_and_the_head_and_nothing_else(fusion: str) -> None:
    a, b = images(16, 0), images(16, 1)
    model = model_of(fusion)
    u, v = features(model, a), features(model, b)
    before = copy.deepcopy(model.state_dict())
    frozen = FrozenModel(model)
    assert frozen.backbone is None
    options = {"train_pairs": 16, "batch_size": 8, "lr": 0.01}
    fit(learner(frozen, u, v, **options), Recipe(**options), batches(16, 8, 1, 0), 2)

    after = model.state_dict()
    backbone = {name for name in before if "backbone." in name}
    assert backbone
    assert all(torch.equal(after[name], before[name]) for name in backbone)  # BatchNorm statistics among them
    trainable = {name for name, p in model.named_parameters() if "backbone." not in name}
    assert trainable
    assert {name for name in trainable if not torch.equal(after[name], before[name])} == trainable
    assert {id(p) for p in frozen.parameters()} == {id(p) for n, p in model.named_parameters() if n in trainable}


@pytest.mark.parametrize("fusion", SEPARATE)
def test_a_frozen_model_scores_both_orders_as_the_whole_one_does(fusion: str) -> None:
    a, b = images(6, 2), images(6, 3)
    model = model_of(fusion).eval()
    frozen = FrozenModel(model).eval()
    with torch.no_grad():
        (first, _), second = frozen.both_orders(features(model, a), features(model, b))
        assert torch.allclose(first, model(a, b), atol=1e-4)
        assert torch.allclose(second, model(b, a), atol=1e-4)


@pytest.mark.parametrize("fusion", ["abs_diff", "cross_attention", "fmap_diff", "two_channel"])
def test_a_training_step_waits_for_nothing(fusion: str) -> None:
    """The meta device computes no values: whatever reads one, and so would wait for a GPU, fails on it."""
    a, b = (images(8, seed).to("meta") for seed in (1, 2))
    trained = learner(model_of(fusion).to("meta").train(), a, b, n=8)
    for index in (torch.arange(4), torch.tensor([6, 1, 3, 0])):
        loss, predictions, labels = trained.batch_loss(index)
        loss.backward()
        assert {loss.device.type, predictions.device.type, labels.device.type} == {"meta"}
