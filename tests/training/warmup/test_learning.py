"""Every task learns, the same each time, and what it learned comes back from the cache."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bench.domain import Domain, Images, Pairs, Split, build_domain, register_domain, uniforms
from bench.training.warmup import WARMUPS, Warmup, WarmupSpec, WarmupTask, answers, build_task, named_examples

Ask = Callable[..., Warmup]
BACKBONE = "mobilenetv3_small_32"
TASKS = ("names", "centre", "autoencoder", "jigsaw", "rotation:relative=false", "rotation", "supcon")


class Quadrants(Domain):
    """Four quarters of different colours, so that pieces and turns are plain to see, and a darker or lighter dot."""

    name, version = "quadrants", 1
    classes, warmup_classes = ("circle", "square"), ("dark", "light")

    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        raise NotImplementedError

    def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
        u = uniforms((split, seed), start, n, 6)
        pixels = torch.full((n, 3, 32, 32), 90.0)
        for channel, (row, column) in enumerate(((0, 0), (0, 16), (16, 0))):
            pixels[:, channel, row : row + 16, column : column + 16] += 20 + 110 * u[:, 3 + channel, None, None]
        named = (u[:, 2] < 0.5).long()
        x, y = 6 + 20 * u[:, 0], 6 + 20 * u[:, 1]
        at = torch.arange(32) + 0.5
        dot = (at - x[:, None]).abs()[:, None, :].maximum((at - y[:, None]).abs()[:, :, None]) < 5
        # Far less than what differs between the quarters: no untrained network tells the two apart by it.
        tint = 80 * named - 40
        pixels = torch.where(dot[:, None], pixels + tint[:, None, None, None], pixels)
        return Images(pixels.to(torch.uint8), {"class": named, "x": x.float(), "y": y.float()})


@pytest.fixture(autouse=True)
def _quadrants(registries: None) -> None:
    register_domain(Quadrants)


def quality(spec: WarmupSpec, trained: Warmup | None) -> float:
    """On held-out images, of a trained or an untrained network."""
    domain = build_domain(spec.domain)
    own = build_task(spec.task, BACKBONE, domain) if trained is None else spec.restore(trained)
    _, shown, target = named_examples(own, domain, "val", 0, 96)
    return own.assess(answers(own, shown), target)[own.measure.name]


@pytest.mark.parametrize("task", TASKS)
def test_the_quality_of_every_task_rises_and_is_that_of_the_weights_kept(
    task: str, spec: Callable[..., WarmupSpec]
) -> None:
    tiny = spec(task=task, domain="quadrants", images=1024, lr=4e-3)
    trained, before = tiny.ensure(), quality(tiny, None)
    assert trained.quality == pytest.approx(quality(tiny, trained), abs=1e-6)
    better = trained.quality - before if trained.measure.better == "higher" else before - trained.quality
    least = {"px": 2.0, "share": 0.15}[trained.measure.unit]
    assert better > least, (before, trained.quality)


@pytest.mark.parametrize("task", ["centre", "autoencoder", "jigsaw:grid=3", "rotation", "supcon"])
def test_the_same_seed_gives_the_same_weights(task: str, ask_again: Ask) -> None:
    def state(made: Warmup) -> dict[str, Tensor]:
        return torch.load(made.path, weights_only=True) | torch.load(made.head, weights_only=True)

    torch.manual_seed(1)
    first = state(ask_again(task=task, domain="quadrants"))
    torch.manual_seed(2)
    second = state(ask_again(task=task, domain="quadrants"))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    other = state(ask_again(task=task, domain="quadrants", seed=1))
    assert not all(torch.equal(value, other[name]) for name, value in first.items())


@pytest.mark.parametrize("name", [cls.name for cls in WARMUPS.classes if cls.weights == "computed"])
def test_the_card_names_the_measure(name: str, ask: Ask) -> None:
    made = ask(task=name, domain="quadrants")
    card = json.loads(made.path.with_suffix(".json").read_text())
    cls = WARMUPS.get(name)
    assert issubclass(cls, WarmupTask)
    assert (card["measure"], card["unit"], card["better"]) == (cls.measure.name, cls.measure.unit, cls.measure.better)
    assert card["quality"] == card["measured"][cls.measure.name] == made.quality
    assert made.measure == cls.measure
    assert made.measured == card["measured"]


def test_a_card_of_the_first_release_still_counts(ask: Ask) -> None:
    made = ask()
    card = made.path.with_suffix(".json")
    old = ("quality", "seconds", "images", "curve")
    card.write_text(json.dumps({key: value for key, value in json.loads(card.read_text()).items() if key in old}))
    made.head.unlink()
    again = ask()
    assert (again.quality, again.measure.name, again.measured) == (made.quality, "accuracy", {"accuracy": made.quality})
