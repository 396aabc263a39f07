"""The plan of a sweep: every cell, and what is known of it before anything runs."""

from __future__ import annotations

import inspect
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any, Literal

from bench.backbones import BACKBONES, Backbone, backbone_class, create_backbone
from bench.cost.matching import Matching, Sized, match_parameters
from bench.domain import DOMAINS
from bench.errors import NotApplicableError, UsageError
from bench.fusion import FUSIONS, Fusion
from bench.model import IMAGE, build_fusion, feature_spec
from bench.records.record import DONE, Attempt
from bench.registry import Registry
from bench.spec import Spec, canonical, parse_spec
from bench.sweep.cell import Cell, build_domain
from bench.sweep.config import SweepConfig
from bench.sweep.eval_domains import check_eval, eval_domains
from bench.training.applicable import why_not_auxiliary, why_not_objective
from bench.training.auxiliary import auxiliary_weights, missing_latents
from bench.training.objectives import Objective
from bench.training.recipe import Protocol, Recipe, declared_recipe, declared_warmup_recipe
from bench.training.warmup import build_task, canonical_name, is_cached, task_class, task_recipe

State = Literal["done", "failed", "to run", "not applicable"]


@dataclass(frozen=True)
class Planned:
    """A cell with its state; ``reason`` says why it is not applicable, ``sized`` how it was matched in parameters."""

    cell: Cell
    key: str
    state: State
    reason: str = ""
    sized: Sized | None = None


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

    def unmatched(self) -> list[str]:
        """One line per backbone and fusion whose parameters could not be matched, with the reason."""
        missed = {(planned.cell.backbone, planned.sized): None for planned in self.cells if planned.sized}
        return [
            f"{sized.fusion} · {backbone}: {sized.parameters:,} parameters, not {sized.budget:,}: {sized.problem}"
            for backbone, sized in missed
            if sized.problem
        ]

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


def make_plan(config: SweepConfig, latest: Mapping[str, Attempt]) -> Plan:
    """Resolve names, check every combination, and compare with the records there are.

    Raises:
        UsageError: an unknown name, parameter, warm-up or recipe field.
    """
    domains = [_with_options(name, config) for name in resolve(DOMAINS, config.domain)]
    check_warmup(config, domains)
    check_eval(domains, config.eval)
    fusions = resolve(FUSIONS, config.fusion, given=("spec",))
    planned = []
    for backbone, domain in product(resolve_backbones(config.backbone), domains):
        evals = [_with_options(name, config) for name in eval_domains(domain, config.eval)]
        recipe = declared_recipe(backbone, config.protocol, config.recipe)
        sizes = _sizes(config, fusions, backbone, domain)
        chosen = dict.fromkeys(sizes[fusion].fusion if fusion in sizes else fusion for fusion in fusions)
        sized = {size.fusion: size for size in sizes.values()}
        reasons = {
            fusion: not_applicable(parse_spec(fusion), backbone, domain, config.protocol, recipe) for fusion in chosen
        }
        cells = {fusion: _cell(config, fusion, backbone, domain, evals) for fusion in chosen}
        keys = {
            fusion: cell.keys(config.seed if _differs_by_seed(fusion) else config.seed[:1])
            for fusion, cell in cells.items()
        }
        for seed, fusion in product(config.seed, chosen):
            if seed in keys[fusion]:
                cell, key = replace(cells[fusion], seed=seed), keys[fusion][seed]
                planned.append(_place(cell, key, reasons[fusion], latest, config.retry, sized.get(fusion)))
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


