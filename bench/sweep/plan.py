"""The plan of a sweep: every cell, and what is known of it before anything runs."""

from __future__ import annotations

import inspect
import statistics
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any, Literal

from bench.backbones import BACKBONES, Backbone, Weights, create_backbone
from bench.cost.matching import Matching, Sized, match_parameters
from bench.domain import DOMAINS, Domain, build_domain
from bench.errors import NotApplicableError, UsageError
from bench.fusion import FUSIONS, Fusion
from bench.model import IMAGE, build_fusion, feature_spec
from bench.records.record import DONE, Attempt
from bench.registry import Choice
from bench.sweep.cell import Cell
from bench.sweep.config import SweepConfig, check_size
from bench.sweep.eval_domains import check_eval, eval_domains
from bench.text import count_of
from bench.training.applicable import why_not_augment, why_not_auxiliary, why_not_objective, why_not_unnamed
from bench.training.augment import Augmentation
from bench.training.auxiliary import auxiliary_weights, missing_latents
from bench.training.objectives import Objective
from bench.training.recipe import declared_recipe
from bench.training.warmup import WARMUPS, Pretrained, WarmupSpec, build_task, given_weights

# Of the fusions that one reason keeps out, so that it is a line.
NAMED = 5
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
        needed: dict[WarmupSpec, Cell] = {}
        for cell in (planned.cell for planned in self.having("to run")):
            if cell.computed_start and cell.fusion.cls.encoder == "trained":
                needed.setdefault(cell.computed_start, cell)
        return [cell for start, cell in needed.items() if not start.is_cached()]

    def unmatched(self) -> list[str]:
        """One line per backbone and fusion whose parameters could not be matched, with the reason."""
        missed = {(str(planned.cell.backbone), planned.sized): None for planned in self.cells if planned.sized}
        return [
            f"{sized.fusion} · {backbone}: {sized.parameters:,} parameters, not {sized.budget:,}: {sized.problem}"
            for backbone, sized in missed
            if sized.problem
        ]

    def inapplicable(self) -> list[str]:
        """One line per reason why cells are not applicable, with the fusions that it holds for."""
        fusions: dict[str, dict[str, None]] = {}
        for planned in self.having("not applicable"):
            fusions.setdefault(planned.reason, {})[str(planned.cell.fusion)] = None
        return [f"not applicable: {_some(tuple(names))}: {reason}" for reason, names in fusions.items()]

    def repeated(self) -> list[str]:
        """One line per domain with fewer test pairs than are asked for, some of which are then tested again."""
        tested = {(name, planned.cell.test_pairs) for planned in self.cells for name in planned.cell.eval_domains}
        found = sorted((str(name), build_domain(name).test_pairs, asked) for name, asked in tested)
        return [
            f"{name}: has {own:,} test pairs, half of them same, and {asked:,} are tested: some count more than once, "
            f"and intervals within a seed are too narrow; --test-pairs {own} tests each once"
            for name, own, asked in found
            if own is not None and own < asked
        ]

    def summary(self, minutes: float | None) -> str:
        """One line such as ``48 cells: 30 done, 2 failed, 16 to run, about 6 min``."""
        counts = Counter(planned.state for planned in self.cells)
        parts = [
            f"{counts[state]} {state}" for state in ("done", "failed", "not applicable", "to run") if counts[state]
        ]
        warmups = len(self.missing_warmups())
        if warmups:
            parts.append(f"{count_of(warmups, 'warm-up')} first")
        if minutes is not None:
            parts.append(f"about {max(1, round(minutes))} min")
        return f"{count_of(len(self.cells), 'cell')}: {', '.join(parts)}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def make_plan(config: SweepConfig, latest: Mapping[str, Attempt]) -> Plan:
    """Resolve names, check every combination, and compare with the records there are.

    Raises:
        UsageError: an unknown name, parameter, warm-up or recipe field.
    """
    domains = DOMAINS.resolve(config.domain)
    for name in config.domain_params:
        if not any(name in _accepted(domain) for domain in domains):
            raise UsageError(f"--domain-params: {', '.join(map(str, domains))}: no domain here has {name!r}")
    domains = [_with_params(domain, config.domain_params) for domain in domains]
    backbones = BACKBONES.resolve(config.backbone)
    check_warmup(config, domains, backbones)
    check_eval(domains, config.eval)
    fusions = FUSIONS.resolve(config.fusion)
    check_size(fusions, backbones, domains, config.seed)
    planned = []
    for backbone, domain in product(backbones, domains):
        evals = [_with_params(tested, config.domain_params) for tested in eval_domains(domain, config.eval)]
        sizes = _sizes(config, fusions, backbone, domain)
        chosen = dict.fromkeys(sizes[fusion].fusion if fusion in sizes else fusion for fusion in fusions)
        sized = {size.fusion: size for size in sizes.values()}
        cells = {fusion: _cell(config, fusion, backbone, domain, evals) for fusion in chosen}
        reasons = {fusion: not_applicable(cell) for fusion, cell in cells.items()}
        keys = {
            fusion: cell.keys(config.seed if _differs_by_seed(fusion) else config.seed[:1])
            for fusion, cell in cells.items()
        }
        for seed, fusion in product(config.seed, chosen):
            if seed in keys[fusion]:
                cell, key = replace(cells[fusion], seed=seed), keys[fusion][seed]
                planned.append(_place(cell, key, reasons[fusion], latest, config.retry, sized.get(fusion)))
    return Plan(tuple(planned))


