"""What each warm-up task shows, asks and measures, recomputed image by image."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.domain import DOMAINS, Domain
from bench.fusion import MapShape
from bench.training.warmup import WARMUPS, WarmupTask, build_task, named_examples
from bench.training.warmup.autoencoder import Decoder
from bench.training.warmup.jigsaw import distant_orders, shuffled
from bench.training.warmup.rotation import turned

together = partial(zip, strict=True)
BACKBONE = "mobilenetv3_small_32"
TASKS = ("names", "centre", "autoencoder", "jigsaw", "jigsaw:grid=3", "rotation", "rotation:relative=false", "supcon")


@pytest.fixture(scope="module")
def color() -> Domain:
    return DOMAINS.get("color")()


def task(name: str, domain: Domain) -> Any:
    return build_task(WARMUPS.settle(name), BACKBONE, domain)


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def cross_entropy(outputs: Tensor, target: Tensor) -> float:
    rows = together(outputs.double().tolist(), target.tolist())
    return sum(math.log(sum(map(math.exp, row))) - row[wanted] for row, wanted in rows) / len(outputs)


@pytest.mark.parametrize(("name", "classes"), [("names", 14), ("rotation", 4), ("jigsaw", 24), ("jigsaw:orders=9", 9)])
def test_classification(name: str, classes: int, color: Domain) -> None:
    own = task(name, color)
    _, shown, target = named_examples(own, color, "val", 0, 6)
    outputs = own(shown)
    assert outputs.shape == (6, classes)
    assert float(own.loss(outputs, target).detach()) == pytest.approx(cross_entropy(outputs.detach(), target), rel=1e-5)
    right = [
        max(range(classes), key=row.__getitem__) == wanted
        for row, wanted in together(outputs.tolist(), target.tolist())
    ]
    assert own.hits(outputs, target).tolist() == right
    assert own.assess(outputs, target) == {"accuracy": pytest.approx(sum(right) / 6)}


def test_the_centre_is_the_centroid_of_the_figure(color: Domain) -> None:
    own = task("centre", color)
    images, _, target = named_examples(own, color, "val", 0, 40)
    x, y = own.pixels(target).T
    for i, mask in enumerate(images.latents["mask"].double()):
        columns = torch.arange(32) + 0.5
        assert float(x[i]) == pytest.approx(float((mask.sum(0) * columns).sum() / mask.sum()), abs=0.2)
        assert float(y[i]) == pytest.approx(float((mask.sum(1) * columns).sum() / mask.sum()), abs=0.2)
    assert target.abs().max() < 1


def test_centre_measures_pixels(color: Domain) -> None:
    own = task("centre", color)
    outputs, target = 0.1 * randn(5, 2), 0.1 * randn(5, 2, seed=1)
    squares = [[(o - t) ** 2 for o, t in together(*rows)] for rows in together(outputs.tolist(), target.tolist())]
    assert float(own.loss(outputs, target)) == pytest.approx(sum(map(sum, squares)) / 10)
    distances = [16 * math.sqrt(sum(row)) for row in squares]
    measured = own.assess(outputs, target)
    assert measured["rmse_px"] == pytest.approx(math.sqrt(sum(d * d for d in distances) / 5))
    means = [sum(column) / 5 for column in together(*target.tolist())]
    spread = sum((value - mean) ** 2 for row in target.tolist() for value, mean in together(row, means))
    assert measured["explained_variance"] == pytest.approx(1 - sum(map(sum, squares)) / spread)
    assert own.hits(outputs, target).tolist() == [distance < 1 for distance in distances]


def test_the_autoencoder_draws_the_standardised_image_from_the_deepest_map(color: Domain) -> None:
    own = task("autoencoder", color).eval()
    _, shown, target = named_examples(own, color, "val", 0, 4)
    assert target.mean((1, 2, 3)).abs().max() < 1e-4
    assert torch.allclose(target.std((1, 2, 3)), torch.ones(4), atol=0.05)
    outputs = own(shown).detach()
    deepest = own.backbone.lower(target, len(own.backbone.stages) - 1)
    assert torch.allclose(outputs, own.head(deepest), atol=1e-5)
    errors = [(o - t) ** 2 for o, t in together(outputs.flatten().tolist(), target.flatten().tolist())]
    assert float(own.loss(outputs, target)) == pytest.approx(sum(errors) / len(errors), rel=1e-4)
    measured = own.assess(outputs, target)
    assert measured["mse"] == pytest.approx(sum(errors) / len(errors), rel=1e-4)
    spread = float(np.var(target.numpy(), axis=0).mean())
    assert measured["explained_variance"] == pytest.approx(1 - measured["mse"] / spread, rel=1e-4)


def test_the_autoencoder_leaves_the_projection_alone_but_its_norm_follows_the_map(color: Domain) -> None:
    own = task("autoencoder", color).train()
    _, shown, target = named_examples(own, color, "val", 0, 8)
    norm = own.backbone.embedding.norm
    before = norm.running_var.clone()
    own.loss(own(shown), target).backward()
    assert not torch.equal(norm.running_var, before)
    assert all(parameter.grad is None for parameter in own.backbone.embedding.parameters())
    assert all(parameter.grad is not None for parameter in own.backbone.stages.parameters())


@pytest.mark.parametrize(("code", "size"), [(4, 32), (8, 32), (5, 36), (1, 16)])
def test_the_decoder_reaches_every_size(code: int, size: int) -> None:
    assert Decoder(MapShape(12, code, code), MapShape(3, size, size))(randn(2, 12, code, code)).shape == (
        2, 3, size, size,
    )  # fmt: skip


def supcon(outputs: Tensor, target: Tensor, temperature: float) -> float:
    rows = [[value / math.sqrt(sum(v * v for v in row)) for value in row] for row in outputs.double().tolist()]
    losses = []
    for i, name in enumerate(target.tolist()):
        others = [j for j in range(len(rows)) if j != i]
        score = {j: sum(u * v for u, v in together(rows[i], rows[j])) / temperature for j in others}
        total = math.log(sum(map(math.exp, score.values())))
        positives = [j for j in others if target[j] == name]
        if positives:
            losses.append(-sum(score[j] - total for j in positives) / len(positives))
    return sum(losses) / len(losses)


def test_supervised_contrastive(color: Domain) -> None:
    own = task("supcon:temperature=0.5", color)
    outputs, target = randn(7, 5), torch.tensor([0, 1, 0, 2, 1, 0, 3])  # 2 and 3 stand alone
    assert float(own.loss(outputs, target)) == pytest.approx(supcon(outputs, target, 0.5), rel=1e-5)
    cosines = torch.nn.functional.cosine_similarity(outputs[:, None], outputs, dim=2).fill_diagonal_(-2)
    hits = [bool(target[int(row.argmax())] == target[i]) for i, row in enumerate(cosines)]
    assert own.assess(outputs, target) == {"recall_at_1": pytest.approx(sum(hits) / 7)}
    lonely = own.loss(outputs.requires_grad_(), torch.arange(7))
    lonely.backward()
    assert lonely == 0
    assert torch.isfinite(outputs.grad).all()


@pytest.mark.parametrize(("grid", "size"), [(2, 6), (3, 6), (3, 8)])
def test_pieces_change_places(grid: int, size: int) -> None:
    images = torch.arange(2 * 3 * size * size).reshape(2, 3, size, size)
    orders = torch.stack([torch.randperm(grid**2, generator=torch.Generator().manual_seed(i)) for i in range(2)])
    side, got = size // grid, shuffled(images, grid, orders)
    for b, row, column in itertools.product(range(2), range(grid * side), range(grid * side)):
        source = int(orders[b, row // side * grid + column // side])
        from_row, from_column = source // grid * side + row % side, source % grid * side + column % side
        assert torch.equal(got[b, :, row, column], images[b, :, from_row, from_column])
    assert torch.equal(got[..., grid * side :, :], images[..., grid * side :, :])
    assert torch.equal(got[..., :, grid * side :], images[..., :, grid * side :])


def test_orders_are_distinct_and_far_apart() -> None:
    assert sorted(map(tuple, distant_orders(4, 24).tolist())) == list(itertools.permutations(range(4)))
    orders = distant_orders(9, 24).tolist()
    assert orders[0] == list(range(9))
    for count in (2, 9, 24):
        nearest = min(sum(a != b for a, b in together(*two)) for two in itertools.combinations(orders[:count], 2))
        assert nearest >= (9 if count <= 9 else 7)  # no more than nine orders of nine pieces differ in every place


def test_turns_are_those_of_numpy() -> None:
    images, quarters = torch.arange(4 * 3 * 5 * 5).reshape(4, 3, 5, 5), torch.tensor([0, 1, 2, 3])
    for image, quarter, got in together(images, quarters.tolist(), turned(images, quarters)):
        assert np.array_equal(got.numpy(), np.rot90(image.numpy(), quarter, (1, 2)))


def test_rotation_shows_the_image_before_and_after(color: Domain) -> None:
    images, shown, target = named_examples(task("rotation", color), color, "val", 0, 20)
    assert torch.equal(shown[:, :3], images.pixels)
    _, alone, same_target = named_examples(task("rotation:relative=false", color), color, "val", 0, 20)
    assert torch.equal(shown[:, 3:], alone)
    assert torch.equal(target, same_target)
    assert set(target.tolist()) == {0, 1, 2, 3}


@pytest.mark.parametrize("text", ["jigsaw:grid=2:orders=24", "rotation:relative=true", "supcon:temperature=0.2"])
def test_a_name_alone_means_these_values(text: str) -> None:
    """Keys of records and of the cache hold the name alone: with another default, it would find other weights."""
    assert str(WARMUPS.settle(text)) == text.partition(":")[0]


@pytest.mark.parametrize("name", TASKS)
def test_an_example_depends_on_the_seed_and_its_number_alone(name: str, color: Domain) -> None:
    own: WarmupTask = task(name, color)
    torch.manual_seed(1)
    _, shown, target = named_examples(own, color, "warmup", 3, 40)
    torch.manual_seed(2)
    _, again, target_again = named_examples(own, color, "warmup", 3, 7, start=33)
    assert torch.equal(shown[33:], again)
    assert torch.allclose(target[33:], target_again)
    assert not torch.equal(named_examples(own, color, "warmup", 4, 7, start=33)[1], again)
