"""Shortcuts planted into the renderer and into the draw: the audit must find each of them, and name it rightly."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
import torch

from bench.audit.rows import Row, Verdict
from bench.audit.run import run_audit
from bench.domain import Pairs

N = 4_000


def plugin(name: str) -> ModuleType:
    return importlib.import_module(f"_fusebench_plugins.datasets.{name}")


def audited(*baselines: str, n: int = N) -> tuple[Row, ...]:
    return run_audit("color", n, baselines=baselines, warmup_recipe={"images": 128}).rows


def leaking(rows: tuple[Row, ...]) -> list[str]:
    return [f"{row.baseline}: {row.what}" for row in rows if row.verdict is Verdict.LEAK]


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any], Any]], None]:
    """Plants a change of every draft of pairs, before it is painted."""
    synthetic = plugin("synthetic")
    draft_of = synthetic.Draft

    def plant(change: Callable[[Any], Any]) -> None:
        monkeypatch.setattr(synthetic, "Draft", lambda *given: change(draft_of(*given)))

    return plant


@pytest.fixture
def equal_extent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Shapes of equal half-extent in place of equal area, drawn through the distance tables."""
    shapes = plugin("shapes")
    outline = shapes.outline
    monkeypatch.setattr(shapes, "outline", lambda shape: outline(shape) / outline(shape).abs().max())
    shapes.distance_table.cache_clear()
    yield
    shapes.distance_table.cache_clear()


def test_equal_extent_is_seen_in_the_area_and_hardly_in_pairs(equal_extent: None) -> None:
    rows = audited("statistics", "nuisances_single")
    boosted = {row.what: row for row in rows if "boosting" in row.what}
    single, pair = (
        boosted["area → class, gradient boosting"],
        boosted["area → label, gradient boosting"],
    )
    assert single.verdict is Verdict.LEAK
    assert single.value == pytest.approx(0.58, abs=0.04)
    assert pair.value is not None
    assert pair.value < 0.56
    assert boosted["bounding box → class, gradient boosting"].value == pytest.approx(0.68, abs=0.05)
    # The recorded radius still says nothing: only the pixels tell.
    assert boosted["latents → class, gradient boosting"].verdict is not Verdict.LEAK


def test_colour_correlated_with_class_is_seen_in_latents_and_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    synthetic = plugin("synthetic")
    drawn = synthetic.SyntheticDomain._scene

    def redder_behind_circles(
        self: Any, split: str, shape: torch.Tensor, shapes: tuple[str, ...], u: torch.Tensor
    ) -> Any:
        scene = drawn(self, split, shape, shapes, u)
        ground = scene.ground.clone()
        redder = (shape == 0) & (u[:, 1] < 0.4)
        ground[redder, 0] = ground[redder, 0] // 2 + 128
        return replace(scene, ground=ground, latents={**scene.latents, "ground_color": ground[:, :, 0, 0]})

    monkeypatch.setattr(synthetic.SyntheticDomain, "_scene", redder_behind_circles)
    found = leaking(audited("nuisances_single", "statistics"))
    assert "nuisances_single: latents → class, logistic regression" in found
    assert "nuisances_single: latents → class, gradient boosting" in found
    assert "statistics: mean, deviation → class, gradient boosting" in found


def test_same_pairs_that_are_nearer_in_size_are_seen_in_pairs_alone(
    planted: Callable[[Callable[[Any], Any]], None],
) -> None:
    resized = plugin("scene_shifts").resized

    def nearer(draft: Any) -> Any:
        a, b = draft.a.pose.radius, draft.b.pose.radius
        pose = resized(draft.b.pose, torch.where(draft.label == 1, 0.7 * b + 0.3 * a, b))
        return replace(draft, b=replace(draft.b, pose=pose))

    planted(nearer)
    found = leaking(audited("nuisances_single", "nuisances_pair"))
    assert "nuisances_pair: latents, differences, products → label, logistic regression" in found
    assert "nuisances_pair: latents, differences, products → label, gradient boosting" in found
    assert not [what for what in found if what.startswith("nuisances_single")]


