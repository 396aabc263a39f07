"""Loops that train the same network on the same pairs, each timed: that of this program and those of others.

- *ours*: the loop of a sweep; *ours, re-paired* pairs every encoded image eight times.
- *plain loop*: as a user would write it. The layers are as timm makes them, the backbone is called once for each image
  of a pair, tensors keep their default layout, AdamW is not fused, and the allocator is as the system has it.
- *best bare loop*: channels last, one call of the backbone for both images, fused AdamW, and nothing around it.
- *Lightning*: the best step in a ``Trainer(barebones=True)``; left out where ``lightning`` is not installed.
- *torch.compile* and *CUDA graph*, on a GPU: the best bare loop with the model compiled, and as one recorded step.

All train ``concat`` with batches of 64 pairs that already lie in memory as uint8, binary cross-entropy; all but the
plain loop clip the gradient as this program does. Set-up and the first steps are not timed, except that ours builds its
optimiser within the time.
"""

from __future__ import annotations

import importlib.util
import logging
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import zoo
from bench.backbones.depthwise import DepthwiseConv2d
from bench.domain import Pairs, build_domain
from bench.model import PairModel, build_model
from bench.spec import parse_spec
from bench.training.loop import batches, fit
from bench.training.pairs import PairLearner
from bench.training.recipe import Recipe

BATCH, LR, CLIP, FUSION = 64, 1e-3, 5.0, "concat"
FIRST_STEPS = 3
REPAIRED = 8
REPAIRED_WAY = "ours, re-paired"
# What the workers of a sweep are started with; see PoolExecutor.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**32)}

Step = Callable[[Tensor, Tensor, Tensor], None]


@dataclass(frozen=True)
class Setting:
    """What is trained, for how many timed steps a round."""

    backbone: str
    steps: int
    threads: int
    device: str

    def model(self) -> PairModel:
        zoo.load()
        return build_model(parse_spec(FUSION), self.backbone).to(self.device)

    def pairs(self) -> Pairs:
        torch.set_num_threads(self.threads)
        zoo.load()
        return build_domain("color").draw("train", 0, BATCH * (FIRST_STEPS + self.steps))

    def batches(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Images A and B, uint8 and contiguous, and labels as floats."""
        pairs = self.pairs()
        sides = pairs.a.pixels.contiguous(), pairs.b.pixels.contiguous(), pairs.label.float()
        return list(zip(*(side.to(self.device).split(BATCH) for side in sides), strict=True))

    def clock(self) -> float:
        """Seconds, when all that was handed to a GPU is done."""
        if self.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def ours(setting: Setting, pairs_per_image: int = 1) -> float:
    """Pairs as drawn per second of the loop of a sweep."""
    pairs = setting.pairs()
    classes = pairs.a.latents["class"], pairs.b.latents["class"]
    recipe = Recipe(train_pairs=len(pairs), batch_size=BATCH, lr=LR, clip_norm=CLIP, pairs_per_image=pairs_per_image)
    sides = pairs.a.pixels.to(setting.device), pairs.b.pixels.to(setting.device)
    learner = PairLearner(setting.model(), recipe, *sides, *classes)
    order = list(batches(len(pairs), BATCH, 1, seed=0))
    fit(learner, recipe, order[:FIRST_STEPS], FIRST_STEPS)
    started = setting.clock()
    fit(learner, recipe, order[FIRST_STEPS:], setting.steps)
    return setting.steps * BATCH / (setting.clock() - started)


def plain(setting: Setting) -> float:
    model = as_timm_makes_it(setting.model()).to(memory_format=torch.contiguous_format)
    return _timed(setting, model, plain_step(model))


def as_timm_makes_it(model: PairModel) -> PairModel:
    """Takes back what this program changes in the layers of a backbone."""
    for layer in model.modules():
        if isinstance(layer, DepthwiseConv2d):
            layer.__class__ = nn.Conv2d
        elif isinstance(layer, nn.Hardswish):
            layer.inplace = True
    return model


def plain_step(model: PairModel) -> Step:
    """One update as a user would write it."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR)
    criterion = nn.BCEWithLogitsLoss()
    assert model.backbone is not None
    encode = partial(model.backbone.read, reads="embedding")

    def step(a: Tensor, b: Tensor, label: Tensor) -> None:
        u, v = (encode((images.float() / 255 - 0.5) / 0.5) for images in (a, b))
        loss = criterion(model.head(model.fusion(u, v)).squeeze(1), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def best(setting: Setting) -> float:
    model = setting.model()
    return _timed(setting, model, best_step(model))


def best_step(model: PairModel) -> Step:
    """The same update as ours, by the shortest way: the model itself is channels last and makes one call."""
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=LR, fused=True)

    def step(a: Tensor, b: Tensor, label: Tensor) -> None:
        loss = F.binary_cross_entropy_with_logits(model(a, b), label)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()

    return step


def _timed(setting: Setting, model: PairModel, step: Step) -> float:
    model.train()
    examples = setting.batches()
    for batch in examples[:FIRST_STEPS]:
        step(*batch)
    started = setting.clock()
    for batch in examples[FIRST_STEPS:]:
        step(*batch)
    return setting.steps * BATCH / (setting.clock() - started)


@cache
def compiled_model(setting: Setting) -> PairModel:
    """Kept for all rounds: compiling takes a minute and is not what is measured."""
    return cast(PairModel, torch.compile(setting.model()))


def compiled(setting: Setting) -> float:
    model = compiled_model(setting)
    return _timed(setting, model, best_step(model))


def graph(setting: Setting) -> float:
    """The whole step is recorded once and replayed on the batches, which are copied to where it reads them."""
    model = setting.model().train()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=LR, fused=True, capturable=True)
    held = tuple(part.clone() for part in setting.batches()[0])

    def once() -> None:
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(model(held[0], held[1]), held[2]).backward()
        nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()

    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(FIRST_STEPS):
            once()
    torch.cuda.current_stream().wait_stream(beside)
    recorded = torch.cuda.CUDAGraph()
    optimizer.zero_grad()
    with torch.cuda.graph(recorded):
        once()

    def step(*batch: Tensor) -> None:
        for place, part in zip(held, batch, strict=True):
            place.copy_(part)
        recorded.replay()

    return _timed(setting, model, step)


