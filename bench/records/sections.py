"""Tables: what may stand in one, because only fusion and backbone differ; a section is one of entries."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TypeVar

from bench.metrics import LOWER, METRICS
from bench.records.columns import COSTS, Cost
from bench.records.entries import Entry, is_one_machine
from bench.records.record import Group, Record, Repeats, Role
from bench.records.references import place
from bench.spec import shift_of

T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """What all lines of one table have in common, and how it is told from other tables.

    Attributes:
        recipe_id: of all its lines, or empty where every backbone has its one recipe and they differ.
        is_only_recipe, is_only_warmup_seed: whether no other table differs in this alone.
        train_pairs: of its recipe, where that tells it from the other recipes.
        backbone: of all its lines, where it is a part of a table.
    """

    domain: str
    protocol: str
    warmup: str
    warmup_seed: int
    repeats: Repeats
    recipe_id: str
    is_only_recipe: bool
    is_only_warmup_seed: bool
    train_pairs: int | None = None
    backbone: str = ""

    @property
    def title(self) -> str:
        """Heading, different for every table of a report."""
        return f"Trained on {self.domain} · {self.conditions}"

    @property
    def conditions(self) -> str:
        """What the heading says besides the domain."""
        warmup = "no warm-up" if self.warmup == "none" else f"warm-up {self.warmup}"
        parts = [self.protocol, warmup]
        if self.repeats == "replicate":
            parts.append("replicates")
        elif not self.is_only_warmup_seed:
            parts[-1] += f" (seed {self.warmup_seed})"
        if not self.is_only_recipe:
            known = self.train_pairs is not None
            parts.append(f"{self.train_pairs:,} training pairs" if known else f"recipe {self.recipe_id}")
        return " · ".join([*parts, self.backbone] if self.backbone else parts)


def tables_of(
    lines: Iterable[T], group_of: Callable[[T], Group], pairs_of: Callable[[T], int | None]
) -> list[tuple[Table, list[T]]]:
    """Split lines into tables, in which only fusion and backbone differ; those of fewer training pairs first.

    Protocol, warm-up and domain never mix. Recipes share a table only where each backbone has exactly one: then the
    recipe is part of what the backbone stands for.

    Args:
        pairs_of: training pairs of a line, where they are known.
    """
    found: dict[tuple[str, str, str, Repeats, int], list[tuple[Group, T]]] = defaultdict(list)
    for line in lines:
        group = group_of(line)
        found[group.domain, group.protocol, group.warmup, group.repeats, group.warmup_seed].append((group, line))
    warmup_seeds = Counter(conditions[:4] for conditions in found)
    tables = []
    for (domain, protocol, warmup, repeats, seed), members in sorted(found.items()):
        parts = _by_recipe(members)
        pairs = _pairs_by_recipe(parts, pairs_of) if len(parts) > 1 else {}
        only_seed = warmup_seeds[domain, protocol, warmup, repeats] == 1
        for recipe_id in sorted(parts, key=lambda one: (pairs.get(one, 0), one)):
            table = Table(
                domain, protocol, warmup, seed, repeats, recipe_id, len(parts) == 1, only_seed, pairs.get(recipe_id)
            )
            tables.append((table, parts[recipe_id]))
    return tables


def _pairs_by_recipe(parts: Mapping[str, Sequence[T]], pairs_of: Callable[[T], int | None]) -> dict[str, int]:
    """Training pairs of each recipe; empty where they do not tell all recipes apart."""
    found = {
        recipe_id: known.pop()
        for recipe_id, part in parts.items()
        if len(known := {pairs for pairs in map(pairs_of, part) if pairs is not None}) == 1
    }
    return found if len(set(found.values())) == len(parts) else {}


@dataclass(frozen=True, kw_only=True)
class Section(Table):
    """A table of entries."""

    entries: tuple[Entry, ...]

    @property
    def backbones(self) -> tuple[str, ...]:
        """Names of the backbones, sorted."""
        return tuple(sorted({entry.group.backbone for entry in self.entries}))

    @cached_property
    def finished(self) -> tuple[Record, ...]:
        """All cells with a result."""
        return tuple(cell for entry in self.entries for cell in entry.finished)

    @cached_property
    def has_rates(self) -> bool:
        """Whether pairs/s may stand in this table: its cells ran on one known machine."""
        return is_one_machine(frozenset().union(*(entry.machines for entry in self.entries)))

    def shown(self, costs: Sequence[str]) -> list[Cost]:
        """The cost columns among ``costs`` that this table can have."""
        return [COSTS[name] for name in costs if self.has_rates or not COSTS[name].is_rate]

    @cached_property
    def shifts(self) -> Mapping[str, str]:
        """Shifts of the domain trained on that were tested, sorted: the domain of each by the name of the shift."""
        tested = ((_parts(domain), domain) for domain in self._tested)
        return dict(sorted((shift, domain) for (source, shift), domain in tested if shift and source == self.domain))

    @cached_property
    def other_domains(self) -> tuple[str, ...]:
        """Domains tested on besides the one trained on and its shifts, sorted."""
        return tuple(sorted(self._tested - {self.domain, *self.shifts.values()}))

    @cached_property
    def _tested(self) -> frozenset[str]:
        return frozenset(domain for entry in self.entries for domain in entry.quality)

    def of(self, backbone: str) -> Section:
        """The part of a single backbone."""
        entries = tuple(entry for entry in self.entries if entry.group.backbone == backbone)
        return replace(self, backbone=backbone, entries=entries)

    def references(self) -> tuple[Entry, ...]:
        """Entries that know more than a fusion may, by backbone and in a fixed order, whatever their scores."""
        chosen = [entry for entry in self.entries if entry.role == "reference"]
        return tuple(sorted(chosen, key=lambda entry: (entry.group.backbone, place(entry), entry.group.fusion)))

    def ranked(self, role: Role, metric: str) -> tuple[Entry, ...]:
        """Entries of a role, by backbone, then best first on the domain trained on; without a value last."""
        chosen = [entry for entry in self.entries if entry.role == role]
        sign = 1 if METRICS.get(metric).direction == LOWER else -1

        def order(entry: Entry) -> tuple[str, bool, float, str]:
            mean = entry.mean(self.domain, metric)
            missing = math.isnan(mean)
            return entry.group.backbone, missing, 0.0 if missing else sign * mean, entry.group.fusion

        return tuple(sorted(chosen, key=order))


def sections_of(entries: Iterable[Entry]) -> tuple[Section, ...]:
    """Split entries into tables."""
    tables = tables_of(entries, lambda entry: entry.group, lambda entry: entry.train_pairs)
    return tuple(Section(**vars(table), entries=tuple(members)) for table, members in tables)


@cache
def _parts(domain: str) -> tuple[str, str]:
    """Source and shift of a domain, read once however many cells were tested on it."""
    return shift_of(domain)


def _by_recipe(lines: Sequence[tuple[Group, T]]) -> dict[str, list[T]]:
    """Lines by recipe; one part under an empty name where each backbone has its own."""
    used = {(group.backbone, group.recipe_id) for group, _ in lines}
    recipes, backbones = sorted({recipe for _, recipe in used}), {backbone for backbone, _ in used}
    if len(recipes) > 1 and len(used) == len(backbones):
        return {"": [line for _, line in lines]}
    return {recipe: [line for group, line in lines if group.recipe_id == recipe] for recipe in recipes}
