"""Warm-ups: pretraining of a backbone that is computed once and shared by all cells."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from timm.models import adapt_input_conv
from torch import Tensor, nn
from torch.nn import functional as F

from bench.backbones import Backbone, create_backbone
from bench.domain import Domain, Images
from bench.fusion import MapShape
from bench.model import standardise
from bench.training.loop import History, Progress, batches, decay_groups, fit
from bench.training.recipe import WarmupRecipe

WARMUPS = {
    "names": "name the shapes of a bank that excludes the task's shapes (default)",
    "none": "no warm-up: random initialisation",
    "imagenet": "timm's ImageNet weights, where the backbone has them and they lie in the local cache",
}
VERSION = 1
HELD_OUT = 2_000
CHUNK = 5_120


@dataclass(frozen=True)
class Warmup:
    """A warmed-up backbone: its weights on disk and how well it does what it was trained for.

    Attributes:
        path: file of the state dict.
        quality: accuracy on held-out images of the warm-up task.
        seconds: what it cost, once.
        images: images trained on.
    """

    path: Path
    quality: float
    seconds: float
    images: int


def cache_folder() -> Path:
    """Where warm-ups are kept: ``$FUSEBENCH_CACHE`` or ``~/.cache/fusebench``."""
    return Path(os.environ.get("FUSEBENCH_CACHE", Path.home() / ".cache" / "fusebench"))


def warmup_key(identity: Mapping[str, Any]) -> str:
    """Name of a warm-up in the cache: hash of everything it depends on."""
    text = json.dumps({**identity, "version": VERSION}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def ensure(
    identity: Mapping[str, Any], backbone: str, domain: Domain, recipe: WarmupRecipe, seed: int, on_progress: Progress
) -> Warmup:
    """Return the warm-up from the cache, computing it first if it is not there.

    Two processes that ask at once compute it once: the second waits. The file appears only when it is complete.
    """
    folder = cache_folder() / "warmups"
    folder.mkdir(parents=True, exist_ok=True)
    key = warmup_key(identity)
    weights, card = folder / f"{key}.pt", folder / f"{key}.json"
    with _locked(folder / f"{key}.lock"):
        if not card.exists():
            trained, facts = _train(backbone, domain, recipe, seed, on_progress)
            _write_atomically(weights, lambda path: torch.save(trained.state_dict(), path))
            text = json.dumps({**identity, **facts}, indent=2)
            _write_atomically(card, lambda path: path.write_text(text))
    facts = json.loads(card.read_text())
    return Warmup(weights, facts["quality"], facts["seconds"], facts["images"])


def is_cached(identity: Mapping[str, Any]) -> bool:
    """Whether :func:`ensure` would find this warm-up in the cache."""
    return (cache_folder() / "warmups" / f"{warmup_key(identity)}.json").exists()


def load_into(backbone: Backbone, path: Path) -> None:
    """Load the weights of a warm-up. A stem with more input channels gets them repeated and rescaled."""
    state = torch.load(path, weights_only=True)
    own = backbone.state_dict()
    for name, value in own.items():
        if state[name].ndim == 4 and state[name].shape[1] != value.shape[1]:
            state[name] = adapt_input_conv(value.shape[1], state[name])
    backbone.load_state_dict({name: state[name] for name in own})


class _Namer:
    """Learner of the ``names`` task: which of the bank's shapes does the image show?"""

    def __init__(self, backbone: Backbone, domain: Domain, recipe: WarmupRecipe, seed: int) -> None:
        self.backbone, self.domain, self.recipe, self.seed = backbone, domain, recipe, seed
        self.name = nn.Linear(backbone.spec.dim, len(domain.warmup_classes))
        self.module: nn.Module = nn.ModuleList([backbone, self.name])
        self.module.to(memory_format=torch.channels_last)
        self.examples = recipe.images
        self._chunk: tuple[int, Images] | None = None

    def parameter_groups(self) -> list[dict[str, object]]:
        return decay_groups(self.module.parameters(), 1.0, self.recipe.weight_decay)

    def logits(self, images: Tensor) -> Tensor:
        return self.name(self.backbone.read(standardise(images), "embedding"))

    def batch_loss(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # A whole number of batches, so that no batch lies across two chunks.
        size = max(1, CHUNK // self.recipe.batch_size) * self.recipe.batch_size
        number, offset = divmod(int(index[0]), size)
        if self._chunk is None or self._chunk[0] != number:
            start = number * size
            easy = start < self.recipe.easy_share * self.recipe.images
            self._chunk = number, self.domain.draw_named("warmup", self.seed, size, start, easy)
        images = self._chunk[1]
        rows = slice(offset, offset + len(index))
        target = images.latents["class"][rows]
        logits = self.logits(images.pixels[rows])
        return F.cross_entropy(logits, target), logits.argmax(1), target


def _train(
    backbone: str, domain: Domain, recipe: WarmupRecipe, seed: int, on_progress: Progress
) -> tuple[Backbone, dict[str, Any]]:
    started = time.perf_counter()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        first = domain.draw_named("warmup", seed, 1).pixels
        learner = _Namer(create_backbone(backbone, MapShape(*first.shape[1:])), domain, recipe, seed)
    steps = recipe.images // recipe.batch_size
    history: History = fit(learner, recipe, batches(recipe.images, recipe.batch_size, 1, seed), steps, on_progress)
    held_out = domain.draw_named("val", seed, HELD_OUT)
    learner.module.eval()
    with torch.inference_mode():
        hits = [
            learner.logits(pixels).argmax(1) == target
            for pixels, target in zip(held_out.pixels.split(256), held_out.latents["class"].split(256), strict=True)
        ]
    facts = {
        "quality": float(torch.cat(hits).float().mean()),
        "seconds": time.perf_counter() - started,
        "images": history.examples,
        "curve": history.curve,
    }
    return learner.backbone, facts


def _write_atomically(path: Path, write: Any) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem)
    os.close(handle)
    try:
        write(Path(temporary))
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
