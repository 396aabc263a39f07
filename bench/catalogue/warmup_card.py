"""The card of a warm-up: what a backbone learns in it, how well one did, and pictures of what it answers."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.catalogue.inventory import REFERENCE_BACKBONE
from bench.catalogue.warmup_pictures import PICTURES
from bench.errors import UsageError
from bench.sweep.cell import Cell, build_domain
from bench.sweep.prepare import ensure_warmup
from bench.training.recipe import declared_recipe, declared_warmup_recipe
from bench.training.warmup import (
    WARMUPS,
    Warmup,
    WarmupTask,
    answers,
    canonical_name,
    is_cached,
    named_examples,
    restore,
    task_class,
    task_recipe,
)
from bench.training.warmup.train import GIVEN, HELD_OUT

DOMAIN = "color"


@dataclass(frozen=True)
class WarmedUp:
    """Which warm-up of a task is meant: what sweeps use unless told otherwise.

    Attributes:
        recipe: fields that differ from the declared warm-up recipe.
    """

    backbone: str = REFERENCE_BACKBONE
    domain: str = DOMAIN
    recipe: Mapping[str, Any] = field(default_factory=dict)


def warmup_card(name: str, subject: WarmedUp, out: Path | None = None) -> str:
    """The card. Where the task has pictures they are written to ``out``, by default to a file in the current folder,
    and the warm-up is computed first if it is not in the cache.

    Raises:
        UsageError: there is no such warm-up, backbone, domain or recipe field; ``out`` is given for a warm-up without
            pictures, or cannot be written.
    """
    name, cls = canonical_name(name), task_class(name)
    draws = cls is not None and cls.name in PICTURES
    if out is not None and not draws:
        raise UsageError(f"--out: the warm-up {name} has no pictures; those that have: {', '.join(PICTURES)}")
    lines = [name, "", inspect.cleandoc(WARMUPS.get(name.partition(":")[0]).__doc__ or "")]
    if cls is None:
        return "\n".join(lines)
    cell = _cell(name, subject)
    lines += ["", *_facts(cls)]
    if not draws and not is_cached(cell.warmup_identity() or {}):
        return "\n".join([*lines, f"quality     unknown: not yet computed for {subject.backbone} on {subject.domain}"])
    trained = _ensure(cell)
    lines.append(f"quality     {_quality(trained, subject)}")
    if draws:
        path = out or Path(re.sub(r"[^\w.+-]+", "-", f"{name}-{subject.domain}-{subject.backbone}").strip("-") + ".png")
        _draw(cell, trained, path)
        lines += ["", f"pictures written to {path}"]
    return "\n".join(lines)


def _cell(name: str, subject: WarmedUp) -> Cell:
    """A cell that starts from this warm-up; the fusion has no say in it."""
    recipe = declared_warmup_recipe(subject.backbone, {**task_recipe(name), **subject.recipe})
    trained_with = declared_recipe(subject.backbone, "finetune", {})
    return Cell("", subject.backbone, subject.domain, 0, "finetune", trained_with, name, 0, recipe, (), 0)


def _facts(cls: type[WarmupTask]) -> list[str]:
    measure = cls.measure
    facts = [f"measure     {measure.name} ({measure.unit}), {measure.better} is better"]
    if cls.needs:
        facts.append(f"needs       {', '.join(cls.needs)} of every image")
    if cls.recipe:
        facts.append(f"recipe      {', '.join(f'{key} = {value}' for key, value in cls.recipe.items())}")
    if cls.lr_factor != 1:
        facts.append(f"lr          {cls.lr_factor} times that of the recipe")
    options = [p for p in inspect.signature(cls).parameters.values() if p.name not in GIVEN]
    return facts + [f"option      {option.name} = {option.default!r}" for option in options]


def _ensure(cell: Cell) -> Warmup:
    if not is_cached(cell.warmup_identity() or {}):
        images = f"{cell.warmup_recipe.images:,} images"
        print(f"computing the warm-up {cell.warmup} of {cell.backbone} on {cell.domain}: {images}", file=sys.stderr)
    trained = ensure_warmup(cell)
    assert trained is not None
    return trained


def _quality(trained: Warmup, subject: WarmedUp) -> str:
    measured = ", ".join(f"{name} {value:.3f}" for name, value in trained.measured.items())
    cost = f"{trained.images:,} images, {trained.seconds:.0f} s"
    return f"{measured} on {HELD_OUT:,} held-out images: {subject.backbone} on {subject.domain}, {cost}"


def _draw(cell: Cell, trained: Warmup, out: Path) -> None:
    domain = build_domain(cell.warmup_domain)
    task = restore(trained, cell.warmup, cell.backbone, domain)
    _, shown, target = named_examples(task, domain, "val", cell.warmup_seed, HELD_OUT)
    title = f"warm-up {cell.warmup}: {cell.backbone} on {cell.domain}"
    picture = PICTURES[task.name](task, shown, answers(task, shown), target, title)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        picture.save(out, "PNG")
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror or error})") from None
