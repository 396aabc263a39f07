"""The card of a warm-up: what a backbone learns in it, how well one did, and pictures of what it answers."""

from __future__ import annotations

import inspect
import io
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.atomic import write_bytes_atomically
from bench.catalogue.warmup_pictures import PICTURES, distinct
from bench.domain import DOMAINS
from bench.errors import UsageError
from bench.training.warmup import WARMUPS, Warmup, WarmupSpec, WarmupTask, answers, named_examples
from bench.training.warmup.own import BANK, IMAGES, OWN
from bench.training.warmup.train import HELD_OUT

REFERENCE_BACKBONE, DOMAIN = "mobilenetv3_small_32", "color"


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
    task = WARMUPS.settle(name)
    cls, draws = task.cls, task.name in PICTURES
    if out is not None and not draws:
        raise UsageError(f"--out: the warm-up {task} has no pictures; those that have: {', '.join(PICTURES)}")
    lines = [str(task), "", inspect.cleandoc(cls.__doc__ or "")]
    if not issubclass(cls, WarmupTask):
        return "\n".join(lines)
    spec = WarmupSpec.declared(name, subject.backbone, subject.domain, subject.recipe)
    lines += ["", *_facts(cls)]
    lines.append(f"shows       {_shown(spec)}: {', '.join(spec.shown.warmup_classes)}")
    if str(spec.domain) != str(DOMAINS.settle(subject.domain)):
        lines.append(f"serves      {subject.domain}, whose cells start from the warm-up on {spec.domain}")
    if not draws and not spec.is_cached():
        return "\n".join([*lines, f"quality     unknown: not yet computed for {spec.backbone} on {spec.domain}"])
    trained = _ensure(spec)
    lines.append(f"quality     {_quality(trained, spec)}")
    if draws:
        path = out or Path(re.sub(r"[^\w.+-]+", "-", f"{task}-{spec.domain}-{spec.backbone}").strip("-") + ".png")
        _draw(spec, trained, path)
        lines += ["", f"pictures written to {path}"]
    return "\n".join(lines)


def _facts(cls: type[WarmupTask]) -> list[str]:
    measure = cls.measure
    facts = [f"measure     {measure.name} ({measure.unit}), {measure.better} is better"]
    if cls.needs:
        facts.append(f"needs       {', '.join(cls.needs)} of every image")
    if cls.recipe:
        facts.append(f"recipe      {', '.join(f'{key} = {value}' for key, value in cls.recipe.items())}")
    if cls.lr_factor != 1:
        facts.append(f"lr          {cls.lr_factor} times that of the recipe")
    options = [p for p in inspect.signature(cls).parameters.values() if p.name not in WARMUPS.given]
    facts += [f"option      {option.name} = {option.default!r}" for option in options]
    return [*facts, f"option      {IMAGES} = {BANK!r}, or {OWN!r} for training images of the domain itself"]


def _shown(spec: WarmupSpec) -> str:
    """Which images, in words."""
    return f"{spec.domain} itself" if spec.task.params.get(IMAGES) == OWN else f"the bank of {spec.domain}"


def _ensure(spec: WarmupSpec) -> Warmup:
    if not spec.is_cached():
        images = f"{spec.recipe.images:,} images"
        print(f"computing the warm-up {spec.task} of {spec.backbone} on {spec.domain}: {images}", file=sys.stderr)
    return spec.ensure()


def _quality(trained: Warmup, spec: WarmupSpec) -> str:
    measured = ", ".join(f"{name} {value:.3f}" for name, value in trained.measured.items())
    cost = f"{trained.images:,} images, {trained.seconds:.0f} s"
    return f"{measured} on {HELD_OUT:,} held-out images: {spec.backbone} on {spec.domain}, {cost}"


def _draw(spec: WarmupSpec, trained: Warmup, out: Path) -> None:
    task = spec.restore(trained)
    _, shown, target = named_examples(task, spec.shown, "val", spec.seed, HELD_OUT)
    once = distinct(shown)
    shown, target = shown[once], target[once]
    title = f"warm-up {spec.task}: {spec.backbone} on {_shown(spec)}"
    picture = PICTURES[task.name](task, shown, answers(task, shown), target, title)
    content = io.BytesIO()
    picture.save(content, "PNG")
    write_bytes_atomically(out, content.getvalue())
