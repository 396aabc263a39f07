"""Auxiliary heads: what they should predict, their losses and errors recomputed, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bench.domain import Images, build_domain
from bench.errors import UsageError
from bench.fusion import MapShape
from bench.model.encodings import pooled
from bench.training.auxiliary import READOUTS, Auxiliary, auxiliary_weights, check_weights, missing_latents

IMAGE = MapShape(3, 20, 40)


def images(n: int = 30, seed: int = 0) -> Images:
    u = torch.rand(n, 4, generator=torch.Generator().manual_seed(seed))
    latents = {
        "x": 40 * u[:, 0],
        "y": 20 * u[:, 1],
        "radius": 2 + 8 * u[:, 2],
        "angle": 2 * math.pi * u[:, 3],
        "class": torch.arange(n) % 3,
    }
    return Images(torch.zeros(n, 3, 20, 40, dtype=torch.uint8), latents)


def exact(name: str, target: torch.Tensor) -> nn.ModuleDict:
    """A head whose input is already what it should predict."""
    head = nn.Linear(target.shape[1], target.shape[1])
    with torch.no_grad():
        head.weight.copy_(torch.eye(target.shape[1]))
        head.bias.zero_()
    return nn.ModuleDict({name: head})


def test_targets_image_by_image() -> None:
    shown = images()
    targets = Auxiliary(dict.fromkeys(READOUTS, 1.0), IMAGE, 3).targets(shown)
    for i in range(len(shown)):
        x, y, radius, angle = (float(shown.latents[name][i]) for name in ("x", "y", "radius", "angle"))
        assert targets["centre"][i].tolist() == pytest.approx([x / 40, y / 20])
        assert targets["size"][i].tolist() == pytest.approx([radius / 40])
        assert targets["name"][i] == i % 3
        turns = [math.cos(k * angle) for k in range(1, 7)] + [math.sin(k * angle) for k in range(1, 7)]
        assert targets["angle"][i].tolist() == pytest.approx(turns, abs=1e-5)


def test_the_loss_is_the_weighted_sum_over_the_heads() -> None:
    shown = images()
    auxiliary = Auxiliary({"centre": 2.0, "name": 0.5, "size": 0.0}, IMAGE, 3)
    heads, encoded = auxiliary.heads(6), torch.randn(30, 6, generator=torch.Generator().manual_seed(1))
    assert set(heads) == {"centre", "name"}
    targets = auxiliary.targets(shown)
    squares, entropies = [], []
    for row, centre, own in zip(encoded, targets["centre"], targets["name"].tolist(), strict=True):
        squares += [(p - t) ** 2 for p, t in zip(heads["centre"](row).tolist(), centre.tolist(), strict=True)]
        entropies.append(-math.log(heads["name"](row).softmax(0)[own].item()))
    expected = 2 * sum(squares) / len(squares) + 0.5 * sum(entropies) / len(entropies)
    assert auxiliary.loss(heads, encoded, targets).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["centre", "size"])
def test_errors_in_pixels(name: str) -> None:
    auxiliary = Auxiliary({name: 3.0}, IMAGE, 3)
    target = auxiliary.targets(images())[name]
    off = {"centre": torch.tensor([3 / 40, 4 / 20]), "size": torch.tensor([5 / 40])}[name]
    found = auxiliary.errors(exact(name, target), target + off, {name: target})
    assert found == {name: {"weight": 3.0, "rmse_px": pytest.approx(5.0, rel=1e-4)}}


def test_the_angle_of_figures_with_symmetry_shows_in_their_harmonic() -> None:
    """A square determines only the fourth harmonic: what the best head can predict from one quarter of a turn."""
    auxiliary = Auxiliary({"angle": 1.0}, IMAGE, 2)
    target = auxiliary.targets(images(4000))["angle"]
    seen = torch.zeros_like(target)
    seen[:, [3, 9]] = target[:, [3, 9]]
    errors = auxiliary.errors(exact("angle", target), seen, {"angle": target})["angle"]
    assert errors["explained_4"] == pytest.approx(1, abs=1e-5)
    assert all(abs(errors[f"explained_{k}"]) < 0.01 for k in (1, 2, 3, 5, 6))


def test_an_angle_that_does_not_vary_has_nothing_to_explain() -> None:
    """Of figures at 0 or 180 degrees, only the odd harmonics tell them apart."""
    shown = images(40)
    shown.latents["angle"] = math.pi * (torch.arange(40) % 2)
    auxiliary = Auxiliary({"angle": 1.0}, IMAGE, 2)
    target = auxiliary.targets(shown)["angle"]
    errors = auxiliary.errors(exact("angle", target), 0.5 * target, {"angle": target})["angle"]
    assert errors == {"weight": 1.0} | {f"explained_{k}": pytest.approx(0.75, abs=1e-3) for k in (1, 3, 5)}


def test_the_error_of_names_is_their_accuracy() -> None:
    auxiliary = Auxiliary({"name": 1.0}, IMAGE, 3)
    encoded = F.one_hot(torch.tensor([0, 1, 2, 2]), 3).float()
    errors = auxiliary.errors(exact("name", encoded), encoded, {"name": torch.tensor([0, 1, 2, 0])})
    assert errors["name"]["accuracy"] == 0.75


def test_what_the_user_chose_wins_over_what_the_fusion_states(plugin) -> None:
    plugin('''
        @register
        class WithCentre(Fusion):
            """``f = u + v``, (B, D) twice -> (B, D)."""

            name, family, needs, symmetric, paper = "test_centre", "test", "embedding", True, "none"
            auxiliary = {"centre": 0.5, "size": 2.0}
        ''')
    from bench.fusion import FUSIONS

    fusion = FUSIONS.get("test_centre")
    assert auxiliary_weights(fusion, {}) == {"centre": 0.5, "size": 2.0}
    assert auxiliary_weights(fusion, {"size": 0.0, "name": 1.0}) == {"centre": 0.5, "name": 1.0}
    assert auxiliary_weights(FUSIONS.get("concat"), {}) == {}


def test_missing_latents_are_named() -> None:
    assert missing_latents({"centre": 1, "name": 1}, ["class", "x", "y"]) == ""
    found = missing_latents({"centre": 1, "size": 1, "name": 1}, ["class", "y"])
    assert found == "the images come without x for the head centre, radius for the head size"


def test_a_rendered_domain_has_what_every_head_needs() -> None:
    latents = build_domain("color").draw("val", 0, 2).a.latents
    assert missing_latents(dict.fromkeys(READOUTS, 1.0), latents) == ""


@pytest.mark.parametrize(
    ("weights", "message"),
    [({"center": 1.0}, "unknown head 'center'"), ({"size": -1.0}, "0 or more"), ({"size": math.nan}, "0 or more")],
)
def test_bad_weights_are_refused(weights: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_weights(weights)


def test_pooled_is_the_mean_over_positions() -> None:
    maps = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    tokens = maps.flatten(2).transpose(1, 2)
    by_hand = torch.stack([sum(maps[:, :, i, j] for i in range(4) for j in range(5)) / 20])[0]
    assert torch.allclose(pooled(maps), by_hand, atol=1e-6)
    assert torch.allclose(pooled(tokens), by_hand, atol=1e-6)
    assert pooled(by_hand) is by_hand