def test_a_label_that_image_a_shows_is_seen_by_the_unary_network(
    planted: Callable[[Callable[[Any], Any]], None],
) -> None:
    def lighter(draft: Any) -> Any:
        ground = draft.a.ground.clone()
        ground[:] = torch.where(draft.label == 1, 255, 0).to(torch.uint8)[:, None, None, None]
        return replace(draft, a=replace(draft.a, ground=ground))

    planted(lighter)
    by_side = {row.what: row for row in audited("unary", n=2_000)}
    assert by_side["image A → label, network"].verdict is Verdict.LEAK
    assert by_side["image B → label, network"].verdict is not Verdict.LEAK


def test_a_leak_that_survives_without_the_shape_is_seen_by_the_shape_blind_network(
    planted: Callable[[Callable[[Any], Any]], None],
) -> None:
    def on_white(draft: Any) -> Any:
        def change(scene: Any) -> Any:
            ground = torch.where(scene.shape == 0, 255, 0).to(torch.uint8)[:, None, None, None]
            return replace(scene, ground=ground.expand_as(scene.ground))

        return replace(draft, a=change(draft.a), b=change(draft.b))

    planted(on_white)
    assert "shape_blind: blob → class, network" in leaking(audited("shape_blind", n=2_000))


def test_an_image_shared_by_splits_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    synthetic = plugin("synthetic")
    draw = synthetic.SyntheticDomain.draw

    def with_train_images(self: Any, split: str, seed: int, n: int, start: int = 0) -> Pairs:
        pairs = draw(self, split, seed, n, start)
        if split == "test" and start == 0:
            pairs.a.pixels[5:8] = draw(self, "train", seed, 8).b.pixels[5:8]
        return pairs

    monkeypatch.setattr(synthetic.SyntheticDomain, "draw", with_train_images)
    rows = {row.what: row for row in audited("duplicates", n=400)}
    assert rows["images shared by splits"].verdict is Verdict.LEAK
    assert rows["images shared by splits"].note == "3 of 1,400"
    assert rows["images repeated in a split"].verdict is Verdict.OK
    assert rows["latent records shared by splits"].verdict is Verdict.OK


def test_test_pairs_drawn_from_training_are_found_by_the_nearest_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    synthetic = plugin("synthetic")
    draw = synthetic.SyntheticDomain.draw
    monkeypatch.setattr(
        synthetic.SyntheticDomain, "draw", lambda self, split, seed, n, start=0: draw(self, "train", seed, n, start)
    )
    rows = audited("nearest_neighbour", "duplicates", n=400)
    assert "nearest_neighbour: pixels → label of the nearest training pair" in leaking(rows)
    assert {row.what: row.note for row in rows}["latent records shared by splits"] == "600 of 1,400"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (lambda a, b, u: (a, torch.where(u < 0.2, a, b)), "the most frequent label"),
        (lambda a, b, u: (a, torch.where(u < 0.4, torch.where(a == 0, a, 1 - a), b)), "class of A → label"),
        (lambda a, b, u: (torch.where(u < 0.2, 0, a), b), "the most frequent class"),
        (
            lambda a, b, u: (
                torch.where(a != b, (u < 0.3).long() & a, a),
                torch.where(a != b, 1 - (u < 0.3).long() & a, b),
            ),
            "which of two different classes is A",
        ),
    ],
    ids=["more same", "same circles", "more circles", "circle first"],
)
def test_a_broken_balance_is_named(
    monkeypatch: pytest.MonkeyPatch, rule: Callable[..., tuple[torch.Tensor, torch.Tensor]], expected: str
) -> None:
    synthetic, uniforms = plugin("synthetic"), plugin("scene").uniforms
    balanced = synthetic.balanced_classes

    def broken(key: Any, start: int, n: int, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        return rule(*balanced(key, start, n, k), uniforms((*key, "broken"), start, n, 1)[:, 0])

    monkeypatch.setattr(synthetic, "balanced_classes", broken)
    rows = audited("balance")
    assert f"balance: {expected}" in leaking(rows)
