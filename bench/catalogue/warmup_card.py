"""The card of a warm-up: what a backbone learns in it, how well one did, and pictures of what it answers."""

from __future__ import annotations

import inspect
import io
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from torch import Tensor

from bench.atomic import write_bytes_atomically
from bench.catalogue.warmup_pictures import PICTURES, distinct
from bench.domain import DOMAINS, Domain, build_domain
from bench.errors import UsageError, explain
from bench.spec import parse_spec
from bench.sweep.config import option_of
from bench.sweep.config_file import named, read_config
from bench.sweep.config_values import Settings
from bench.training.warmup import WARMUPS, Warmup, WarmupSpec, WarmupTask, answers, build_task, named_examples
from bench.training.warmup.own import BANK, IMAGES, OWN
from bench.training.warmup.train import HELD_OUT

REFERENCE_BACKBONE, DOMAIN = "mobilenetv3_small_32", "color"
RECIPE = "warmup_recipe"


class WarmedUp(Settings):
    """Which warm-up of a task is meant: what sweeps use unless told otherwise.

    Attributes:
        warmup_recipe: fields that differ from the declared warm-up recipe.
        on: another domain, whose named images it is tested on as well and its pictures are of.
    """

    backbone: str = REFERENCE_BACKBONE
    domain: str = DOMAIN
    warmup_recipe: dict[str, Any] = Field({})
    on: str | None = None


def load_warmed_up(given: Mapping[str, Any], file: Path | None = None) -> WarmedUp:
    """What was *given* over a file over the defaults; recipes are laid over each other field by field.

    Raises:
        UsageError: the file cannot be read, a key is unknown, or a value is of another type.
    """
    content = {} if file is None else read_config(file)
    recipes = [one[RECIPE] for one in (content, given) if RECIPE in one]
    told = {**content, **given}
    if all(isinstance(one, Mapping) for one in recipes):
        told[RECIPE] = {field: value for one in recipes for field, value in one.items()}
    try:
        return WarmedUp(**told)
    except ValidationError as error:
        where = "" if file is None else named(file)
        raise UsageError(explain(error, WarmedUp, lambda key: option_of(key) if key in given else where)) from None


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
    spec = WarmupSpec.declared(name, subject.backbone, subject.domain, subject.warmup_recipe)
    elsewhere = None if subject.on is None else elsewhere_of(spec, subject.on)
    lines += ["", *_facts(cls)]
    lines.append(f"shows       {_shown(spec)}: {', '.join(spec.shown.warmup_classes)}")
    if str(spec.domain) != str(DOMAINS.settle(subject.domain)):
        lines.append(f"serves      {subject.domain}, whose cells start from the warm-up on {spec.domain}")
    if not draws and not spec.is_cached() and elsewhere is None:
        return "\n".join([*lines, f"quality     unknown: not yet computed for {spec.backbone} on {spec.domain}"])
    trained = ensured(spec)
    lines.append(f"quality     {_quality(trained, spec)}")
    if elsewhere is None and not draws:
        return "\n".join(lines)
    tested = Answers.of(spec, trained, elsewhere)
    if elsewhere is not None:
        lines.append(f"elsewhere   {tested.quality}")
    if draws:
        path = out or picture_file(spec, subject.on)
        tested.draw(path)
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


def picture_file(spec: WarmupSpec, on: str | None, kind: str = "") -> Path:
    """What a picture of a warm-up is called where nobody says it."""
    name = f"{spec.task}-{spec.domain}-{spec.backbone}{'' if on is None else f'-on-{on}'}{kind}"
    return Path(re.sub(r"[^\w.+-]+", "-", name).strip("-") + ".png")


def ensured(spec: WarmupSpec, under: str = "") -> Warmup:
    """The warm-up; where it is computed first, stderr says so, and ``under`` which recipe."""
    if not spec.is_cached():
        images = f"{spec.recipe.images:,} images{under and f', {under}'}"
        print(f"computing the warm-up {spec.task} of {spec.backbone} on {spec.domain}: {images}", file=sys.stderr)
    return spec.ensure()


def elsewhere_of(spec: WarmupSpec, on: str) -> Domain:
    """Another domain to test a warm-up on.

    Raises:
        UsageError: there is none of this name, or its named images are not what the task asks for.
    """
    domain = build_domain(DOMAINS.settle(on))
    if domain.warmup_domain and parse_spec(domain.warmup_domain).name != domain.name:
        raise UsageError(f"--on {on}: it has no named images of its own; those of {domain.warmup_domain} serve it")
    task = build_task(spec.task, str(spec.backbone), domain)
    if task.by_name and domain.warmup_classes != spec.shown.warmup_classes:
        raise UsageError(f"--on {on}: its images have other names than those that {spec.task} learns")
    return domain


def _quality(trained: Warmup, spec: WarmupSpec) -> str:
    measured = ", ".join(f"{name} {value:.3f}" for name, value in trained.measured.items())
    cost = f"{trained.images:,} images, {trained.seconds:.0f} s"
    return f"{measured} on {HELD_OUT:,} held-out images: {spec.backbone} on {spec.domain}, {cost}"


@dataclass(frozen=True)
class Answers:
    """What a trained task answers on held-out images: (N, ...) what is shown, its outputs and the target."""

    spec: WarmupSpec
    task: WarmupTask
    where: str
    shown: Tensor
    outputs: Tensor
    target: Tensor

    @classmethod
    def of(cls, spec: WarmupSpec, trained: Warmup, elsewhere: Domain | None) -> Answers:
        """On the images of the warm-up, or on the named ones of another domain."""
        task = spec.restore(trained)
        _, shown, target = named_examples(task, elsewhere or spec.shown, "val", spec.seed, HELD_OUT)
        where = _shown(spec) if elsewhere is None else f"the bank of {elsewhere.name}"
        return cls(spec, task, where, shown, answers(task, shown), target)

    @property
    def measured(self) -> Mapping[str, float]:
        """All measures of the task by name."""
        return self.task.assess(self.outputs, self.target)

    @property
    def quality(self) -> str:
        """All measures, in words."""
        measured = ", ".join(f"{name} {value:.3f}" for name, value in self.measured.items())
        return f"{measured} on {len(self.shown):,} images of {self.where}, on which it was not trained"

    def draw(self, out: Path) -> None:
        """Write the pictures of the task."""
        once = distinct(self.shown)
        parts = self.shown[once], self.outputs[once], self.target[once]
        title = f"warm-up {self.spec.task}: {self.spec.backbone} on {self.where}"
        content = io.BytesIO()
        PICTURES[self.task.name](self.task, *parts, title).save(content, "PNG")
        write_bytes_atomically(out, content.getvalue())
