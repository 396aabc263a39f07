"""Sections: the entries that may stand in one table, because only fusion and backbone differ."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

from bench.records.columns import COSTS, METRICS, Cost
from bench.records.entries import Entry, is_one_machine
from bench.records.record import Record, Role
from bench.records.references import place
from bench.spec import shift_of


@dataclass(frozen=True)
class Section:
    """One table.

    Attributes:
        recipe_id: of all its entries, or empty where every backbone has its one recipe and they differ.
        is_only_recipe, is_only_warmup_seed: whether no other section differs in this alone.
    """

    protocol: str
    warmup: str
    warmup_seed: int
    domain: str
    recipe_id: str
    entries: tuple[Entry, ...]
    is_only_recipe: bool
    is_only_warmup_seed: bool

    @property
    def title(self) -> str:
        """Heading, different for every section of a report."""
        warmup = "no warm-up" if self.warmup == "none" else f"warm-up {self.warmup}"
        parts = [f"Trained on {self.domain}", self.protocol, warmup]
        if not self.is_only_warmup_seed:
            parts[-1] += f" (seed {self.warmup_seed})"
        if not self.is_only_recipe:
            parts.append(f"recipe {self.recipe_id}")
        return " · ".join(parts)

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
        return is_one_machine(self.finished)

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
        return replace(self, entries=tuple(entry for entry in self.entries if entry.group.backbone == backbone))

    def references(self) -> tuple[Entry, ...]:
        """Entries that know more than a fusion may, by backbone and in a fixed order, whatever their scores."""
        chosen = [entry for entry in self.entries if entry.role == "reference"]
        return tuple(sorted(chosen, key=lambda entry: (entry.group.backbone, place(entry), entry.group.fusion)))

    def ranked(self, role: Role, metric: str) -> tuple[Entry, ...]:
        """Entries of a role, by backbone, then best first on the domain trained on; without a value last."""
        chosen = [entry for entry in self.entries if entry.role == role]
        sign = -1 if METRICS[metric] >= 0 else 1

        def order(entry: Entry) -> tuple[str, bool, float, str]:
            mean = entry.mean(self.domain, metric)
            missing = math.isnan(mean)
            return entry.group.backbone, missing, 0.0 if missing else sign * mean, entry.group.fusion

        return tuple(sorted(chosen, key=order))


def sections_of(entries: Iterable[Entry]) -> tuple[Section, ...]:
    """Split entries into tables.

    Protocol, warm-up and domain never mix. Recipes share a table only where each backbone has exactly one: then the
    recipe is part of what the backbone stands for.
    """
    tables: dict[tuple[str, str, str, int], list[Entry]] = defaultdict(list)
    for entry in entries:
        group = entry.group
        tables[group.domain, group.protocol, group.warmup, group.warmup_seed].append(entry)
    warmup_seeds: dict[tuple[str, str, str], int] = defaultdict(int)
    for domain, protocol, warmup, _ in tables:
        warmup_seeds[domain, protocol, warmup] += 1
    sections = []
    for (domain, protocol, warmup, seed), members in sorted(tables.items()):
        parts = _by_recipe(members)
        for recipe_id, part in parts.items():
            only_seed = warmup_seeds[domain, protocol, warmup] == 1
            sections.append(Section(protocol, warmup, seed, domain, recipe_id, tuple(part), len(parts) == 1, only_seed))
    return tuple(sections)


@cache
def _parts(domain: str) -> tuple[str, str]:
    """Source and shift of a domain, read once however many cells were tested on it."""
    return shift_of(domain)


def _by_recipe(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Entries by recipe; one part under an empty name where each backbone has its own."""
    recipes: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        recipes[entry.group.backbone].add(entry.group.recipe_id)
    ids = sorted({entry.group.recipe_id for entry in entries})
    if len(ids) > 1 and all(len(own) == 1 for own in recipes.values()):
        return {"": list(entries)}
    return {recipe: [entry for entry in entries if entry.group.recipe_id == recipe] for recipe in ids}