def not_applicable(cell: Cell) -> str:
    """Why a fusion cannot be combined with backbone, domain, protocol and recipe of a cell; empty where it can.

    Raises:
        UsageError: parameters from which the fusion cannot be built.
    """
    fusion, data = cell.fusion, build_domain(cell.domain)
    if fusion.cls.sees not in data.offers:
        return f"{cell.domain} offers no {fusion.cls.sees} of its images"
    try:
        built = build_fusion(fusion, feature_spec(str(cell.backbone), data.image, cell.weights), len(data.classes))
    except NotApplicableError as error:
        return str(error)
    except UsageError:
        raise
    except Exception:
        return ""  # a plug-in that cannot be built is a failed cell with its traceback, and not the end of the sweep
    # A control without an encoder has nothing to freeze, and what frozen fusions add to it is seen beside them.
    is_pixel_control = built.role == "control" and built.encoder == "none"
    if cell.protocol == "frozen" and built.needs in ("pixels", "stage", "exchange") and not is_pixel_control:
        return f"the frozen protocol encodes each image by itself, and {fusion.name} joins {_joint(built)} before that"
    if cell.protocol == "frozen" and built.towers == 2:
        return f"the frozen protocol trains no tower, and the two of {fusion.name} start alike: they would be one"
    weights = auxiliary_weights(built, cell.recipe.auxiliary)
    objective = Objective.parse(cell.recipe.objective)
    return (
        ("" if data.names_images else why_not_unnamed(built, objective))
        or why_not_objective(built, objective, cell.protocol)
        or why_not_augment(built, Augmentation.parse(cell.recipe.augment), cell.protocol, weights)
        or why_not_auxiliary(built, weights)
        or missing_latents(weights, _latents(cell.domain) if weights else ())
    )


@cache
def _latents(domain: Choice[Domain]) -> frozenset[str]:
    """What a domain records of each image."""
    built = build_domain(domain)
    return frozenset(built.draw("val", 0, 2).a.latents) - (set() if built.names_images else {"class"})


def _joint(fusion: Fusion) -> str:
    return "the images" if fusion.needs == "pixels" else "the maps inside the backbone"


def check_warmup(config: SweepConfig, domains: Sequence[Choice[Domain]], backbones: Sequence[Choice[Backbone]]) -> None:
    """Raise ``UsageError`` where the warm-up is unknown, impossible on one of the domains or cannot be loaded."""
    task = WARMUPS.settle(config.warmup)
    if config.protocol == "frozen" and task.cls.weights == "random":
        raise UsageError(f"the frozen protocol trains no backbone: it needs a warm-up other than {task}")
    if config.protocol == "scratch":
        return
    if issubclass(task.cls, Pretrained):
        for backbone in backbones:
            create_backbone(str(backbone), IMAGE, _weights(config, backbone))
    elif task.cls.weights == "computed":
        specs = [WarmupSpec.declared(config.warmup, str(backbones[0]), str(domain)) for domain in domains]
        for spec in {spec.domain: spec for spec in specs}.values():
            build_task(task, str(spec.backbone), spec.shown)


def _with_params(domain: Choice[Domain], params: Mapping[str, Any]) -> Choice[Domain]:
    """The domain with those of ``params`` that it has and does not set itself."""
    given = {name: value for name, value in params.items() if name in _accepted(domain) and name not in domain.params}
    return domain.with_params(**given) if given else domain


def _accepted(domain: Choice[Domain]) -> Collection[str]:
    return inspect.signature(domain.cls).parameters


def _sizes(
    config: SweepConfig, fusions: Sequence[Choice[Fusion]], backbone: Choice[Backbone], domain: Choice[Domain]
) -> dict[Choice[Fusion], Sized]:
    """The fusions that are matched in parameters, by the one given; none unless it was asked for."""
    if config.match_params is None:
        return {}
    features = feature_spec(str(backbone), build_domain(domain).image, _weights(config, backbone))
    return match_parameters(fusions, Matching.parse(config.match_params), features)


def _weights(config: SweepConfig, backbone: Choice[Backbone]) -> Weights | None:
    """The weights that others trained and the cells of a backbone start from, if any."""
    return None if config.protocol == "scratch" else given_weights(WARMUPS.settle(config.warmup), str(backbone))


def _differs_by_seed(fusion: Choice[Fusion]) -> bool:
    """Whether anything of it is trained or drawn; an observer that knows the generator scores alike for all seeds."""
    return fusion.cls.sees != "likelihoods"


def _cell(
    config: SweepConfig,
    fusion: Choice[Fusion],
    backbone: Choice[Backbone],
    domain: Choice[Domain],
    evals: Sequence[Choice[Domain]],
) -> Cell:
    """The cell of the first seed."""
    name = str(backbone)
    return Cell(
        fusion=fusion,
        backbone=backbone,
        domain=domain,
        seed=config.seed[0],
        protocol=config.protocol,
        recipe=declared_recipe(name, config.protocol, config.recipe),
        warmup=WarmupSpec.declared(config.warmup, name, str(domain), config.warmup_recipe, config.warmup_seed),
        eval_domains=(domain, *(tested for tested in evals if fusion.cls.sees in build_domain(tested).offers)),
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
        times = seen.get((str(cell.backbone), cell.protocol, cell.recipe.train_pairs))
        if not times:
            return None
        total += statistics.median(times)
    return total / max(1, jobs) / 60 if total else None
