"""The plan of a sweep: every cell, and what is known of it before anything runs."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench.backbones import BACKBONES, Backbone, backbone_class, create_backbone
from bench.domain import DOMAINS
from bench.errors import NotApplicableError, UsageError
from bench.fusion import FUSIONS, Fusion
from bench.model import IMAGE, build_fusion, feature_spec
from bench.spec import Spec, parse_spec
from bench.sweep.cell import Cell, build_domain
from bench.sweep.config import SweepConfig
from bench.sweep.records import DONE, Record
from bench.training.recipe import declared_recipe, declared_warmup_recipe
from bench.training.warmup import WARMUPS, is_cached
from bench.zoo import Registry

State = Literal["done", "failed", "to run", "not applicable"]


@dataclass(frozen=True)
class Planned:
    """A cell with its state; ``reason`` says why it is not applicable."""

    cell: Cell
    key: str
    state: State
    reason: str = ""


@dataclass(frozen=True)
class Plan:
    """All cells of a sweep in the order in which they run: those that share data lie together."""

    cells: tuple[Planned, ...]

    def having(self, state: State) -> list[Planned]:
        """The cells in one state."""
        return [planned for planned in self.cells if planned.state == state]

    def missing_warmups(self) -> list[Cell]:
        """One cell for each warm-up that has to be computed first."""
        needed: dict[str, Cell] = {}
        for planned in self.having("to run"):
            identity = planned.cell.warmup_identity()
            encoder = FUSIONS.get(parse_spec(planned.cell.fusion).name).encoder
            if planned.cell.computes_warmup and encoder == "trained" and not is_cached(identity or {}):
                needed.setdefault(repr(identity), planned.cell)
        return list(needed.values())

    def summary(self, minutes: float | None) -> str:
        """One line such as ``48 cells: 30 done, 2 failed, 16 to run, about 6 min``."""
        counts = Counter(planned.state for planned in self.cells)
        parts = [
            f"{counts[state]} {state}" for state in ("done", "failed", "not applicable", "to run") if counts[state]
        ]
        warmups = len(self.missing_warmups())
        if warmups:
            parts.append(f"{warmups} warm-up{'s' if warmups > 1 else ''} first")
        if minutes is not None:
            parts.append(f"about {max(1, round(minutes))} min")
        return f"{len(self.cells)} cells: {', '.join(parts)}"


def make_plan(config: SweepConfig, latest: Mapping[str, Record]) -> Plan:
    """Resolve names, check every combination, and compare with the records there are.

    Raises:
        UsageError: an unknown name, parameter, warm-up or recipe field.
    """
    check_warmup(config)
    domains = [_with_textures(name, config) for name in resolve(DOMAINS, config.domain)]
    evals = [_with_textures(name, config) for name in resolve(DOMAINS, config.eval)] if config.eval else []
    fusions = resolve(FUSIONS, config.fusion)
    planned = []
    for backbone in _backbones(config.backbone):
        reasons = {fusion: not_applicable(parse_spec(fusion), backbone, config.protocol) for fusion in fusions}
        for domain in domains:
            for seed in config.seed:
                for fusion in fusions:
                    cell = _cell(config, fusion, backbone, domain, seed, evals)
                    planned.append(_place(cell, reasons[fusion], latest, config.retry))
    return Plan(tuple(planned))


def resolve(registry: Registry[Any], patterns: Sequence[str]) -> list[str]:
    """Names with parameters for a list of names, globs, ``all`` and ``name:param=value``, without repeats."""
    found: dict[str, None] = {}
    for pattern in patterns:
        spec = parse_spec(pattern)
        for name in registry.match(spec.name):
            found[str(Spec(name, spec.params))] = None
    return list(found)


def not_applicable(fusion: Spec, backbone: str, protocol: str) -> str:
    """Why a fusion cannot be combined with a backbone under a protocol; empty where it can.

    Raises:
        UsageError: an unknown parameter of the fusion.
    """
    try:
        built = build_fusion(fusion, feature_spec(backbone, IMAGE))
    except NotApplicableError as error:
        return str(error)
    stages = len(feature_spec(backbone, IMAGE).stages)
    stage = getattr(built, "stage", 0)
    if built.needs == "stage" and not 0 <= stage < stages:
        return f"stage {stage}: {backbone} has stages 0 to {stages - 1}"
    if protocol == "frozen" and built.needs in ("pixels", "stage"):
        return f"the frozen protocol encodes each image by itself, and {fusion.name} joins {_joint(built)} before that"
    return ""


def _joint(fusion: Fusion) -> str:
    return "the images" if fusion.needs == "pixels" else "the maps inside the backbone"


def check_warmup(config: SweepConfig) -> None:
    """Raise ``UsageError`` where the warm-up is unknown, impossible or cannot be loaded."""
    if config.warmup not in WARMUPS:
        raise UsageError(f"unknown warm-up {config.warmup!r}; known: {', '.join(WARMUPS)}")
    if config.protocol == "frozen" and config.warmup == "none":
        raise UsageError("the frozen protocol trains no backbone: it needs a warm-up other than none")
    if config.warmup == "imagenet" and config.protocol != "scratch":
        for name in _backbones(config.backbone):
            create_backbone(name, IMAGE, pretrained=True)


def _backbones(patterns: Sequence[str]) -> list[str]:
    found: dict[str, type[Backbone]] = {}
    for pattern in patterns:
        names = [pattern] if pattern.startswith("timm:") else BACKBONES.match(pattern)
        found |= {name: backbone_class(name) for name in names}
    return list(found)


def _with_textures(domain: str, config: SweepConfig) -> str:
    spec = parse_spec(domain)
    if config.textures and spec.name == "texture":
        return str(Spec(spec.name, {**spec.params, "textures": config.textures}))
    return domain


def _cell(config: SweepConfig, fusion: str, backbone: str, domain: str, seed: int, evals: Sequence[str]) -> Cell:
    comparable = [
        name for name in evals if name != domain and build_domain(name).classes == build_domain(domain).classes
    ]
    return Cell(
        fusion=fusion,
        backbone=backbone,
        domain=domain,
        seed=seed,
        protocol=config.protocol,
        recipe=declared_recipe(backbone, config.protocol, config.recipe),
        warmup=config.warmup,
        warmup_seed=config.warmup_seed,
        warmup_recipe=declared_warmup_recipe(backbone, config.warmup_recipe),
        eval_domains=(domain, *comparable),
        test_pairs=config.test_pairs,
    )


def _place(cell: Cell, reason: str, latest: Mapping[str, Record], retry: Sequence[str]) -> Planned:
    key = cell.key()
    record = latest.get(key)
    if reason:
        return Planned(cell, key, "not applicable", reason)
    if record is None or record["status"] in retry:
        return Planned(cell, key, "to run")
    return Planned(cell, key, "done" if record["status"] in DONE else "failed")


def expected_minutes(plan: Plan, records: Sequence[Record], jobs: int) -> float | None:
    """How long the cells to run will take, from earlier cells of the same backbone and protocol; None where unknown."""
    seen: dict[tuple[str, str, int], list[float]] = {}
    for record in records:
        if record["status"] == "ok":
            kind = record["backbone"], record["protocol"], record["recipe"]["train_pairs"]
            seen.setdefault(kind, []).append(record["times"]["total"])
    total = 0.0
    for planned in plan.having("to run"):
        cell = planned.cell
        times = seen.get((cell.backbone, cell.protocol, cell.recipe.train_pairs))
        if not times:
            return None
        total += statistics.median(times)
    return total / max(1, jobs) / 60 if total else None
