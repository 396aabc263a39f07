"""The chosen recipes as files that ``bench run --config`` takes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Sequence
from pathlib import Path

import yaml

from bench.atomic import write_text_atomically
from bench.domain import DOMAINS
from bench.sweep.config import SweepConfig
from bench.tune.trials import Tuned

# What else decides what a cell measures; where and how it runs is for whoever runs it.
KEPT = ("protocol", "warmup", "warmup_seed", "warmup_recipe", "eval", "test_pairs", "domain_params", "include")
LONGEST_NAME = 150


def with_recipe(config: SweepConfig, one: Tuned) -> SweepConfig:
    """The configuration of a fusion under the recipe that was chosen for it."""
    assert one.best is not None
    domain, backbone, fusion = one.subject
    # Its size is part of its name already, and alone there is nothing to match it to.
    alone = {"fusion": (fusion,), "backbone": (backbone,), "domain": (domain,), "match_params": None}
    known = inspect.signature(DOMAINS.settle(domain).cls).parameters
    params = {name: value for name, value in config.domain_params.items() if name in known}
    recipe = {**config.recipe, **one.best.trial.point}
    return config.model_copy(update={**alone, "domain_params": params, "recipe": recipe})


def write_best(config: SweepConfig, tuned: Sequence[Tuned], metric: str, folder: Path) -> list[Path]:
    """Write one file per fusion that has a chosen recipe; returns their paths.

    Raises:
        StorageError: one cannot be written.
    """
    chosen = [one for one in tuned if one.best is not None]
    tables = {one.subject[:2] for one in chosen}
    files: list[Path] = []
    for one in chosen:
        parts = [one.subject.fusion, *([one.subject.backbone, one.subject.domain] if len(tables) > 1 else [])]
        files.append(folder / _file_name(" ".join(parts), {file.name for file in files}))
        write_text_atomically(files[-1], _text(config, one, metric))
    return files


def _text(config: SweepConfig, one: Tuned, metric: str) -> str:
    assert one.best is not None
    trial, first = one.best.trial, one.outcomes[0]
    said = f"trial {trial.number} of {len(one.outcomes)}, validation {metric} {one.best.value:.4f}"
    before = f"; default recipe {first.value:.4f}" if one.is_changed and first.status == "ok" else ""
    given = with_recipe(config, one).model_dump(mode="json", exclude_unset=True)
    content = {name: given[name] for name in ("fusion", "backbone", "domain", *KEPT, "recipe") if name in given}
    return f"# Chosen by bench tune: {said}{before}.\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True)}"


def _file_name(text: str, taken: Collection[str]) -> str:
    name = re.sub(r"[^a-z0-9_.]+", "-", text.lower())[:LONGEST_NAME].strip("-.")
    while f"{name}.yaml" in taken:
        name += "-2"
    return f"{name}.yaml"
