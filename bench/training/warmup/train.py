"""Training of a warm-up task, and its quality on held-out images."""

from __future__ import annotations

import math
import time
from typing import Any

import torch
from torch import Tensor, nn

from bench.backbones import create_backbone
from bench.domain import Domain, Images, Split, uniforms
from bench.errors import DivergedError, UsageError
from bench.registry import Choice
from bench.training.loop import History, Progress, batches, decay_groups, fit
from bench.training.recipe import WarmupRecipe
from bench.training.warmup.contract import Start, WarmupTask
from bench.training.warmup.own import OwnImages

HELD_OUT = 2_000
HELD_OUT_BATCH = 256
CHUNK = 5_120


def build_task(task: Choice[Start], backbone: str, domain: Domain, seed: int = 0) -> WarmupTask:
    """A task on a backbone initialised from ``seed``. The global random state is left as it was.

    Raises:
        UsageError: images of the domain lack what the task needs, or the warm-up is not computed here.
    """
    cls = task.cls
    if not issubclass(cls, WarmupTask):
        raise UsageError(f"the warm-up {task} is not a task that a backbone is trained on")
    if cls.by_name and isinstance(domain, OwnImages) and not domain.names_images:
        raise UsageError(
            f"the warm-up {task} needs the class of every image, and {domain.name} labels pairs alone; "
            "choose another warm-up"
        )
    images = domain.draw_named("warmup", seed, 1)
    missing = [latent for latent in cls.needs if latent not in images.latents]
    if missing:
        raise UsageError(
            f"the warm-up {task} needs the latents {', '.join(cls.needs)} of the images, "
            f"and the domain {domain.name} does not know {', '.join(missing)}; choose another warm-up"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = task.build(create_backbone(backbone, domain.image), domain)
    assert isinstance(built, WarmupTask)
    return built


def named_examples(
    task: WarmupTask, domain: Domain, split: Split, seed: int, n: int, start: int = 0, easy: bool = False
) -> tuple[Images, Tensor, Tensor]:
    """Named images ``start`` to ``start + n`` of a split, and what the task makes of them: what is shown, and the
    target."""
    images = domain.draw_named(split, seed, n, start, easy)
    u = uniforms(("warm-up", task.name, split, int(seed)), start, n, task.columns)
    return images, *task.examples(images, u)


class _Learner:
    """What the loop trains: a task on images drawn chunk by chunk, each shown once."""

    def __init__(self, task: WarmupTask, domain: Domain, recipe: WarmupRecipe, seed: int) -> None:
        self.task = task.to(memory_format=torch.channels_last)
        self._device = next(task.parameters()).device
        self.module: nn.Module = self.task
        self.domain, self.recipe, self.seed = domain, recipe, seed
        self.examples = recipe.images
        self._chunk: tuple[int, list[Tensor]] | None = None

    def parameter_groups(self) -> list[dict[str, object]]:
        return decay_groups(self.task.parameters(), self.task.lr_factor, self.recipe.weight_decay)

    def batch_loss(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # A whole number of batches, so that no batch lies across two chunks.
        size = max(1, CHUNK // self.recipe.batch_size) * self.recipe.batch_size
        number, offset = divmod(int(index[0]), size)
        if self._chunk is None or self._chunk[0] != number:
            start = number * size
            easy = start < self.recipe.easy_share * self.recipe.images
            _, *drawn = named_examples(self.task, self.domain, "warmup", self.seed, size, start, easy)
            self._chunk = number, [part.to(self._device) for part in drawn]
        rows = slice(offset, offset + len(index))
        shown, target = (part[rows] for part in self._chunk[1])
        outputs = self.task(shown)
        hits = self.task.hits(outputs.detach(), target)
        return self.task.loss(outputs, target), hits, torch.ones_like(hits)


def answers(task: WarmupTask, shown: Tensor) -> Tensor:
    """Outputs of a trained task, on the CPU."""
    task.eval()
    device = next(task.parameters()).device
    with torch.inference_mode():
        return torch.cat([task(part.to(device)).cpu() for part in shown.split(HELD_OUT_BATCH)])


def train(task: WarmupTask, domain: Domain, recipe: WarmupRecipe, seed: int, on_progress: Progress) -> dict[str, Any]:
    """Train a task where it lies; returns the facts of its card.

    Raises:
        DivergedError: the loss, the gradient or a measure is not finite.
    """
    started = time.perf_counter()
    steps = recipe.images // recipe.batch_size
    order = batches(recipe.images, recipe.batch_size, 1, seed)
    history: History = fit(_Learner(task, domain, recipe, seed), recipe, order, steps, on_progress)
    _, shown, target = named_examples(task, domain, "val", seed, HELD_OUT)
    measured = {name: float(value) for name, value in task.assess(answers(task, shown), target).items()}
    for name, value in measured.items():
        if not math.isfinite(value):
            raise DivergedError(f"the warm-up ended with {name} = {value}")
    return {
        "quality": measured[task.measure.name],
        "measure": task.measure.name,
        "unit": task.measure.unit,
        "better": task.measure.better,
        "measured": measured,
        "seconds": time.perf_counter() - started,
        "images": history.examples,
        "curve": history.curve,
    }
