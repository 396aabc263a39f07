"""The cache of warm-ups: each is computed once and shared by all cells."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from bench.atomic import write_atomically
from bench.backbones import Backbone
from bench.domain import Domain
from bench.training.loop import Progress
from bench.training.recipe import WarmupRecipe
from bench.training.warmup.contract import Measure, WarmupTask
from bench.training.warmup.train import build_task, task_class, train

VERSION = 1


@dataclass(frozen=True)
class Warmup:
    """A warmed-up backbone: its weights on disk and how well it does what it was trained for.

    Attributes:
        path: file of the state dict of the backbone.
        quality: on held-out images of the warm-up task, in its own ``measure``.
        measured: all measures of the task by name, as far as the card has them.
        seconds: what it cost, once.
        images: images trained on.
    """

    path: Path
    quality: float
    measure: Measure
    seconds: float
    images: int
    measured: Mapping[str, float] = field(default_factory=dict)

    @property
    def head(self) -> Path:
        """File of the state dict of the head that the task trained on the backbone."""
        return self.path.with_suffix(".head.pt")


def cache_folder() -> Path:
    """Where warm-ups are kept: ``$FUSEBENCH_CACHE`` or ``~/.cache/fusebench``."""
    return Path(os.environ.get("FUSEBENCH_CACHE", Path.home() / ".cache" / "fusebench"))


def warmup_key(identity: Mapping[str, Any]) -> str:
    """Name of a warm-up in the cache: hash of everything it depends on."""
    text = json.dumps({**identity, "version": VERSION}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def ensure(
    identity: Mapping[str, Any],
    task: str,
    backbone: str,
    domain: Domain,
    recipe: WarmupRecipe,
    seed: int,
    on_progress: Progress = lambda share, history: None,
    device: str = "cpu",
) -> Warmup:
    """Return the warm-up from the cache, computing it first on ``device`` if it is not there.

    Two processes that ask at once compute it once: the second waits. The card appears only when all is complete.
    """
    folder = cache_folder() / "warmups"
    folder.mkdir(parents=True, exist_ok=True)
    key = warmup_key(identity)
    card = folder / f"{key}.json"
    with _locked(folder / f"{key}.lock"):
        if not card.exists():
            trained, facts = train(task, backbone, domain, recipe, seed, on_progress, device)
            _save(trained.backbone, folder / f"{key}.pt")
            _save(trained.head, folder / f"{key}.head.pt")
            text = json.dumps({**identity, **facts}, indent=2)
            write_atomically(card, lambda path: path.write_text(text))
    return _read(card, task)


def _read(card: Path, task: str) -> Warmup:
    facts, cls = json.loads(card.read_text()), task_class(task)
    assert cls is not None
    quality = facts["quality"]
    # Cards of the first release name no measure: it was accuracy, as it still is for that task.
    measured = facts.get("measured", {cls.measure.name: quality})
    return Warmup(card.with_suffix(".pt"), quality, cls.measure, facts["seconds"], facts["images"], measured)


def is_cached(identity: Mapping[str, Any]) -> bool:
    """Whether :func:`ensure` would find this warm-up in the cache."""
    return (cache_folder() / "warmups" / f"{warmup_key(identity)}.json").exists()


def load_into(backbone: Backbone, path: Path) -> None:
    """Load the weights of a warm-up. A stem with more input channels gets them repeated and rescaled, and the position
    table (1, L, D) of a larger image is interpolated."""
    from timm.layers.pos_embed import resample_abs_pos_embed
    from timm.models import adapt_input_conv

    state = torch.load(path, weights_only=True)
    own = backbone.state_dict()
    for name, value in own.items():
        if state[name].ndim == 4 and state[name].shape[1] != value.shape[1]:
            state[name] = adapt_input_conv(value.shape[1], state[name])
        elif state[name].ndim == 3 and state[name].shape[1] != value.shape[1]:
            grid = backbone.spec.stages[0]
            state[name] = resample_abs_pos_embed(state[name], [grid.height, grid.width], num_prefix_tokens=0)
    backbone.load_state_dict({name: state[name] for name in own})


def restore(warmup: Warmup, task: str, backbone: str, domain: Domain) -> WarmupTask:
    """The task as it was trained: backbone and head."""
    restored = build_task(task, backbone, domain)
    load_into(restored.backbone, warmup.path)
    restored.head.load_state_dict(torch.load(warmup.head, weights_only=True))
    return restored.eval()


def _save(module: torch.nn.Module, path: Path) -> None:
    write_atomically(path, lambda temporary: torch.save(module.state_dict(), temporary))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
