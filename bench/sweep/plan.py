"""The plan of a sweep: every cell, and what is known of it before anything runs."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal

from bench.backbones import BACKBONES, Backbone, Weights
from bench.cost.matching import Matching, Sized, match_parameters
from bench.domain import DOMAINS, Domain, build_domain, unread_of
from bench.errors import UsageError
from bench.fusion import FUSIONS, Fusion
from bench.model import feature_spec
from bench.records.record import DONE, Attempt
from bench.registry import Choice
from bench.sweep.applicable import check_warmup, not_applicable
from bench.sweep.budget import within_budget
from bench.sweep.cell import Cell
from bench.sweep.config import SweepConfig, check_size
from bench.sweep.eval_domains import check_eval, eval_domains
from bench.text import count_of, some
from bench.training.budget import NONE
from bench.training.recipe import declared_recipe
from bench.training.threads import one_thread
from bench.training.warmup import WARMUPS, WarmupSpec, given_weights

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
    """All cells of a sweep in the order in which they run: repetition by repetition, and those that share data lie
    together."""

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

    def notes(self) -> list[str]:
        """Lines on what to know before it runs."""
        return [*self.unmatched(), *self.budgets(), *self.inapplicable(), *self.repeated(), *self.unread()]

    def unmatched(self) -> list[str]:
        """One line per backbone and fusion whose parameters could not be matched, with the reason."""
        missed = {(str(planned.cell.backbone), planned.sized): None for planned in self.cells if planned.sized}
        return [
            f"{sized.fusion} · {backbone}: {sized.parameters:,} parameters, not {sized.budget:,}: {sized.problem}"
            for backbone, sized in missed
            if sized.problem
        ]

    def budgets(self) -> list[str]:
        """One line per backbone and budget, with the fewest and the most training pairs that it pays for."""
        found: dict[tuple[str, str], dict[int, str]] = {}
        for planned in self.cells:
            recipe, role = planned.cell.recipe, planned.cell.fusion.cls.role
            if recipe.budget != NONE and role == "fusion" and planned.state != "not applicable":
                pairs = found.setdefault((str(planned.cell.backbone), recipe.budget), {})
                pairs.setdefault(recipe.train_pairs, str(planned.cell.fusion))
        return [
            f"{backbone}: budget {budget} pays for "
            + " to ".join(f"{n:,} ({pairs[n]})" for n in sorted({min(pairs), max(pairs)}))
            + " training pairs"
            for (backbone, budget), pairs in found.items()
        ]

    def inapplicable(self) -> list[str]:
        """One line per reason why cells are not applicable, with the fusions that it holds for."""
        fusions: dict[str, dict[str, None]] = {}
        for planned in self.having("not applicable"):
            fusions.setdefault(planned.reason, {})[str(planned.cell.fusion)] = None
        return [f"not applicable: {some(tuple(names), NAMED)}: {reason}" for reason, names in fusions.items()]

    def repeated(self) -> list[str]:
        """One line per domain with fewer test pairs than are asked for, some of which are then tested again."""
        fewest: dict[tuple[str, int], int] = {}
        for cell in (planned.cell for planned in self.cells):
            for domain in cell.eval_domains:
                own, place = build_domain(domain).test_pairs, (cell.name_of(domain), cell.test_pairs)
                if own is not None:
                    fewest[place] = min(own, fewest.get(place, own))
        return [
            f"{name}: has {own:,} test pairs, half of them same, and {asked:,} are tested: some count more than once, "
            f"and intervals within a seed are too narrow; --test-pairs {own} tests each once"
            for (name, asked), own in sorted(fewest.items())
            if own < asked
        ]

    def unread(self) -> list[str]:
        """A line on each kind of file of the user that lies among the images of a domain and is not read."""
        domains = dict.fromkeys(domain for one in self.cells for domain in (one.cell.domain, *one.cell.eval_domains))
        return list(dict.fromkeys(line for domain in domains for line in unread_of(build_domain(domain))))

    def summary(self, time: str) -> str:
        """One line such as ``48 cells: 30 done, 2 failed, 16 to run, about 6 min``; ``time`` may be empty."""
        counts = Counter(planned.state for planned in self.cells)
        parts = [
            f"{counts[state]} {state}" for state in ("done", "failed", "not applicable", "to run") if counts[state]
        ]
        warmups = len(self.missing_warmups())
        if warmups:
            parts.append(f"{count_of(warmups, 'warm-up')} first")
        parts += filter(None, [time])
        return f"{count_of(len(self.cells), 'cell')}: {', '.join(parts)}"


def make_plans(configs: Sequence[SweepConfig], latest: Mapping[str, Attempt]) -> Plan:
    """The plans of several configurations as one, in which a cell that several have stands once."""
    found = (planned for config in configs for planned in make_plan(config, latest).cells)
    return Plan(tuple({planned.key: planned for planned in found}.values()))


def make_plan(config: SweepConfig, latest: Mapping[str, Attempt]) -> Plan:
    """Resolve names, compare with the records there are, and check every combination that has yet to give a result.

    Raises:
        UsageError: an unknown name, parameter, warm-up or recipe field.
    """
    if config.first_replicate and config.replicates is None:
        raise UsageError("--first-replicate: nothing without --replicates, whose first number it is")
    # All of it is small: threads gain nothing, and wait long for each other where workers keep the cores busy.
    with one_thread():
        return Plan(tuple(_planned(config, latest)))


def _planned(config: SweepConfig, latest: Mapping[str, Attempt]) -> list[Planned]:
    domains = DOMAINS.resolve(config.domain)
    for name in config.domain_params:
        if not any(name in _accepted(domain) for domain in domains):
            raise UsageError(f"--domain-params: {', '.join(map(str, domains))}: no domain here has {name!r}")
    domains = [_with_params(domain, config.domain_params) for domain in domains]
    backbones = BACKBONES.resolve(config.backbone)
    check_eval(domains, config.eval)
    fusions = FUSIONS.resolve(config.fusion)
    check_size(fusions, backbones, domains, config.repetitions)
    planned: list[Planned] = []
    for backbone, domain in product(backbones, domains):
        evals = [_with_params(tested, config.domain_params) for tested in eval_domains(domain, config.eval)]
        sizes = _sizes(config, fusions, backbone, domain)
        chosen = dict.fromkeys(sizes[fusion].fusion if fusion in sizes else fusion for fusion in fusions)
        sized = {size.fusion: size for size in sizes.values()}
        cells = {fusion: within_budget(_cell(config, fusion, backbone, domain, evals)) for fusion in chosen}
        repeated = {fusion: _repeated(config, cell) for fusion, cell in cells.items()}
        # What gave a result could be combined, and to find that out again takes longer than all else here.
        is_done = {
            fusion: all(_gave_result(latest.get(key), config.retry) for _, key in found.values())
            for fusion, found in repeated.items()
        }
        reasons = {fusion: "" if is_done[fusion] else not_applicable(cell) for fusion, cell in cells.items()}
        for number, fusion in product(config.repetitions, chosen):
            if number in repeated[fusion]:
                cell, key = repeated[fusion][number]
                planned.append(_place(cell, key, reasons[fusion], latest.get(key), config.retry, sized.get(fusion)))
    if any(one.state != "done" for one in planned):
        check_warmup(config, domains, backbones)
    # Repetition by repetition, so that the first whole table is there early.
    place = {number: place for place, number in enumerate(config.repetitions)}
    return sorted(planned, key=lambda one: place[one.cell.seed])


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


def _repeated(config: SweepConfig, cell: Cell) -> dict[int, tuple[Cell, str]]:
    """The repetitions of a cell that is the first of them, with the key of each, by number."""
    if config.replicates:
        replicates = map(cell.replicate, config.repetitions)
        return {one.seed: (one, one.key()) for one in replicates}
    # An observer that knows the generator trains nothing, and scores the same pairs alike under all seeds.
    seeds = config.seed[:1] if cell.fusion.cls.sees == "likelihoods" else config.seed
    return {seed: (replace(cell, seed=seed), key) for seed, key in cell.keys(seeds).items()}


def _cell(
    config: SweepConfig,
    fusion: Choice[Fusion],
    backbone: Choice[Backbone],
    domain: Choice[Domain],
    evals: Sequence[Choice[Domain]],
) -> Cell:
    """The cell of the first repetition."""
    name = str(backbone)
    return Cell(
        fusion=fusion,
        backbone=backbone,
        domain=domain,
        seed=config.repetitions[0],
        protocol=config.protocol,
        recipe=declared_recipe(name, config.protocol, config.recipe),
        warmup=WarmupSpec.declared(config.warmup, name, str(domain), config.warmup_recipe, config.warmup_seed),
        eval_domains=(domain, *(tested for tested in evals if fusion.cls.sees in build_domain(tested).offers)),
        test_pairs=config.test_pairs,
    )


def _place(
    cell: Cell, key: str, reason: str, record: Attempt | None, retry: Sequence[str], sized: Sized | None
) -> Planned:
    if reason and not _gave_result(record, retry):
        return Planned(cell, key, "not applicable", reason)
    if record is None or record.status in retry:
        return Planned(cell, key, "to run", sized=sized)
    return Planned(cell, key, "done" if record.status in DONE else "failed", sized=sized)


def _gave_result(record: Attempt | None, retry: Sequence[str]) -> bool:
    """Whether there is a result that counts."""
    return record is not None and record.status == "ok" and "ok" not in retry
