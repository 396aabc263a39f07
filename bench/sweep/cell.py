"""A cell: fusion x backbone x domain x repetition under one recipe, and the key that identifies it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from bench.backbones import Backbone, Weights
from bench.domain import Domain, Split, build_domain
from bench.fusion import Fusion
from bench.records.record import Repeats
from bench.registry import Choice
from bench.source import source_hash
from bench.sweep.replicates import anew, as_given, redealt
from bench.training.objectives import Objective
from bench.training.recipe import Protocol, Recipe
from bench.training.warmup import WarmupSpec

# Rises when the harness itself changes what the same cell would measure.
HARNESS = 1


@dataclass(frozen=True)
class Cell:
    """Everything that determines one training run and its evaluation. Small, and pickled as text.

    Attributes:
        repeats: what ``seed`` counts. Seeds share the warm-up and the pairs for validation and test; replicates have
            their own, and of a finite collection other images for training.
    """

    fusion: Choice[Fusion]
    backbone: Choice[Backbone]
    domain: Choice[Domain]
    seed: int
    protocol: Protocol
    recipe: Recipe
    warmup: WarmupSpec
    eval_domains: tuple[Choice[Domain], ...]
    test_pairs: int
    repeats: Repeats = "seed"

    def __str__(self) -> str:
        return f"{self.fusion} · {self.backbone} · {self.name_of(self.domain)} · {self.repeats} {self.seed}"

    def replicate(self, number: int) -> Cell:
        """Replicate ``number`` of this cell, whose warm-up and domains are those of the first."""
        return replace(
            self,
            seed=number,
            repeats="replicate",
            domain=redealt(self.domain, number),
            eval_domains=tuple(redealt(domain, number) for domain in self.eval_domains),
            warmup=anew(self.warmup, number),
        )

    def draws(self, split: Split) -> tuple[Split, int, int]:
        """Which pairs of a split it takes: the split, the seed of the draw, how many."""
        if split == "train":
            return split, self.seed, self.recipe.train_pairs
        seed = 0 if self.repeats == "seed" else self.seed
        return split, seed, self.recipe.val_pairs if split == "val" else self.test_pairs

    def name_of(self, domain: Choice[Domain]) -> str:
        """What all repetitions call one of its domains."""
        return str(domain if self.repeats == "seed" else as_given(domain, self.seed))

    def key(self) -> str:
        """Hash of an allow-list: what is not named here (device, workers, paths, verbosity) cannot change it."""
        return self.keys([self.seed])[self.seed]

    def keys(self, seeds: Iterable[int]) -> dict[int, str]:
        """The keys of this cell under several seeds; everything but the seed is looked up and written once."""
        before, after = _canonical({**self._identity(), "seed": None}).split('"seed": null')
        return {seed: _hash(f'{before}"seed": {seed}{after}') for seed in seeds}

    def _identity(self) -> dict[str, Any]:
        """What the key depends on, without the seed."""
        repeats = {} if self.repeats == "seed" else {"repeats": self.repeats}
        return {
            **repeats,
            "harness": HARNESS,
            "fusion": self.fusion.identity(),
            "backbone": self.backbone.identity(),
            "domain": self.domain.identity(),
            "eval": [domain.identity() for domain in self.eval_domains],
            "test_pairs": self.test_pairs,
            "protocol": self.protocol,
            "recipe": self.recipe.identity(),
            **self._objective_identity(),
            "warmup": self.start.identity() if self.start else None,
        }

    @property
    def start(self) -> WarmupSpec | None:
        """The warm-up that its backbone starts from; None where that is random weights."""
        return None if self.protocol == "scratch" or self.warmup.weights == "random" else self.warmup

    @property
    def computed_start(self) -> WarmupSpec | None:
        """The same where this program computes it; None also for weights that others trained."""
        return self.start if self.warmup.weights == "computed" else None

    @property
    def weights(self) -> Weights | None:
        """The weights that others trained and it starts from, if any."""
        return self.start.given if self.start else None

    def recipe_id(self) -> str:
        """Short hash of the recipes; tables keep different ones apart."""
        warmup = self.computed_start.recipe.identity() if self.computed_start else None
        return digest({"recipe": self.recipe.shared_identity(), "warmup": warmup})[:8]

    @property
    def trained_recipe(self) -> Recipe:
        """The recipe as it can be followed: where only pairs are labelled, nothing is known of an image of one beside
        an image of another."""
        if build_domain(self.domain).names_images:
            return self.recipe
        return self.recipe.model_copy(update={"pairs_per_image": 1})

    def _objective_identity(self) -> dict[str, Any]:
        """Hash of the source of every term of the objective that comes from a plug-in. The built-in ones are part of
        the harness, like the loop that trains with them."""
        terms = [one.term for one in Objective.parse(self.recipe.objective).terms]
        sources = {term.name: source_hash(term) for term in terms if not term.__module__.startswith("bench.")}
        return {"objective_sources": sources} if sources else {}


def digest(identity: Any) -> str:
    """SHA-256 of canonical JSON, as 16 hex digits."""
    return _hash(_canonical(identity))


def _canonical(identity: Any) -> str:
    return json.dumps(identity, sort_keys=True)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
