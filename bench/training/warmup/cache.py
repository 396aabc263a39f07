"""The cache of warm-ups: each is computed once and shared by all cells."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import torch

from bench.atomic import remove_stale, write_bytes_atomically
from bench.backbones import BACKBONES, Backbone, Weights
from bench.cache_folder import cache_folder
from bench.domain import DOMAINS, Domain, build_domain
from bench.kept import DamagedError, kept, writing
from bench.registry import Choice
from bench.training.loop import Progress
from bench.training.recipe import WarmupRecipe, declared_warmup_recipe
from bench.training.threads import one_thread
from bench.training.warmup import stored
from bench.training.warmup.contract import WARMUPS, Measure, Start, WarmupTask, given_weights
from bench.training.warmup.own import IMAGES, OWN, OwnImages
from bench.training.warmup.train import build_task, train

VERSION = 1


@dataclass(frozen=True)
class Warmup:
    """A warmed-up backbone: its weights on disk and how well it does what it was trained for.

    Attributes:
        path: file of the state dict of the backbone.
        quality: on held-out images of the warm-up task, in its own ``measure``.
        measured: all measures of the task by name.
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
        return self.path.with_suffix(stored.WEIGHTS["head"])


def on_stderr(line: str) -> None:
    """Say a line to whoever looks at the terminal."""
    print(line, file=sys.stderr)


@dataclass(frozen=True)
class WarmupSpec:
    """A warm-up by all that it depends on.

    Attributes:
        domain: whose images it shows.
        recipe, seed: how it is trained, where this program computes it.
    """

    task: Choice[Start]
    backbone: Choice[Backbone]
    domain: Choice[Domain]
    recipe: WarmupRecipe
    seed: int

    @classmethod
    def declared(
        cls, task: str, backbone: str, domain: str, recipe: Mapping[str, Any] = MappingProxyType({}), seed: int = 0
    ) -> WarmupSpec:
        """The warm-up of a backbone that trains on ``domain``: of the domain that this one is served by, or of its own
        images where the task says so, under the recipe that backbone and task declare.

        Args:
            recipe: fields that differ from it.

        Raises:
            UsageError: an unknown name, parameter or field.
        """
        settled, trained = WARMUPS.settle(task), BACKBONES.settle(backbone)
        own = settled.params.get(IMAGES) == OWN
        shown = DOMAINS.settle(domain if own else build_domain(domain).warmup_domain or domain)
        declared = declared_warmup_recipe(backbone, {**settled.cls.recipe, **recipe})
        return cls(settled, trained, shown, declared, seed)

    @property
    def weights(self) -> str:
        """Where the weights come from, as ``Start.weights`` says it."""
        return self.task.cls.weights

    @property
    def shown(self) -> Domain:
        """The domain whose named images are shown."""
        domain = build_domain(self.domain)
        return OwnImages(domain) if self.task.params.get(IMAGES) == OWN else domain

    @property
    def given(self) -> Weights | None:
        """The weights that others trained; None where there are none.

        Raises:
            UsageError: they are not there.
        """
        return given_weights(self.task, str(self.backbone))

    def identity(self) -> dict[str, Any]:
        """What its weights depend on."""
        if given := self.given:
            # By what they are, wherever they lie.
            return {"task": self.task.name, "backbone": self.backbone.identity(), **given.identity()}
        found = {**self.task.identity(), "backbone": self.backbone.identity()}
        if self.weights == "computed":
            found |= {"domain": self.domain.identity(), "recipe": self.recipe.identity(), "seed": self.seed}
        return found

    def key(self) -> str:
        """Its name in the cache: hash of everything it depends on."""
        text = json.dumps({**self.identity(), "version": VERSION}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def is_cached(self) -> bool:
        """Whether :meth:`ensure` would find it in the cache, whole."""
        try:
            return self._read() is not None
        except DamagedError:
            return False

    def files(self) -> list[Path]:
        """Its files in the cache, the card that vouches for them last; none unless it is there, whole."""
        return self._places(self._card()) if self.is_cached() else []

    def adopt(self, contents: Mapping[str, bytes], say: Callable[[str], None] = on_stderr) -> None:
        """Keep in the cache what :meth:`files` held on another machine, by name, unless it is there by now.

        Raises:
            DamagedError: it is not the whole of this warm-up.
            StorageError: it cannot be kept.
        """
        card = self._card()
        places = self._places(card)
        if {place.name for place in places} != contents.keys():
            raise DamagedError(f"holds {', '.join(sorted(contents)) or 'nothing'}")
        with writing(card, say), TemporaryDirectory(prefix="bench-") as folder:
            if self.is_cached():
                return
            for name, content in contents.items():
                write_bytes_atomically(Path(folder, name), content)
            stored.read(Path(folder, card.name), self.identity())
            for place in places:
                write_bytes_atomically(place, contents[place.name])

    def ensure(
        self,
        on_progress: Progress = lambda share, history: None,
        device: str = "cpu",
        say: Callable[[str], None] = on_stderr,
    ) -> Warmup:
        """Return it from the cache, computing it first on ``device`` if it is not there or damaged.

        Two processes that ask at once compute it once: the second waits. The card appears only when all is complete.

        Args:
            say: told in a line which file is damaged, or that another process is waited for.

        Raises:
            StorageError: it cannot be kept.
        """
        card = self._card()
        return kept(
            card, self._read, lambda: self._compute(card, on_progress, device), "the warm-up is computed again", say
        )

    def restore(self, warmup: Warmup) -> WarmupTask:
        """The task as it was trained: backbone and head."""
        restored = self._task()
        load_into(restored.backbone, warmup.path)
        restored.head.load_state_dict(torch.load(warmup.head, weights_only=True))
        return restored.eval()

    def _task(self, seed: int = 0) -> WarmupTask:
        return build_task(self.task, str(self.backbone), self.shown, seed)

    @staticmethod
    def _places(card: Path) -> list[Path]:
        """The files that belong to a card, and itself last."""
        return [*map(card.with_suffix, stored.WEIGHTS.values()), card]

    def _card(self) -> Path:
        return cache_folder() / "warmups" / f"{self.key()}.json"

    def _compute(self, card: Path, on_progress: Progress, device: str) -> Warmup:
        remove_stale(card.parent)
        # Weights depend on the number of threads, and whoever computes them first computes them for all.
        with one_thread():
            task = self._task(self.seed).to(device)
            facts = train(task, self.shown, self.recipe, self.seed, on_progress)
        task.cpu()
        parts = {"backbone": task.backbone, "head": task.head}
        with writing(card, on_stderr):
            return self._warmup(stored.write(card, self.identity(), facts, parts))

    def _read(self) -> Warmup | None:
        found = stored.read(self._card(), self.identity())
        return self._warmup(found) if found else None

    def _warmup(self, facts: stored.Card) -> Warmup:
        cls = self.task.cls
        assert issubclass(cls, WarmupTask)
        path = self._card().with_suffix(stored.WEIGHTS["backbone"])
        return Warmup(path, facts.quality, cls.measure, facts.seconds, facts.images, facts.measured)


def load_into(backbone: Backbone, path: Path) -> None:
    """Load the weights of a warm-up, adapted to more input channels and to larger images."""
    from bench.backbones.loading import load_state

    load_state(backbone, torch.load(path, weights_only=True), str(path))
