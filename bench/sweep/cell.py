"""A cell: fusion x backbone x domain x seed under one recipe, and the key that identifies it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bench.backbones import backbone_class
from bench.domain import DOMAINS, Domain
from bench.fusion import FUSIONS
from bench.source import source_hash
from bench.spec import canonical, check_params, parse_spec
from bench.training.objectives import Objective
from bench.training.recipe import Protocol, Recipe, WarmupRecipe
from bench.training.warmup import WARMUPS

# Rises when the harness itself changes what the same cell would measure.
HARNESS = 1


@dataclass(frozen=True)
class Cell:
    """Everything that determines one training run and its evaluation. Small and picklable."""

    fusion: str
    backbone: str
    domain: str
    seed: int
    protocol: Protocol
    recipe: Recipe
    warmup: str
    warmup_seed: int
    warmup_recipe: WarmupRecipe
    eval_domains: tuple[str, ...]
    test_pairs: int

    def __str__(self) -> str:
        return f"{self.fusion} · {self.backbone} · {self.domain} · seed {self.seed}"

    def key(self) -> str:
        """Hash of an allow-list: what is not named here (device, workers, paths, verbosity) cannot change it."""
        return self.keys([self.seed])[self.seed]

    def keys(self, seeds: Iterable[int]) -> dict[int, str]:
        """The keys of this cell under several seeds; everything but the seed is looked up and written once."""
        before, after = _canonical({**self._identity(), "seed": None}).split('"seed": null')
        return {seed: _hash(f'{before}"seed": {seed}{after}') for seed in seeds}

    def _identity(self) -> dict[str, Any]:
        """What the key depends on, without the seed."""
        fusion = parse_spec(self.fusion)
        return {
            "harness": HARNESS,
            "fusion": {
                "name": fusion.name,
                "params": dict(fusion.params),
                "source": source_hash(FUSIONS.get(fusion.name)),
            },
            "backbone": backbone_identity(self.backbone),
            "domain": domain_identity(self.domain),
            "eval": [domain_identity(name) for name in self.eval_domains],
            "test_pairs": self.test_pairs,
            "protocol": self.protocol,
            "recipe": self.recipe.identity(),
            **self._objective_identity(),
            "warmup": self.warmup_identity(),
        }

    def warmup_identity(self) -> dict[str, Any] | None:
        """What the warm-up of this cell depends on, or None where it starts from random weights."""
        if self.warmup == "none" or self.protocol == "scratch":
            return None
        backbone = backbone_identity(self.backbone)
        task = warmup_task_identity(self.warmup)
        if self.pretrained:
            return {**task, "backbone": backbone}
        return {
            **task,
            "backbone": backbone,
            "domain": domain_identity(self.warmup_domain),
            "recipe": self.warmup_recipe.model_dump(),
            "seed": self.warmup_seed,
        }

    @property
    def warmup_domain(self) -> str:
        """The domain whose named images the backbone is warmed up on."""
        return build_domain(self.domain).warmup_domain or self.domain

    @property
    def pretrained(self) -> bool:
        """Whether the backbone starts from weights that others trained."""
        return self.warmup == "imagenet" and self.protocol != "scratch"

    @property
    def computes_warmup(self) -> bool:
        """Whether the backbone starts from a warm-up of this program's own."""
        return self.warmup_identity() is not None and not self.pretrained

    def recipe_id(self) -> str:
        """Short hash of the recipes; tables keep different ones apart."""
        warmup = self.warmup_recipe.model_dump() if self.computes_warmup else None
        return digest({"recipe": self.recipe.identity(), "warmup": warmup})[:8]

    def _objective_identity(self) -> dict[str, Any]:
        """Hash of the source of every term of the objective that comes from a plug-in. The built-in ones are part of
        the harness, like the loop that trains with them."""
        terms = [one.term for one in Objective.parse(self.recipe.objective).terms]
        sources = {term.name: source_hash(term) for term in terms if not term.__module__.startswith("bench.")}
        return {"objective_sources": sources} if sources else {}


@cache
def build_domain(text: str) -> Domain:
    """The domain of a name with parameters; an unknown name or parameter raises ``UsageError``."""
    name = parse_spec(text).name
    cls = DOMAINS.get(name)
    spec = canonical(parse_spec(text), cls)
    return cls(**check_params(cls, spec.params, where=f"domain {text}"))


def backbone_identity(name: str) -> dict[str, str]:
    """What identifies a backbone in a key: its name and the hash of its source."""
    return {"name": name, "source": source_hash(backbone_class(name))}


def warmup_task_identity(text: str) -> dict[str, str]:
    """What identifies a warm-up task in a key: its name with parameters and, for a plug-in, the hash of its source. The
    built-in ones are part of the harness, like the loop that trains them."""
    cls = WARMUPS.get(parse_spec(text).name)
    built_in = cls.__module__.startswith("bench.")
    return {"task": text} if built_in else {"task": text, "task_source": source_hash(cls)}


@cache
def domain_identity(text: str) -> Mapping[str, Any]:
    """What identifies a domain in a key: name, version, source and parameters, with the content of a user's files in
    place of their path."""
    domain = build_domain(text)
    spec = canonical(parse_spec(text), type(domain))
    params = {key: value for key, value in spec.params.items() if key not in domain.content}
    return {
        "name": spec.name,
        "version": domain.version,
        "source": source_hash(type(domain)),
        "params": params,
        "content": dict(domain.content),
    }


def digest(identity: Any) -> str:
    """SHA-256 of canonical JSON, as 16 hex digits."""
    return _hash(_canonical(identity))


def _canonical(identity: Any) -> str:
    return json.dumps(identity, sort_keys=True)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