def lightning(setting: Setting) -> float:
    """Timed from the first step after the warm-up ones to the end of training, so without the trainer's set-up."""
    import lightning
    from torch.utils.data import DataLoader

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = setting.model()
            self.started = self.finished = 0.0

        def training_step(self, batch: list[Tensor], number: int) -> Tensor:
            a, b, label = batch
            return F.binary_cross_entropy_with_logits(self.model(a, b), label)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), lr=LR, fused=True)

        def on_train_batch_start(self, batch: list[Tensor], number: int) -> None:
            if number == FIRST_STEPS:
                self.started = setting.clock()

        def on_train_end(self) -> None:
            self.finished = setting.clock()

    module, examples = Module(), setting.batches()
    trainer = lightning.Trainer(
        accelerator={"cuda": "gpu"}.get(setting.device, setting.device),
        devices=1,
        max_steps=len(examples),
        gradient_clip_val=CLIP,
        barebones=True,
    )
    trainer.fit(module, DataLoader(examples, batch_size=None))
    return setting.steps * BATCH / (module.finished - module.started)


def ways(device: str) -> dict[str, tuple[Callable[[Setting], float], dict[str, str]]]:
    """What is measured on a device, each with the environment of its process."""
    found: dict[str, tuple[Callable[[Setting], float], dict[str, str]]] = {
        "ours": (ours, ALLOCATOR),
        "plain loop": (plain, {}),
        "best bare loop": (best, ALLOCATOR),
        REPAIRED_WAY: (partial(ours, pairs_per_image=REPAIRED), ALLOCATOR),
    }
    if importlib.util.find_spec("lightning"):
        found["Lightning"] = lightning, ALLOCATOR
    else:
        print("Lightning is left out: it is not installed; pip install 'fusebench[benchmarks]'")
    if device == "cuda":
        found |= {"torch.compile": (compiled, {}), "CUDA graph": (graph, {})}
    return found
