"""The plan of a sweep: every cell, and what is known of it before anything runs."""

from __future__ import annotations

import inspect
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from bench.backbones import BACKBONES, Backbone, backbone_class, create_backbone
from bench.domain import DOMAINS
from bench.errors import NotApplicableError, UsageError
from bench.fusion import FUSIONS, Fusion
from bench.model import IMAGE, build_fusion, feature_spec
from bench.spec import Spec, canonical, parse_spec
from bench.sweep.cell import Cell, build_domain
from bench.sweep.config import SweepConfig
from bench.sweep.evals import check_eval, eval_domains
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
    domains = [_with_options(name, config) for name in resolve(DOMAINS, config.domain)]
    check_eval(domains, config.eval)
    fusions = resolve(FUSIONS, config.fusion, given=("spec",))
    planned = []
    for backbone, domain in product(_backbones(config.backbone), domains):
        evals = [_with_options(name, config) for name in eval_domains(domain, config.eval)]
        reasons = {fusion: not_applicable(parse_spec(fusion), backbone, domain, config.protocol) for fusion in fusions}
        for seed, fusion in product(config.seed, fusions):
            if seed == config.seed[0] or _differs_by_seed(fusion):
                cell = _cell(config, fusion, backbone, domain, seed, evals)
                planned.append(_place(cell, reasons[fusion], latest, config.retry))
    return Plan(tuple(planned))


def resolve(registry: Registry[Any], patterns: Sequence[str], given: tuple[str, ...] = ()) -> list[str]:
    """Names with parameters for a list of names, globs, ``all``, ``name:param=value`` and ``name:value``, without
    repeats.

    Args:
        given: constructor parameters that the harness itself supplies.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        spec = parse_spec(pattern)
        for name in registry.match(spec.name):
            if name != spec.name and getattr(registry.get(name), "needs_files", False):
                continue
            found[str(canonical(Spec(name, spec.params), registry.get(name), given=given))] = None
    return list(found)


def not_applicable(fusion: Spec, backbone: str, domain: str, protocol: str) -> str:
    """Why a fusion cannot be combined with a backbone and a domain under a protocol; empty where it can.

    Raises:
        UsageError: an unknown parameter of the fusion.
    """
    data = build_domain(domain)
    if FUSIONS.get(fusion.name).sees not in data.offers:
        return f"{domain} offers no {FUSIONS.get(fusion.name).sees} of its images"
    try:
        built = build_fusion(fusion, feature_spec(backbone, data.image), len(data.classes))
    except NotApplicableError as error:
        return str(error)
    stages = len(feature_spec(backbone, data.image).stages)
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


def _with_options(domain: str, config: SweepConfig) -> str:
    """The domain with those options of the command line that are parameters of it."""
    spec = parse_spec(domain)
    accepted = inspect.signature(DOMAINS.get(spec.name)).parameters
    options = {"textures": config.textures or None, "size": config.size}
    given = {name: value for name, value in options.items() if value is not None and name in accepted}
    return str(Spec(spec.name, {**given, **spec.params}))


def _differs_by_seed(fusion: str) -> bool:
    """Whether anything of it is trained or drawn; an observer that knows the generator scores alike for all seeds."""
    return FUSIONS.get(parse_spec(fusion).name).sees != "likelihoods"


def _cell(config: SweepConfig, fusion: str, backbone: str, domain: str, seed: int, evals: Sequence[str]) -> Cell:
    sees = FUSIONS.get(parse_spec(fusion).name).sees
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
        eval_domains=(domain, *(name for name in evals if sees in build_domain(name).offers)),
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