def not_applicable(fusion: Spec, backbone: str, domain: str, protocol: Protocol, recipe: Recipe) -> str:
    """Why a fusion cannot be combined with a backbone and a domain under a protocol and a recipe; empty where it can.

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
    except UsageError:
        raise
    except Exception:
        return ""  # a plug-in that cannot be built is a failed cell with its traceback, and not the end of the sweep
    if protocol == "frozen" and built.needs in ("pixels", "stage", "exchange"):
        return f"the frozen protocol encodes each image by itself, and {fusion.name} joins {_joint(built)} before that"
    if protocol == "frozen" and built.towers == 2:
        return f"the frozen protocol trains no tower, and the two of {fusion.name} start alike: they would be one"
    weights = auxiliary_weights(built, recipe.auxiliary)
    return (
        why_not_objective(built, Objective.parse(recipe.objective), protocol)
        or why_not_auxiliary(built, weights)
        or missing_latents(weights, _latents(domain) if weights else ())
    )


@cache
def _latents(domain: str) -> frozenset[str]:
    """What a domain records of each image."""
    return frozenset(build_domain(domain).draw("val", 0, 2).a.latents)


def _joint(fusion: Fusion) -> str:
    return "the images" if fusion.needs == "pixels" else "the maps inside the backbone"


def check_warmup(config: SweepConfig, domains: Sequence[str]) -> None:
    """Raise ``UsageError`` where the warm-up is unknown, impossible on one of the domains or cannot be loaded."""
    canonical_name(config.warmup)
    if config.protocol == "frozen" and config.warmup == "none":
        raise UsageError("the frozen protocol trains no backbone: it needs a warm-up other than none")
    if config.warmup == "imagenet" and config.protocol != "scratch":
        for name in resolve_backbones(config.backbone):
            create_backbone(name, IMAGE, pretrained=True)
    if task_class(config.warmup) is not None and config.protocol != "scratch":
        for source in dict.fromkeys(build_domain(name).warmup_domain or name for name in domains):
            build_task(config.warmup, resolve_backbones(config.backbone)[0], build_domain(source))


def resolve_backbones(patterns: Sequence[str]) -> list[str]:
    """Backbones for a list of names, globs, ``all`` and ``timm:NAME``, without repeats; an unknown one raises
    ``UsageError``."""
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


def _sizes(config: SweepConfig, fusions: Sequence[str], backbone: str, domain: str) -> dict[str, Sized]:
    """The fusions that are matched in parameters, by name as given; none unless it was asked for."""
    if config.match_params is None:
        return {}
    features = feature_spec(backbone, build_domain(domain).image)
    return match_parameters(fusions, Matching.parse(config.match_params), features)


def _differs_by_seed(fusion: str) -> bool:
    """Whether anything of it is trained or drawn; an observer that knows the generator scores alike for all seeds."""
    return FUSIONS.get(parse_spec(fusion).name).sees != "likelihoods"


def _cell(config: SweepConfig, fusion: str, backbone: str, domain: str, evals: Sequence[str]) -> Cell:
    """The cell of the first seed."""
    sees = FUSIONS.get(parse_spec(fusion).name).sees
    return Cell(
        fusion=fusion,
        backbone=backbone,
        domain=domain,
        seed=config.seed[0],
        protocol=config.protocol,
        recipe=declared_recipe(backbone, config.protocol, config.recipe),
        warmup=canonical_name(config.warmup),
        warmup_seed=config.warmup_seed,
        warmup_recipe=declared_warmup_recipe(backbone, {**task_recipe(config.warmup), **config.warmup_recipe}),
        eval_domains=(domain, *(name for name in evals if sees in build_domain(name).offers)),
        test_pairs=config.test_pairs,
    )


def _place(
    cell: Cell, key: str, reason: str, latest: Mapping[str, Attempt], retry: Sequence[str], sized: Sized | None
) -> Planned:
    record = latest.get(key)
    if reason:
        return Planned(cell, key, "not applicable", reason)
    if record is None or record.status in retry:
        return Planned(cell, key, "to run", sized=sized)
    return Planned(cell, key, "done" if record.status in DONE else "failed", sized=sized)


def expected_minutes(plan: Plan, records: Sequence[Attempt], jobs: int) -> float | None:
    """How long the cells to run will take, from earlier cells of the same backbone and protocol; None where unknown."""
    seen: dict[tuple[str, str, int | None], list[float]] = {}
    for record in records:
        if record.status == "ok" and "total" in record.times:
            kind = record.backbone, record.protocol, record.recipe.get("train_pairs")
            seen.setdefault(kind, []).append(record.times["total"])
    total = 0.0
    for planned in plan.having("to run"):
        cell = planned.cell
        times = seen.get((cell.backbone, cell.protocol, cell.recipe.train_pairs))
        if not times:
            return None
        total += statistics.median(times)
    return total / max(1, jobs) / 60 if total else None
