"""What a cell's learner is given by its recipe and its domain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.backbones import BACKBONES
from bench.domain import DOMAINS, build_domain
from bench.fusion import FUSIONS
from bench.sweep.cell import Cell
from bench.sweep.execution import ON_THE_CPU
from bench.sweep.prepare import prepare
from bench.training.recipe import Recipe
from bench.training.warmup import WarmupSpec


@pytest.mark.parametrize("aligned", [True, False])
def test_images_are_augmented_by_the_seed_of_the_cell_as_the_domain_is_aligned(
    aligned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    color, warmup = DOMAINS.settle("color"), WarmupSpec.declared("none", "mobilenetv3_small_32", "color")
    monkeypatch.setattr(build_domain(color), "aligned", aligned)
    names = FUSIONS.settle("abs_diff"), BACKBONES.settle("mobilenetv3_small_32"), color
    recipe = Recipe(train_pairs=8, batch_size=4, augment="flip")
    cell = Cell(*names, 6, "scratch", recipe, warmup, (color,), 4)
    learner = prepare(cell, ON_THE_CPU).learner
    assert learner is not None
    assert learner.augment is not None
    assert (learner.augment.seed, learner.augment.aligned) == (6, aligned)
    assert str(learner.augment.augmentation) == "flip=0.5"
    plain = prepare(replace(cell, recipe=Recipe(train_pairs=8, batch_size=4)), ON_THE_CPU).learner
    assert plain is not None
    assert plain.augment is None
